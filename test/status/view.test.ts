import { afterEach, describe, expect, test } from 'bun:test';
import type { HopResult } from '../../lib/check/hops.ts';
import type { State } from '../../lib/status/state.ts';
import { Drawing } from '../../lib/status/view.ts';
import { department, runReport, SUCCESS } from '../report/reports.ts';
import { openTestPage, type TestPage } from './pages.ts';
import { openRunPage } from './runs.ts';

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]();
});

/** How the line above everything looks. */
async function toneOf({ page }: Pick<TestPage, 'page'>): Promise<string | undefined> {
  const { parts } = await page.broadcast.view();
  return /class="callout (\w+)"/.exec(parts.find(({ id }) => id === 'now')?.markup ?? '')?.[1];
}

describe('the line above everything', () => {
  test.each([
    ['midway', 'quiet'],
    ['success', 'good'],
    ['skip', 'warn'],
    ['failure', 'bad'], // its pause failed, too
  ] as const)('of a run at %s is %s', async (stage, tone) => {
    const run = await openRunPage();
    open.push(run);
    run.stages[stage]();
    expect(await toneOf(run)).toBe(tone);
  });

  test('warns of a run that ended with a warning', async () => {
    const run = await openRunPage();
    open.push(run);
    run.warnings.push('EMAIL_FAILED: Cannot send');
    run.stages.success();
    expect(await toneOf(run)).toBe('warn');
  });

  test.each([
    ['Acme/Prepare', 'warn'], // as the spec may write this Space
    ['acme/other', 'good'],
  ])('of a run after which %s could not be paused is %s', async (space, tone) => {
    const run = await openRunPage();
    open.push(run);
    run.stages.success();
    run.page.pause(space, 'failed');
    expect(await toneOf(run)).toBe(tone);
  });

  test.each<[HopResult['status'][], string]>([
    [['ok', 'skipped'], 'good'],
    [['warn', 'ok'], 'warn'],
    [['fail', 'warn'], 'bad'],
  ])('of a check with hops that are %p is %s', async (statuses, tone) => {
    const tested = await openTestPage();
    open.push(tested);
    const take = tested.page.check(statuses.map((_, index) => `hop${index}`));
    expect(await toneOf(tested)).toBe('quiet');
    for (const [index, status] of statuses.entries()) take({ id: `hop${index}`, status, message: '', seconds: 0.1 });
    expect(await toneOf(tested)).toBe(tone);
  });
});

describe('the labels of a run', () => {
  const COST_MS = 100; // of a drawing
  /** Draw a state in which a label has so many rows. */
  function drawings() {
    let now = 0;
    let isDrawing = false;
    const drawing = new Drawing(() => {
      if (isDrawing) now += COST_MS; // what is asked second is the end
      isDrawing = !isDrawing;
      return new Date(now);
    });
    return {
      at: (ms: number) => {
        now = ms;
      },
      draw: async (total: number, { ended = false, stage = 'under way' as 'under way' | 'ended' } = {}) => {
        const label = department({ ...(ended && { outcome: SUCCESS }) });
        if (!ended) delete label.outcome;
        if (label.kept) label.kept.total = total;
        const report = runReport([label]);
        const running = stage === 'under way' ? { running: true as const } : {};
        const progress = { labels: [], database: undefined, effect: undefined } as never;
        const doing = { kind: 'running' as const, stage, report: { ...report, ...running }, progress };
        const { parts } = await drawing.draw({ config: 'x.yaml', version: '1', doing, over: false } as State);
        return parts.find(({ id }) => id.startsWith('label '))?.markup.includes(total.toLocaleString('en')) ?? false;
      },
    };
  }

  test('are drawn a twentieth of the time while it is under way', async () => {
    const { draw, at } = drawings();
    expect(await draw(1111)).toBe(true); // to 100 ms
    at(21 * COST_MS - 1);
    expect(await draw(2222)).toBe(false);
    at(21 * COST_MS);
    expect(await draw(3333)).toBe(true);
    expect(await draw(4444)).toBe(false);
  });

  test('are drawn at once when one has its outcome, and when the run has ended', async () => {
    const { draw } = drawings();
    expect(await draw(1111)).toBe(true);
    expect(await draw(2222, { ended: true })).toBe(true);
    expect(await draw(3333)).toBe(false);
    expect(await draw(4444, { stage: 'ended' })).toBe(true);
  });
});
