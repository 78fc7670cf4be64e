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

/** The one stylesheet of every page. */
export const readStyles = (): Promise<string> => Bun.file(join(import.meta.dir, 'page.css')).text();

/** A page in one file: its stylesheet inside, no script, and a policy that lets nothing in or out. */
export async function renderFile(page: Page): Promise<string> {
  const styles = Html.trusted(await readStyles());
  return renderPage(
    page,
    html`<meta http-equiv="Content-Security-Policy" content="${Html.trusted(POLICY)}">`,
    html`<style>${styles}</style>`,
  );
}

/**
 * @param policy stands before all that it is about
 * @param links styles and scripts
 */
export function renderPage({ title, header, nav, main, footer }: Page, policy: Value, links: Value): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${policy}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="data:,">
${links}
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
