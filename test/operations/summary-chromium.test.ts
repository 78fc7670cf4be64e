import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import axe from 'axe-core';
import { planAlerts } from '../../lib/operations/alerts.ts';
import { planMail } from '../../lib/operations/summary.ts';
import { openChromium } from '../report/chromium.ts';
import { mixedRun, TRACKING_URL } from '../report/ended.ts';
import { ended, runReport, UNREACHABLE } from '../report/reports.ts';

setDefaultTimeout(60_000);

const browser = await openChromium();
afterAll(() => browser?.close());

const mixed = mixedRun();
const mail = planMail({ report: mixed, notices: planAlerts(mixed), trackingUrl: TRACKING_URL }).html;

/** Open a mail, as a client shows it. */
async function open(html: string, width: number, colorScheme: 'light' | 'dark' = 'light') {
  if (browser === undefined) throw new Error('no browser');
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme });
  const page = await context.newPage();
  const requests: string[] = [];
  page.on('request', ({ url }) => void requests.push(url()));
  await page.setContent(html);
  return { page, requests, [Symbol.asyncDispose]: () => context.close() };
}

describe.skipIf(browser === undefined)('the summary by e-mail in Chromium', () => {
  test('asks nobody for anything, and axe has nothing to complain of', async () => {
    await using opened = await open(mail, 700);
    await opened.page.evaluate(axe.source);
    const rules = { region: { enabled: false }, 'landmark-one-main': { enabled: false } }; // a client's page has them
    const script = `axe.run(document, { resultTypes: ["violations"], rules: ${JSON.stringify(rules)} })`;
    const { violations } = await opened.page.evaluate<axe.AxeResults>(script);
    expect(
      violations.flatMap(({ id, nodes }) => nodes.map(({ failureSummary }) => `${id}: ${failureSummary}`)),
    ).toEqual([]);
    expect(opened.requests).toEqual([]);
  });

  test('is dark where its reader’s screen is, and light elsewhere', async () => {
    const colours = `[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor].join()`;
    await using light = await open(mail, 700);
    await using dark = await open(mail, 700, 'dark');
    expect(await light.page.evaluate(colours)).toBe('rgb(0, 0, 0),rgba(0, 0, 0, 0)');
    expect(await dark.page.evaluate(colours)).toBe('rgb(255, 255, 255),rgba(0, 0, 0, 0)');
  });

  test('fits a phone, whatever the names', async () => {
    const long = runReport(
      ['W'.repeat(200), 'a_'.repeat(100)].map((name) => ({
        ...ended(name, { status: 'failed', problem: { ...UNREACHABLE, message: 'M'.repeat(500) } }),
        target: `acme/${'W'.repeat(90)}`,
      })),
      ['W'.repeat(500)],
    );
    const { html } = planMail({ report: long, notices: planAlerts(long), trackingUrl: TRACKING_URL });
    for (const page of [mail, html]) {
      await using opened = await open(page, 360);
      expect(await opened.page.evaluate<number>('document.documentElement.scrollWidth')).toBe(360);
    }
  });
});
