import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { main } from '../../pipeline.ts';
import { startLocalHub } from '../edges/local-hub.ts';
import { openChromium } from '../report/chromium.ts';
import { department, reviewed, SUCCESS } from '../report/reports.ts';
import { started } from '../report/watched.ts';
import { fillPlain, onHub, SHIPPED, Site } from '../run/site.ts';
import { openTestPage } from './pages.ts';
import { openRunPage } from './runs.ts';

setDefaultTimeout(60_000);

const browser = await openChromium();
afterAll(async () => {
  await browser?.close();
});
const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const context of browser?.contexts() ?? []) await context.close();
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]();
});

const tested = async (...given: Parameters<typeof openTestPage>) => {
  const page = await openTestPage(...given);
  open.push(page);
  return page;
};
const aRun = async () => {
  const page = await openRunPage();
  open.push(page);
  return page;
};

/** Open a page as a visitor. `errors` are those of the console, refusals of the policy among them, and of the page. */
async function visit(url: string, options: BrowserContextOptions = {}) {
  if (browser === undefined) throw new Error('no browser');
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
    ...options,
  });
  await context.addInitScript(WATCH);
  const page = await context.newPage();
  const errors: string[] = [];
  const loads: string[] = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('request', (request) => request.isNavigationRequest() && loads.push(request.url()));
  await page.goto(url);
  return { page, errors, loads };
}

/** Connections of the page, in the order in which they were opened; 1 is open, 2 is closed for good. */
const STATES = 'window.sources.map(({ readyState }) => readyState)';
const WATCH = `window.sources = [];
  window.EventSource = class extends EventSource { constructor(url) { super(url); window.sources.push(this); } }`;

const inPage = <T>(page: Page, script: string) => page.evaluate<T>(script);
const violations = async (page: Page) => {
  // The policy lets no script in but the page's own, so this one comes from outside of it.
  const session = await page.context().newCDPSession(page);
  const evaluate = async (expression: string) =>
    (await session.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })).result.value;
  await evaluate(axe.source);
  const found = (await evaluate('axe.run(document, { resultTypes: ["violations"] })')) as axe.AxeResults;
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target} ${failureSummary}`),
  );
};

describe.skipIf(browser === undefined)('the status page in Chromium', () => {
  test('is live while the whole program runs, without loading again', async () => {
    await using site = await Site.open();
    await using hub = await startLocalHub();
    await site.sql(fillPlain(300, 100));
    writeFileSync(join(site.folder, 'pipeline.config.yaml'), SHIPPED);
    const [held, goOn, url] = [
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
      Promise.withResolvers<string>(),
    ];
    hub.fail({
      path: /tester\/urgency\/commit/,
      before: async () => {
        held.resolve();
        await goOn.promise;
      },
    });
    const world = site.world({ env: { ...onHub(hub), SERVE: '' } });
    const { write } = world.stderr;
    world.stderr.write = (text) => {
      write(text);
      const served = /^Status page: (\S+)$/m.exec(text)?.[1];
      if (served) url.resolve(served);
    };
    const ended = main(['--serve', '127.0.0.1:0'], world);
    await held.promise;
    const { page, errors, loads } = await visit(await url.promise);
    const urgency = page.locator('.steps > li').filter({ hasText: 'urgency' });
    await urgency.getByText('running', { exact: true }).waitFor();
    goOn.resolve();
    await urgency.getByText('success', { exact: true }).waitFor();
    await page.getByRole('status').filter({ hasText: 'exit code 0' }).waitFor();
    expect(await page.title()).toStartWith('Done');
    expect(errors).toEqual([]);
    expect(loads).toHaveLength(1);
    world.interrupt();
    expect(await ended).toBe(0);
  });

  test('keeps what is focused and scrolled while it changes', async () => {
    const run = await aRun();
    run.stages.midway();
    const { page, errors } = await visit(run.server.url, { viewport: { width: 360, height: 600 } });
    await page.getByRole('link', { name: 'acme/department-mistakes' }).first().focus();
    await inPage(
      page,
      `document.querySelector('.scroll').scrollLeft = 40; window.scrollTo(0, 1500); window.marked = document.activeElement`,
    );
    const place = 'window.read.getBoundingClientRect().top';
    const before = await inPage<number>(page, `window.read = document.elementFromPoint(180, 300); ${place}`);
    const second = run.labels[1];
    if (second)
      run.labels[1] = {
        ...second,
        lengths: { min: 1, p5: 2, p25: 3, median: 4, p75: 5, p95: 6, p99: 7, max: 8, mean: 4 },
      };
    run.emit({ type: 'rows.split', label: 'urgency', splits: { train: 1 } });
    await page.locator('#label-urgency-lengths').waitFor({ state: 'attached' });
    expect(await inPage<boolean>(page, 'document.activeElement === window.marked && window.marked.isConnected')).toBe(
      true,
    );
    expect(await inPage<number>(page, `document.querySelector('.scroll').scrollLeft`)).toBe(40);
    // Although lines came above it; a browser scrolls by whole pixels.
    expect(Math.abs((await inPage<number>(page, place)) - before)).toBeLessThan(1);
    expect(errors).toEqual([]);
  });

  test('ends up as the page that a visitor loads who comes later', async () => {
    const run = await aRun();
    const { page, errors } = await visit(run.server.url);
    run.stages.success();
    await page.getByRole('status').filter({ hasText: 'exit code 0' }).waitFor();
    const shown = `[...document.querySelectorAll('[data-part]')].map(({ innerHTML }) => innerHTML.replace(/\\s+/g, ' ').replace(/> </g, '><'))`;
    const live = await inPage<string[]>(page, shown);
    const later = await visit(run.server.url);
    expect(live).toEqual(await inPage<string[]>(later.page, shown));
    expect(live.length).toBe(7);
    expect(errors).toEqual([]);
  });

  test('says that the connection is lost, connects again and shows what is new', async () => {
    const first = await tested({ labels: [department({ label: 'early' })] });
    first.follow();
    const { page, loads } = await visit(first.server.url);
    await page.locator('.steps').getByText('early').waitFor();
    await first.server.stop(); // and not the page: nobody says goodbye
    await page.locator('#connection').getByText('lost').waitFor();
    const port = Number(new URL(first.server.url).port);
    const second = await tested({ labels: [department({ label: 'late', outcome: SUCCESS })], port });
    second.follow();
    await page.locator('.steps').getByText('late').waitFor();
    expect(await page.locator('#connection').textContent()).toBe('');
    expect(await page.locator('.steps').getByText('early').count()).toBe(0);
    expect(loads).toHaveLength(1);
  });

  test('asks no more when the server has said that all is over', async () => {
    const run = await tested({ labels: [department()] });
    run.follow();
    const { page } = await visit(run.server.url);
    await page.locator('.steps').getByText('department').waitFor();
    run.events.emit({ type: 'run.finished', exitCode: 0, seconds: 1 });
    await page.getByRole('status').filter({ hasText: 'exit code 0' }).waitFor();
    expect(await inPage<number[]>(page, STATES)).toEqual([1]); // somebody may still be told
    const ended = run.page[Symbol.asyncDispose]();
    await page.waitForFunction(`${STATES}.every((state) => state === 2)`);
    expect(await page.locator('#connection').textContent()).toBe('');
    expect((await fetch(run.server.url)).status).toBe(200); // it stays
    const later = await visit(run.server.url);
    expect(await inPage<number[]>(later.page, STATES)).toEqual([]);
    run.world.interrupt();
    await ended;
  });

  test('works without JavaScript: it loads itself again, while something goes on', async () => {
    const run = await aRun();
    run.stages.midway();
    const { page, errors } = await visit(run.server.url, { javaScriptEnabled: false });
    expect(await page.locator('.steps').textContent()).toContain('urgency');
    await page.waitForEvent('load'); // by itself
    expect(await page.title()).toStartWith('Running');
    expect(errors).toEqual([]);
  });

  test('leads to the datasets and to W&B', async () => {
    const run = await aRun();
    run.stages.success();
    const { page } = await visit(run.server.url);
    const targets = await inPage<string[]>(
      page,
      `[...document.querySelectorAll('a[href^="https:"]')].map(({ href }) => href)`,
    );
    expect(targets).toContain(SUCCESS.url);
    expect(targets.filter((target) => target.startsWith('https://wandb.ai/'))).toHaveLength(2); // of the run, and who was told
  });

  test('lets nothing in, even if an element got in', async () => {
    const run = await aRun();
    run.stages.midway();
    const { page, errors } = await visit(run.server.url);
    const refused = new Promise((resolve) => page.on('console', () => errors.length >= 3 && resolve(undefined)));
    await inPage(
      page,
      `document.body.insertAdjacentHTML('beforeend', '<img src="https://example.org/x.png"><img src="data:," onerror="document.title = 1"><p style="color: red">')`,
    );
    await refused;
    expect(errors.every((text) => /Content Security Policy/.test(text))).toBe(true);
    expect(await page.title()).not.toBe('1');
  });

  test('whatever things are called, the page is whole at 360 px, runs nothing and leads nowhere else', async () => {
    const hostile = (what: string) =>
      `${what}<script>document.title=1</script></script><img src=x onerror=alert(1)>"' style='x' \u202e\0\ud800 ${what.repeat(2000)}`;
    const named = (text: string) => JSON.stringify(hostile(text)).slice(1, -1);
    const text = JSON.stringify(reviewed({ outcome: { ...SUCCESS, url: 'javascript:document.title=1' } }))
      .replaceAll('Municipal Governance & Community Services', named('class'))
      .replaceAll('"train"', `"${named('split')}"`)
      .replaceAll('acme/department-mistakes', named('repo/'))
      .replaceAll('acme/classifier', named('space/'))
      .replaceAll('no_placeholder', named('check'));
    const labels = ['__proto__', hostile('label'), 'connection'].map((label) => ({ ...JSON.parse(text), label }));
    const run = await tested({ labels, effects: [{ kind: 'tracking', detail: hostile('detail'), status: 'planned' }] });
    run.follow();
    run.warnings.push(hostile('warning'));
    run.events.emit({ type: 'tracking.started', url: 'javascript:document.title=1' } as never);
    const { page, errors } = await visit(run.server.url, { viewport: { width: 360, height: 800 } });
    const title = await page.title();
    labels[0].kept.total++;
    for (const label of [hostile('label'), '__proto__']) run.events.emit(started(label, 'clean'));
    await page.getByText('2,675').first().waitFor({ state: 'attached' }); // drawn again by the script
    expect(await page.title()).toBe(title);
    expect(await inPage<number>(page, 'document.documentElement.scrollWidth')).toBe(360);
    const kinds = 'document.querySelectorAll("main script, main img, [style], [onerror]").length';
    expect(await inPage<number>(page, kinds)).toBe(0);
    const targets = '[...document.querySelectorAll("a")].map(({ href }) => href.split("#")[0])';
    expect([...new Set(await inPage<string[]>(page, targets))].sort()).toEqual(
      [run.server.url, `${run.server.url}report.json`].sort(),
    );
    expect(errors).toEqual([]);
  });

  test.each([
    ['midway', 360, 'dark'],
    ['midway', 1280, 'light'],
    ['failure', 360, 'light'],
    ['skip', 1280, 'dark'],
  ] as const)('%s: axe finds nothing at %i px, %s, and nothing scrolls sideways', async (stage, width, colorScheme) => {
    const run = await aRun();
    run.stages[stage]();
    const { page, errors } = await visit(run.server.url, { viewport: { width, height: 800 }, colorScheme });
    expect(await violations(page)).toEqual([]);
    expect(await inPage<number>(page, 'document.documentElement.scrollWidth')).toBe(width);
    expect(errors).toEqual([]);
  });

  test('axe finds nothing before a run, nor in the hops of a check', async () => {
    const run = await tested();
    const { page, errors } = await visit(run.server.url, { viewport: { width: 360, height: 800 } });
    expect(await violations(page)).toEqual([]);
    const hop = run.page.check(['spec', 'database.tcp', 'urgency.write']);
    hop({ id: 'spec', status: 'ok', message: '', seconds: 0 });
    hop({ id: 'database.tcp', status: 'fail', code: 'DATABASE_UNREACHABLE', message: '', seconds: 2 });
    await page.getByText('DATABASE_UNREACHABLE').waitFor();
    expect(await violations(page)).toEqual([]);
    expect(errors).toEqual([]);
  });

  test('moves nothing where that is not wanted', async () => {
    const run = await tested({ labels: [department({ label: 'early' })] });
    run.follow();
    run.events.emit(started('early', 'clean'));
    for (const [reducedMotion, name] of [
      ['reduce', 'none'],
      ['no-preference', 'breathe'],
    ] as const) {
      const { page } = await visit(run.server.url, { reducedMotion });
      expect(
        await inPage<string>(page, `getComputedStyle(document.querySelector('.mark.running')).animationName`),
      ).toBe(name);
    }
  });
});
