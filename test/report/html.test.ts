import { describe, expect, test } from 'bun:test';
import { fitSamples } from '../../lib/report/html/budget.ts';
import { html, rowText, showInvisible } from '../../lib/report/html/escape.ts';
import { textWidth, wrapName } from '../../lib/report/html/plot.ts';
import { renderHtml } from '../../lib/report/html.ts';
import { CHANGE_KINDS, DROP_REASONS, type LabelReport } from '../../lib/report/report.ts';
import { type LabelSamples, noSamples } from '../../lib/report/samples.ts';
import { dryRun, dryRunSamples } from './realistic.ts';
import { department, ended, hostileSamples, RESTARTS, reviewed, runReport, UNREACHABLE, VERSION } from './reports.ts';

describe('html``', () => {
  test.each([
    ['a tag', '<b>', '&lt;b&gt;'],
    ['what would end an attribute', `" onload='x`, '&quot; onload=&#39;x'],
    ['an entity', '&lt;', '&amp;lt;'],
    ['a mark that turns the reading direction', 'a\u202eb', 'a\\u{202e}b'],
    ['a control character', '\x1b[31m\0', '\\u{1b}[31m\\u{0}'],
    ['what has no width', 'a\u200b\ufeff\u00adb', 'a\\u{200b}\\u{feff}\\u{ad}b'],
    ['half of a surrogate pair', 'a\ud83d', 'a\\u{d83d}'],
    ['a carriage return', 'a\r\nb', 'a\\r\nb'],
  ])('shows %s as text', (_, value, markup) => {
    expect(html`<p title="${value}">`.markup).toBe(`<p title="${markup}">`);
  });

  test('leaves what Devanagari and emoji are written with', () => {
    const text = 'क्\u200dष र\u200cय 👩\u200d🌾 ❤\ufe0f';
    expect(showInvisible(text)).toBe(text);
  });

  test('takes its own markup as it is, joins lists, and shows nothing for what is not there', () => {
    expect(html`${[html`<i>${1}</i>`, '<']}${undefined}${false}`.markup).toBe('<i>1</i>&lt;');
  });

  test('tells what was made visible from a text that says the same', () => {
    expect(rowText('\\u{202e}\u202e').markup).toBe('\\u{202e}<span class="invisible">\\u{202e}</span>');
  });
});

describe('a name in a chart', () => {
  test.each([
    ['short', 'NORMAL', 1],
    ['long', 'Infrastructure, Utilities & Natural Resources and the Environment', 2],
    ['longer than two lines', 'word '.repeat(60), 2],
    ['without a blank', 'W'.repeat(300), 2],
    ['Devanagari', 'अत्यावश्यक नगरपालिका सेवा तथा सामाजिक कल्याण विभाग काठमाडौँ', 2],
    ['empty', '', 1],
  ])('fits its width: %s', (_, name, lines) => {
    const wrapped = wrapName(name, 300);
    expect(wrapped.length).toBe(lines);
    expect(wrapped.filter((line) => textWidth(line) > 300)).toEqual([]);
    const shown = wrapped.join('').replaceAll(' ', '');
    const whole = name.replaceAll(' ', '');
    expect(shown === whole || (shown.endsWith('…') && whole.startsWith(shown.slice(0, -1)))).toBe(true);
  });
});

const render = (labels: LabelReport[], samples = new Map<string, LabelSamples>()) =>
  renderHtml(runReport(labels), samples);
const headings = (page: string) => [...page.matchAll(/<h3 id="([^"]+)"/g)].map(([, id]) => id);

describe('the page', () => {
  test('says which Spaces were restarted, and which are still owed it', async () => {
    const label = ended('unchanged', { status: 'unchanged', version: VERSION });
    const page = await render([{ ...label, restarts: RESTARTS }]);
    expect(page).toContain(`<li><bdi>acme/classifier on ${VERSION}</bdi></li>`);
    expect(page).toMatch(
      /acme\/second\|classifier&lt;b&gt; on v\w+ \(failed, still owed: .* \(403\)\)<\/bdi> <span class="badge warn">/,
    );
  });

  test('has a section for all that is known, and none for what is not', async () => {
    expect(headings(await render([reviewed()]))).toEqual(
      [
        ...['checks', 'difference', 'attribution', 'plan', 'rows', 'cleaning'],
        ...['classes', 'lengths', 'conflicts', 'personal', 'queries'],
      ].map((key) => `label-department-${key}`),
    );
    const bare = [
      ended('skipped', { status: 'skipped_insufficient_data', rows: 12, minimum: 1000, stage: 'fetched' }),
      ended('failed', { status: 'failed', problem: UNREACHABLE }),
      ended('unchanged', { status: 'unchanged', version: VERSION }),
      { label: 'aborted', target: 'a/b', classes: [], seconds: {} },
    ];
    const page = await render(bare);
    expect(headings(page)).toEqual([]);
    expect(page).not.toContain('<svg');
    for (const { label } of bare) expect(page).toContain(`<h2 id="label-${label}">`);
    for (const text of [UNREACHABLE.code, UNREACHABLE.message, UNREACHABLE.fix]) expect(page).toContain(text);
  });

  test('shows what was written by a run that is none', async () => {
    const files = [{ path: 'data/train.parquet', size: 1234, sha256: 'e'.repeat(64) }];
    const page = await render([department({ files })]);
    expect(headings(page)).toContain('label-department-plan');
    expect(page).toContain('e'.repeat(64));
  });

  test('names no example where there are none', async () => {
    const without = await renderHtml(dryRun(), new Map());
    expect(without).not.toContain('class="examples"');
    expect(await renderHtml(dryRun(), new Map([['department', noSamples()]]))).toBe(without);
    expect(await renderHtml(dryRun(), dryRunSamples())).toContain('class="examples"');
  });

  test('is loud about what must be 0', async () => {
    const loud = (page: string) => page.match(/class="callout bad"/g)?.length ?? 0;
    const { difference, split } = reviewed() as Required<LabelReport>;
    const changes = difference.changes.map((each) => (each.kind === 'moved' ? { ...each, rows: 7 } : each));
    const reordered = { added: [], removed: [], reordered: ['Security & Law Enforcement'] };
    expect(loud(await render([reviewed()]))).toBe(0);
    expect(loud(await render([reviewed({ difference: { ...difference, changes } })]))).toBe(1);
    expect(loud(await render([reviewed({ difference: { ...difference, classList: reordered } })]))).toBe(1);
    expect(loud(await render([reviewed({ split: { ...split, textsInSeveralSplits: 1 } })]))).toBe(1);
  });

  test('computes what the data changed and what the spec changed', async () => {
    const measures = [{ group: 'kept' as const, name: 'kept', published: 2560, base: 2500, planned: 2674 }];
    const page = await render([reviewed({ attribution: { base: 'base.yaml', measures } })]);
    const row = page.slice(page.indexOf('<th scope="row"><bdi>kept</bdi></th>')).split('</tr>')[0] ?? '';
    const cells = [...row.matchAll(/<td[^>]*>(.*?)<\/td>/g)].map(([, cell = '']) => cell.replace(/<[^>]+>/g, ''));
    expect(cells).toEqual(['2,560', '−60', '2,500', '+174', '2,674']);
  });

  test('has no script, no address that it loads from, and unique ids', async () => {
    const page = await renderHtml(dryRun(), new Map([['department', hostileSamples()]]));
    expect(page).not.toMatch(/<script|<iframe|<img|\bon\w+=["']|url\(|@import/i);
    expect([...page.matchAll(/\s(?:src|href)="(?!#)([^"]*)"/g)].map(([, address]) => address)).toEqual(['data:,']);
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    for (const [, target = ''] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target);
  });

  test('obeys no mark of direction and no control character of a row', async () => {
    const page = await renderHtml(dryRun(), new Map([['department', hostileSamples()]]));
    expect(page).toMatch(/<span class="invisible">\\u\{202e\}<\/span>/);
    expect(page.match(/[\p{Bidi_Control}]|[^\P{Cc}\n\t]/gu)).toBeNull();
  });
});

/** Four labels of 30 classes with as many and as long examples as a run hands over. */
function large() {
  const classes = Array.from({ length: 30 }, (_, id) => `Class number ${id} & its neighbours`);
  const labels = ['one', 'two', 'three', 'four'].map((label): LabelReport => {
    const { difference, split, ...base } = reviewed() as Required<LabelReport>;
    const splits = split.splits.map((each) => ({ ...each, classes: classes.map((_, id) => 100 + id) }));
    const counts = classes.map((name, id) => ({ name, before: 100 + id, after: 200 + id }));
    return { ...base, label, classes, split: { ...split, splits }, difference: { ...difference, classes: counts } };
  });
  const text = '<&"\u202e नमस्ते '.repeat(70).slice(0, 1000);
  const parts = [{ kind: 'same' as const, text }];
  const times = <T>(rows: T): T[] => Array(100).fill(rows);
  const samples: LabelSamples = {
    dropped: DROP_REASONS.flatMap((reason) =>
      times({ reason, key: '1', source: 'correct' as const, value: 'x', text }),
    ),
    cleaning: ['a', 'b', 'c'].flatMap((step) => times({ step, key: '1', parts })),
    conflicts: times({ text, winner: null, classes: [] }),
    changes: CHANGE_KINDS.flatMap((kind) => times({ kind, parts })),
    checks: [{ check: 'sql.x', columns: ['text'], rows: times([text]) }],
  };
  return { labels, samples: new Map(labels.map(({ label }) => [label, samples])) };
}

describe('size', () => {
  test('the page stays below 2 MB, and says how many examples are left', async () => {
    const { labels, samples } = large();
    const page = await render(labels, samples);
    expect(Buffer.byteLength(page)).toBeLessThan(2_000_000);
    expect(page).toContain('class="examples"');
    expect(page).toContain('Examples are cut to 2 examples of a kind');
  });

  test('examples that fit are all kept', () => {
    const samples = dryRunSamples();
    expect(fitSamples(samples)).toEqual({ samples });
    expect(fitSamples(samples, 0).limit).toBe(0);
  });
});
