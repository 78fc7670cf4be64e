import { NONE } from '../../report/figures.ts';
import { painter, wrap } from '../../report/layout.ts';
import { renderTable } from '../../report/terminal/table.ts';
import { hang, heading, stack } from '../../report/terminal/text.ts';
import { countOf } from '../../report/words.ts';
import type { Digest } from './digest.ts';

const WIDTH = 78; // characters: RFC 5322, section 2.1.1
const uncoloured = painter(false);

/** A summary as the text part of a mail. */
export function renderText(digest: Digest, width = WIDTH): string {
  const { headline, about, problems, remarks, links, command } = digest;
  const paragraph = (text: string) => wrap(text, width);
  const item = (text: string) => hang('-', text, width, 2);
  const problem = ({ title, severity, lines }: Digest['problems'][number]) => [
    ...paragraph(`${severity === 'ERROR' ? 'ERROR ' : ''}${title}`),
    ...lines.flatMap((line) => hang(' ', line, width, 2)),
  ];
  return `${stack([
    heading(headline, width, uncoloured),
    about.flatMap(paragraph),
    table(digest, width),
    ...problems.map(problem),
    remarks.flatMap(item),
    links.map(({ text, url }) => `${text}: ${url}`), // not wrapped: a URL must be one to be followed
    command === undefined ? [] : ['The report of this run, later:', `  ${command}`],
  ]).join('\n')}\n`;
}

function table({ rows, moreRows }: Digest, width: number): string[] {
  const header = { name: 'label', cells: ['outcome', 'version', 'rows'] };
  const body = rows.map(({ label, word, version, rows: count, splits }) => ({
    name: label,
    cells: [word, version || NONE, count || NONE],
    ...(splits === '' ? {} : { note: splits }),
  }));
  const more = moreRows > 0 ? [`and ${countOf(moreRows, 'more label')}`] : [];
  return [...renderTable({ header, rows: body, words: [0, 1] }, width, uncoloured), ...more];
}
