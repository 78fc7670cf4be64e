import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parseHTML } from 'linkedom';
import { code, fence, table, text } from '../../lib/report/markdown/text.ts';
import { MARKER, renderMarkdown } from '../../lib/report/markdown.ts';
import type { LabelReport, RunReport } from '../../lib/report/report.ts';
import { HOSTILE, REPORTS } from './arbitrary.ts';
import {
  alarming,
  CHECK_FAILED,
  department,
  dryRun,
  ended,
  nepali,
  RESTARTS,
  reviewed,
  runReport,
  VERSION,
} from './reports.ts';

const COMMENT = 60_000; // characters; GitHub's limit is 65,536

const GOLDEN: Record<string, RunReport> = {
  review: dryRun([reviewed()]),
  reviews: dryRun(
    [
      reviewed(),
      { ...nepali(), outcome: { status: 'refused', problem: CHECK_FAILED }, ...alarming() },
      ended('skipped', { status: 'skipped_insufficient_data', rows: 450, minimum: 1000, stage: 'fetched' }),
      ended('unchanged', { status: 'unchanged', version: VERSION }),
    ],
    ['LEDGER_KEY is not set, and acme/unchanged-mistakes is public'],
  ),
  success: runReport([department()]),
  retrained: runReport([{ ...ended('unchanged', { status: 'unchanged', version: VERSION }), restarts: RESTARTS }]),
};

/** As GitHub renders it, but for mentions and references; autolinks are on. */
function html(markdown: string) {
  const rendered = Bun.markdown.html(markdown, { tables: true, strikethrough: true, autolinks: true });
  return parseHTML(`<html><body>${rendered}</body></html>`).document;
}

const OURS = new Set(
  'h2 h3 p table thead tbody tr th td code pre details summary ul li blockquote strong em span br b'.split(' '),
);

/** Nothing but our own elements, no attribute but alignments and the language of a block; every row has its header's cells. */
function expectOurs(document: ReturnType<typeof html>): void {
  const elements = [...document.querySelectorAll('body *')];
  expect(elements.map(({ tagName }) => tagName.toLowerCase()).filter((name) => !OURS.has(name))).toEqual([]);
  const attributes = elements.flatMap((element) =>
    [...element.attributes].map(({ name, value }) => `${name}=${value}`),
  );
  expect(attributes.filter((each) => !/^(align=|style=text-align|class=language-sql$)/.test(each))).toEqual([]);
  for (const rows of document.querySelectorAll('table')) {
    const cells = [...rows.querySelectorAll('tr')].map(({ children }) => children.length);
    expect(new Set(cells).size).toBe(1);
  }
  const depth = (element: { parentElement: unknown } | null): number =>
    element ? 1 + depth(element.parentElement as typeof element) : 0;
  const folds = [...document.querySelectorAll('details')].map(depth);
  expect(new Set(folds).size).toBeLessThan(2); // none is left open around the next
}

describe('renderMarkdown()', () => {
  test.each(Object.entries(GOLDEN))('%s is as test/report/golden shows it', (name, report) => {
    const file = join(import.meta.dir, 'golden', `${name}.md`);
    const rendered = renderMarkdown(report);
    if (process.env.UPDATE_GOLDEN) writeFileSync(file, rendered);
    expect(existsSync(file), `${file} is missing: UPDATE_GOLDEN=1 writes it`).toBeTrue();
    expect(rendered).toBe(readFileSync(file, 'utf8'));
    expectOurs(html(rendered));
  });

  test('begins with the marker by which a workflow finds its comment, and has it once', () => {
    const named = { ...department(), target: MARKER, classes: [MARKER, MARKER, MARKER, MARKER] };
    const rendered = renderMarkdown(runReport([named], [MARKER]));
    expect(rendered.split('\n')[0]).toBe(MARKER);
    expect(rendered.split(MARKER).length).toBe(2);
  });

  test('of any report is a comment of our own elements only, that tells nobody, and that GitHub takes', () => {
    fc.assert(
      fc.property(REPORTS, (report) => {
        const rendered = renderMarkdown(report);
        expect(rendered.length).toBeLessThan(COMMENT);
        const document = html(rendered);
        expectOurs(document);
        for (const code of document.querySelectorAll('code')) code.remove(); // GitHub looks for no mention there
        for (const cell of document.querySelectorAll('th, td')) cell.append(' '); // a reference does not go on in the next
        expect(document.body.textContent).not.toMatch(/@[\w-]|(^|\W)#\d|gh-\d/i);
      }),
      { numRuns: 50 },
    );
  }, 60_000);
});

describe('a report that is too long for a comment', () => {
  const many = (count: number, more: Partial<LabelReport> = {}) =>
    Array.from({ length: count }, (_, index) => ({ ...reviewed(more), label: `label_${index}` }));
  const classes = Array.from({ length: 3000 }, (_, id) => `@class | ${id} ${'*'.repeat(150)}`);
  const difference = reviewed().difference ?? expect.unreachable();
  const wide: Partial<LabelReport> = {
    classes,
    queries: [{ source: 'correct', sql: `SELECT ${'`x`, '.repeat(40_000)}1` }],
    difference: { ...difference, classes: classes.map((name) => ({ name, before: 1, after: 2 })) },
  };

  test.each([
    ['10 labels', dryRun(many(10)), 10],
    ['40 labels', dryRun(many(40)), 40],
    ['2,000 labels', dryRun(many(2000)), undefined],
    ['a label of 3,000 classes and a query of 200 kB', dryRun(many(1, wide)), 1],
    ['12 such labels', dryRun(many(12, wide)), 12],
    ['thousands of warnings', dryRun(many(1), Array(5000).fill('@'.repeat(5000))), 1],
  ])('is cut to one: %s', (_, report, shown) => {
    const rendered = renderMarkdown(report);
    expect(rendered.length).toBeLessThan(COMMENT);
    expect(rendered).toContain('report.html');
    const document = html(rendered);
    expectOurs(document);
    const titles = [...document.querySelectorAll('h3')].length;
    if (shown === undefined) expect(titles).toBeWithin(20, 2000);
    else expect(titles).toBe(shown);
  });

  test('loses what explains before what decides, of the last labels first, and names it', () => {
    const rendered = renderMarkdown(dryRun(many(11)));
    const [, ...labels] = rendered.split(/^### /m);
    const has = (title: string) => labels.map((label) => label.includes(title));
    expect(has('**Checks:**')).toEqual(labels.map(() => true));
    expect(has('Difference')).toEqual(labels.map(() => true));
    const queries = has('<summary>SQL');
    expect(queries[0]).toBeTrue();
    expect(queries.at(-1)).toBeFalse();
    expect(queries).toEqual([...queries].sort((a, b) => Number(b) - Number(a)));
    labels.forEach((label, index) => void expect(label.includes('Left out here')).toBe(!queries[index]));
  });

  test('uses the room there is', () => {
    expect(renderMarkdown(dryRun(many(40))).length).toBeGreaterThan(COMMENT * 0.9);
  });
});

describe('text() and code()', () => {
  const readable = (value: string) =>
    value
      .replaceAll('\u200b', '')
      .replace(/[\p{Cc}\p{Bidi_Control}\s]+/gu, ' ')
      .trim();

  test.each(HOSTILE)('show %j as it is', (value) => {
    const markdown = [text(value), code(value), table([text(value)], [[code(value)], [text(value)]])].join('\n\n');
    const document = html(markdown);
    expectOurs(document);
    const parts = [...document.querySelectorAll('p, th, td')].map(({ textContent }) => readable(textContent ?? ''));
    expect(parts).toEqual(Array(5).fill(readable(value)));
  });

  test('make no link of an address', () => {
    for (const value of HOSTILE) expect(html(text(value)).querySelectorAll('a, img').length).toBe(0);
  });
});

describe('fence()', () => {
  test('holds any content, and lets nothing out', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('`', '~', '\n', ' ', 'x', '<b>', '|', '\\') }), (content) => {
        const document = html(`before\n\n${fence(content, 'sql')}\n\nafter`);
        expect([...document.body.children].map(({ tagName }) => tagName)).toEqual(['P', 'PRE', 'P']);
        expect(document.querySelector('pre')?.textContent?.trimEnd()).toBe(content.trimEnd());
      }),
    );
  });

  test('shows what would turn the reading direction', () => {
    expect(fence("SELECT '\u202e' -- \x1b[31m\r\n\tx", 'sql')).toBe(
      "```sql\nSELECT '\\u202e' -- \\u001b[31m\n\tx\n```",
    );
  });
});
