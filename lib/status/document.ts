import { Html, html } from '../report/html/escape.ts';
import { renderPage } from '../report/html/page.ts';
import type { Assets } from './assets.ts';
import { hashOf, type View } from './broadcast.ts';

const REFRESH_S = 5; // of a browser without script

/** The page as it is now. The script goes on from there; a browser without it loads the page again, while something goes on. */
export function renderDocument({ title, parts, over }: View, { styles, script }: Assets): string {
  const [header = [], nav = [], main = []] = [['header'], ['nav'], undefined].map((ids) =>
    parts
      .filter(({ id }) => (ids ? ids.includes(id) : id !== 'header' && id !== 'nav'))
      .map(
        ({ id, markup }) => html`<div data-part="${id}" data-hash="${hashOf(markup)}">${Html.trusted(markup)}</div>\n`,
      ),
  );
  const live = html`<script src="${script.href}" defer></script>
<noscript><meta http-equiv="refresh" content="${String(REFRESH_S)}"></noscript>`;
  return renderPage(
    {
      title,
      header,
      nav,
      main: html`<div id="connection" role="status"></div>\n${main}`,
      footer: html`<p>The same figures, once there are any: <a href="report.json">report.json</a>. Neither has messages or SQL; the messages are in the log.</p>`,
    },
    undefined, // the policy comes as a header
    html`<link rel="stylesheet" href="${styles.href}">
${!over && live}`,
  );
}
