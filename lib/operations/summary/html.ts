import { type Html, html, type Value } from '../../report/html/escape.ts';
import { countOf, type Tone } from '../../report/words.ts';
import { type Digest, type DigestRow, describeDataset } from './digest.ts';

/**
 * A summary as the HTML part of a mail: tables and inline styles, as mail clients know little else. It names no background and no colour
 * of text, so that each client's light and dark are as its reader has them; white stands on the badges, which are dark in both.
 */

const FONT =
  "font-family:-apple-system,'Segoe UI',Roboto,'Noto Sans','Noto Sans Devanagari',sans-serif;font-size:15px;line-height:1.45";
const BODY = `margin:0;padding:16px;color-scheme:light dark;${FONT}`;
const FRAME = 'width:100%;max-width:680px;margin:0 auto;border-collapse:collapse';
const BREAK = 'overflow-wrap:anywhere;word-break:break-word';
const RULE = 'border-top:1px solid #8c959f';
const CELL = `padding:10px 8px 10px 0;vertical-align:top;text-align:left;${RULE};${BREAK}`;
const HEAD = 'padding:0 8px 6px 0;text-align:left;font-size:13px;font-weight:600';
const TITLE = `margin:0 0 8px;font-size:20px;line-height:1.3;${BREAK}`;
const SECTION = 'margin:28px 0 8px;font-size:16px';
const PARAGRAPH = `margin:0 0 8px;${BREAK}`;
const SMALL = `font-size:13px;${BREAK}`;
const CODE = `font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px;${BREAK}`;
const BADGE =
  'display:inline-block;margin-top:4px;padding:1px 8px;border-radius:10px;color:#ffffff;font-size:13px;font-weight:600';
const LIST = 'margin:0;padding:0 0 0 20px';

/** Contrast with white is at least 4.5. */
const COLOURS: Record<Tone, string> = { good: '#1a7f37', quiet: '#57606a', warn: '#9a6700', bad: '#cf222e' };

export function renderMail({ about, problems, remarks, command, ...digest }: Digest): string {
  const sections: Value[] = [
    about.map((each) => html`<p style="${PARAGRAPH}">${each}</p>\n`),
    table(digest),
    problems.length > 0 && html`<h2 style="${SECTION}">To look into</h2>\n${problems.map(problem)}`,
    remarks.length > 0 && html`<h2 style="${SECTION}">Also</h2>\n${list(remarks)}`,
    links(digest),
    command !== undefined &&
      html`<p style="${PARAGRAPH};margin-top:24px">The report of this run, later:<br><code style="${CODE}">${command}</code></p>\n`,
  ];
  return page(digest.headline, sections).markup;
}

/** A mail of one title and a few lines. */
export function renderNotice(title: string, tone: Tone, lines: string[]): string {
  return page(title, problem({ title: '', severity: tone === 'bad' ? 'ERROR' : 'WARN', lines })).markup;
}

function page(title: string, content: Value): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${title}</title>
</head>
<body style="${BODY}">
<table role="presentation" cellpadding="0" cellspacing="0" style="${FRAME}"><tr><td style="${FONT};${BREAK}">
<h1 style="${TITLE}">${title}</h1>
${content}</td></tr></table>
</body>
</html>
`;
}

/** Two columns, so that it fits a phone without a stylesheet that asks how wide the page is. */
function table({ rows, moreRows, links }: Pick<Digest, 'rows' | 'moreRows' | 'links'>): Html {
  const urls = new Map(links.map(({ text, url }) => [text, url]));
  return html`<table cellpadding="0" cellspacing="0" style="width:100%;margin-top:20px;border-collapse:collapse">
<tr><th scope="col" style="${HEAD};width:38%">Label</th><th scope="col" style="${HEAD}">Dataset</th></tr>
${rows.map((row) => tableRow(row, urls.get(row.label)))}</table>
${moreRows > 0 && html`<p style="${PARAGRAPH}">and ${countOf(moreRows, 'more label')}</p>\n`}`;
}

function tableRow(row: DigestRow, url: string | undefined): Html {
  const { label, target, word, tone, splits } = row;
  const dataset = describeDataset(row);
  return html`<tr><th scope="row" style="${CELL};font-weight:600">${label}<br><span style="${BADGE};background-color:${COLOURS[tone]}">${word}</span></th>
<td style="${CELL}">${linked(target, url)}${dataset !== '' && html`<br>${dataset}`}${splits !== '' && html`<br><span style="${SMALL}">${splits}</span>`}</td></tr>
`;
}

function linked(text: string, url: string | undefined): Html {
  return url === undefined ? html`${text}` : html`<a href="${url}">${text}</a>`;
}

function problem({ title, severity, lines }: Digest['problems'][number]): Html {
  const colour = COLOURS[severity === 'ERROR' ? 'bad' : 'warn'];
  return html`<div style="margin:0 0 12px;padding:2px 0 2px 12px;border-left:4px solid ${colour}">
${title !== '' && html`<p style="margin:0;font-weight:600;${BREAK}">${severity === 'ERROR' && 'Error: '}${title}</p>\n`}${lines.map((line) => html`<p style="margin:2px 0 0;${BREAK}">${line}</p>\n`)}</div>
`;
}

function list(items: string[]): Html {
  return html`<ul style="${LIST}">${items.map((item) => html`<li style="${PARAGRAPH}">${item}</li>\n`)}</ul>\n`;
}

/** Those that the table does not have. */
function links({ rows, links: all }: Pick<Digest, 'rows' | 'links'>): Value {
  const labels = new Set(rows.map(({ label }) => label));
  return all
    .filter(({ text }) => !labels.has(text))
    .map(({ text, url }) => html`<p style="${PARAGRAPH};margin-top:24px">${linked(text, url)}</p>\n`);
}
