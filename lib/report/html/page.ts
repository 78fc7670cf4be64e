import { join } from 'node:path';
import { Html, html, type Value } from './escape.ts';

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

export interface Page {
  title: string;
  header: Value;
  /** Of the page's contents; beside them where there is room. */
  nav: Value;
  main: Value;
  footer: Value;
}

/** A page in one file: its stylesheet inside, no script, and a policy that lets nothing in or out. */
export async function renderPage({ title, header, nav, main, footer }: Page): Promise<string> {
  const styles = Html.trusted(await Bun.file(join(import.meta.dir, 'page.css')).text());
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${Html.trusted(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${styles}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<header>${header}</header>
<nav aria-label="Contents">${nav}</nav>
<main id="main" tabindex="-1">${main}</main>
<footer>${footer}</footer>
</body>
</html>
`.markup;
}
