import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { planAlerts } from '../../lib/operations/alerts.ts';
import type { ChatMessage } from '../../lib/operations/summary/chat.ts';
import { planMail, planMessage, planNoticeMail, planNoticeMessage } from '../../lib/operations/summary.ts';
import type { RunReport } from '../../lib/report/report.ts';
import { HOSTILE, HOSTILE_TEXT, REPORTS } from '../report/arbitrary.ts';
import { mixedRun, TRACKING_URL } from '../report/ended.ts';
import { department, ended, runReport, SUCCESS, UNREACHABLE, VERSION } from '../report/reports.ts';

const facts = (report: RunReport, trackingUrl?: string) => ({ report, notices: planAlerts(report), trackingUrl });
const mailOf = (report: RunReport) => planMail(facts(report, TRACKING_URL));
const messageOf = (report: RunReport) => planMessage(facts(report, TRACKING_URL)) as ChatMessage;
const subjectOf = (report: RunReport) => planMail(facts(report)).subject;

const rolledBack = (): RunReport => ({
  ...runReport([ended('urgency', SUCCESS)]),
  action: 'rollback',
  rolledBackTo: 'v20250120_093015',
  reason: 'half of the wards are mislabelled',
});

const GOLDEN: Record<string, () => string> = {
  'mixed.txt': () => shown(mixedRun()),
  'mixed.json': () => `${JSON.stringify(messageOf(mixedRun()), undefined, 2)}\n`,
  'success.txt': () => shown(runReport([department()])),
  'rollback.txt': () => shown(rolledBack()),
};

function shown(report: RunReport): string {
  const { subject, text } = mailOf(report);
  return `Subject: ${subject}\n\n${text}`;
}

describe('planMail() and planMessage()', () => {
  test.each(Object.keys(GOLDEN))('%s is as test/operations/golden shows it', (name) => {
    const file = join(import.meta.dir, 'golden', name);
    const rendered = (GOLDEN[name] ?? expect.unreachable())();
    if (process.env.UPDATE_GOLDEN) writeFileSync(file, rendered);
    expect(existsSync(file), `${file} is missing: UPDATE_GOLDEN=1 writes it`).toBeTrue();
    expect(rendered).toBe(readFileSync(file, 'utf8'));
  });

  test('say the same in each form', () => {
    const { text, html } = mailOf(mixedRun());
    const blocks = messageOf(mixedRun()).blocks.map((block) => block.text.text);
    const facts = [
      'DATABASE_UNREACHABLE: Cannot connect to db.example.org:5432: connection refused',
      'Fix: bun pipeline.ts --check names the broken hop',
      'Step check: CHECK_FAILED',
      'Restarted acme/department-classifier',
      'LEDGER_KEY is not set',
      'train 2,138, eval 269, test 267',
      '412 of 1,000',
      VERSION,
      SUCCESS.url,
      TRACKING_URL,
      'bun pipeline.ts --show 20250131-093011-000',
    ];
    const flat = text.replace(/\s+/g, ' ');
    for (const fact of facts) {
      expect(flat).toContain(fact);
      expect(html).toContain(fact);
      expect(blocks.join('\n')).toContain(fact);
    }
  });

  test('say each problem once, also without a notice of it', () => {
    const report = mixedRun();
    for (const notices of [planAlerts(report), []]) {
      const { text } = planMail({ report, notices, trackingUrl: undefined });
      for (const said of ['connection refused', 'no_conflicts failed', 'the token may not'])
        expect(text.replace(/\s+/g, ' ').split(said).length).toBe(2);
    }
  });

  test('name how to look at the run later only where it is remembered', () => {
    const { effects, ...report } = mixedRun();
    expect(mailOf({ ...report, effects }).text).toContain('--show');
    expect(mailOf({ ...report, effects: [] }).text).not.toContain('--show');
    const failed = effects.map((effect) => ({ ...effect, status: 'failed' as const }));
    expect(mailOf({ ...report, effects: failed }).text).not.toContain('--show');
    expect(mailOf({ ...report, effects, config: 'specs/a.yaml' }).text).toContain(' --config specs/a.yaml --show ');
    expect(mailOf({ ...report, effects, config: 'a; rm -rf /' }).text).toContain('bun pipeline.ts --show ');
  });
});

describe('a subject begins with what came of it', () => {
  const skipped = ended('urgency', { status: 'skipped_insufficient_data', rows: 1, minimum: 2, stage: 'kept' });
  const failed = (label: string) => ended(label, { status: 'failed', problem: UNREACHABLE });
  const { outcome: _, ...unfinished } = department();
  const unheld = ended('urgency', { status: 'unchanged', version: VERSION, hold: 'ended' });

  test.each([
    [runReport([department(), skipped]), '1 published, 1 skipped — pipeline.config.yaml'],
    [runReport([department(), failed('urgency')]), 'FAILED: urgency, 1 published — pipeline.config.yaml'],
    [runReport(['a', 'b', 'c', 'd', 'e'].map(failed)), 'FAILED: a, b, c and 2 more — pipeline.config.yaml'],
    [runReport([unfinished]), '1 not finished — pipeline.config.yaml'],
    [rolledBack(), 'Rolled back: urgency — pipeline.config.yaml'],
    [{ ...rolledBack(), action: 'unhold' }, 'No longer held: urgency — pipeline.config.yaml'],
    [{ ...runReport([unheld]), action: 'unhold' }, 'No longer held: urgency — pipeline.config.yaml'],
    [{ ...runReport([failed('urgency')]), action: 'rollback' }, 'ROLLBACK FAILED: urgency — pipeline.config.yaml'],
    [
      { ...runReport([department()]), config: `/srv/${'x'.repeat(90)}/a.yaml` },
      `1 published — …${'x'.repeat(53)}/a.yaml`,
    ],
  ] satisfies [RunReport, string][])('%#', (report, subject) => {
    expect(subjectOf(report)).toBe(`[Prepare Dataset] ${subject}`);
  });
});

/** What a page asks for, runs, or hides. */
async function pageOf(html: string) {
  const tags = new Set<string>();
  const attributes = new Set<string>();
  const urls: string[] = [];
  const rewriter = new HTMLRewriter().on('*', {
    element(element) {
      tags.add(element.tagName);
      for (const [name, value] of element.attributes) {
        attributes.add(name);
        if (name === 'href') urls.push(value);
        if (name === 'style' && /url\(|expression|@import|[<>]/i.test(value)) tags.add(`style ${value}`);
      }
    },
  });
  await rewriter.transform(new Response(html)).text();
  return { tags, attributes, urls };
}

const TAGS = 'html head meta title body table tbody tr th td h1 h2 p br a span code div ul li'.split(' ');
const ATTRIBUTES = 'lang charset name content style role cellpadding cellspacing scope href'.split(' ');
const OBEYED = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;

async function expectHarmless({ subject, text, html }: ReturnType<typeof planMail>) {
  expect(subject).not.toMatch(OBEYED);
  expect(subject.length).toBeLessThanOrEqual(150);
  expect(text.replaceAll('\n', '')).not.toMatch(OBEYED);
  const { tags, attributes, urls } = await pageOf(html);
  expect([...tags].filter((tag) => !TAGS.includes(tag))).toEqual([]);
  expect([...attributes].filter((name) => !ATTRIBUTES.includes(name))).toEqual([]);
  for (const url of urls) expect(url).toStartWith('https://');
}

function expectSlack({ text, blocks }: ChatMessage) {
  expect(text.length).toBeLessThanOrEqual(2000);
  const [before, inside, after = '', ...more] = text.split('```');
  expect([before, more]).toEqual(['', []]);
  expect(inside).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
  for (const line of after.split('\n')) expect(line).toMatch(/^(https:\/\/[^\s<>|`@]+)?$/);
  expect(blocks.length).toBeLessThanOrEqual(50);
  for (const { type, text } of blocks) {
    expect(text.text.length).toBeWithin(1, type === 'header' ? 151 : 3001);
    if (text.type === 'plain_text') expect(text.text).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
    else expect(text.text).toMatch(/^(<https:\/\/[^\s<>|`@]+\|[^<>\n]+>(\n(?!$)|$))+$/);
  }
}

describe('whatever stands in a report', () => {
  test('its mail and its message are harmless', async () => {
    await fc.assert(
      fc.asyncProperty(REPORTS, HOSTILE_TEXT, async (report, url) => {
        await expectHarmless(planMail(facts(report, url)));
        expectSlack(planMessage(facts(report, url)) as ChatMessage);
      }),
      { numRuns: 40, endOnFailure: true }, // shrinking a report takes minutes
    );
  });

  test.each(HOSTILE)('a notice that says %p is harmless', async (hostile) => {
    const notice = { title: hostile, severity: 'WARN' as const, text: `${hostile}\n${hostile}` };
    await expectHarmless(planNoticeMail(notice));
    expectSlack(planNoticeMessage(notice) as ChatMessage);
  });

  test('nobody is rung in a chat, and no link leads elsewhere', () => {
    const message = '<!channel> <!here> <@U123> <https://evil.example|login> ``` @everyone *b*';
    const report = runReport([ended('a', { status: 'failed', problem: { ...UNREACHABLE, message } })]);
    const { text, blocks } = messageOf(report);
    expect(text).toContain('&lt;!channel&gt; &lt;!here&gt;');
    expect(JSON.stringify(blocks)).toContain('&lt;!channel&gt; &lt;!here&gt;');
    expectSlack({ text, blocks });
  });

  test.each([
    ['https://example.org/@everyone|x`y', 'https://example.org/%40everyone%7Cx%60y'],
    ['https://example.org/a b<c>"d"', 'https://example.org/a%20b%3Cc%3E%22d%22'],
    ['http://example.org', undefined],
    ['javascript:alert(1)', undefined],
    ['https://user:secret@example.org', undefined],
    ['./data/urgency', undefined],
    [`https://example.org/${'x'.repeat(600)}`, undefined],
  ])('only https is linked: %s', async (url, link) => {
    const report = runReport([ended('urgency', { ...SUCCESS, url })]);
    const { html } = planMail(facts(report));
    expect((await pageOf(html)).urls).toEqual(link === undefined ? [] : [link]);
    const { text } = planMessage(facts(report)) as ChatMessage;
    expect(text.split('```').at(-1)).toBe(link === undefined ? '' : `\n${link}`);
  });

  test('much of it is cut to what a mail and a message hold', async () => {
    const name = 'सामाजिक कल्याण '.repeat(14); // 200 characters
    const labels = Array.from({ length: 50 }, (_, index) => ({
      ...department(),
      ...ended(`label_${index}_${'x'.repeat(180)}`, {
        status: 'failed',
        problem: { ...UNREACHABLE, message: `${index} ${name} ${'long '.repeat(2000)}`, fix: 'fix '.repeat(2500) },
      }),
    }));
    const report = runReport(
      labels,
      Array.from({ length: 50 }, (_, index) => `${index} ${'warning '.repeat(1250)}`),
    );
    const { subject, text, html } = mailOf(report);
    expect(subject.length).toBeLessThanOrEqual(150);
    expect(Buffer.byteLength(text)).toBeLessThan(100_000);
    expect(Buffer.byteLength(html)).toBeLessThan(102_000); // where Gmail cuts
    for (const { label } of report.labels) expect(text).toContain(label.slice(0, 50));
    expect(text).toMatch(/and \d+ more problems/);
    expectSlack(messageOf(report));
  });

  test('so are long notices, and names that grow when they are escaped', () => {
    const notices = Array.from({ length: 30 }, (_, index) => ({
      title: `${index} failed`,
      severity: 'WARN' as const,
      text: `${index} ${'long '.repeat(200)}\n`.repeat(30),
    }));
    const splits = Array.from({ length: 9 }, () => ({ name: '&'.repeat(200), share: '0.1', rows: 1, classes: [1] }));
    const split = { splits, remembered: 0, assigned: 9, merged: 0, smallClasses: [] };
    const grown = runReport(Array.from({ length: 50 }, () => department({ target: '&'.repeat(200), split })));
    expectSlack(planMessage({ report: grown, notices, trackingUrl: TRACKING_URL }) as ChatMessage);
    const { html } = planMail({ report: runReport([department()]), notices, trackingUrl: TRACKING_URL });
    expect(Buffer.byteLength(html)).toBeLessThan(60_000);
    expect(html).toMatch(/and \d+ more problems/);
  });
});

describe('a notice by itself', () => {
  const notice = { title: 'HF Space Pause Failed', severity: 'WARN' as const, text: 'SPACE_FORBIDDEN: no\nand billed' };

  test('is a short mail and a short message', () => {
    const { subject, text, html } = planNoticeMail(notice);
    expect(subject).toBe('[Prepare Dataset] HF Space Pause Failed');
    expect(text).toBe('HF Space Pause Failed\n\nSPACE_FORBIDDEN: no\nand billed\n');
    expect(html).toContain('<h1');
    expect(planNoticeMessage(notice)).toMatchObject({
      text: '```\nHF Space Pause Failed\n\nSPACE_FORBIDDEN: no\nand billed\n```',
    });
  });
});
