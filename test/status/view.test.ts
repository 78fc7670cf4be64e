import { afterEach, describe, expect, test } from 'bun:test';
import type { HopResult } from '../../lib/check/hops.ts';
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
