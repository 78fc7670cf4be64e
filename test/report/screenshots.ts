import { resolve } from 'node:path';
import { planAlerts } from '../../lib/operations/alerts.ts';
import { planMail } from '../../lib/operations/summary.ts';
import { renderHtml } from '../../lib/report/html.ts';
import { openChromium } from './chromium.ts';
import { mixedRun, TRACKING_URL } from './ended.ts';
import { dryRun, dryRunSamples } from './realistic.ts';

/** `bun test/report/screenshots.ts [DIRECTORY]`: pictures of report.html and of an e-mail for the documentation, to be looked at after a change. */

const HEIGHTS = { 360: 2400, 700: 1900, 1280: 1900 }; // px of a page's top, so that each picture stays below 300 kB
const directory = resolve(process.argv[2] ?? resolve(import.meta.dir, '../../docs/screenshots'));
const page = await renderHtml(dryRun(), dryRunSamples());
const browser = await openChromium();
if (browser === undefined) process.exit(1);
const report = mixedRun();
const mail = planMail({ report, notices: planAlerts(report), trackingUrl: TRACKING_URL }).html;

async function draw(html: string, width: 360 | 700 | 1280, colorScheme: 'light' | 'dark', name: string) {
  const context = await browser?.newContext({ viewport: { width, height: 800 }, colorScheme });
  const tab = await context?.newPage();
  await tab?.setContent(html);
  const height = await tab?.evaluate('document.documentElement.scrollHeight');
  const path = resolve(directory, name);
  const clip = { x: 0, y: 0, width, height: Math.min(HEIGHTS[width], Number(height)) };
  await tab?.screenshot({ path, clip, fullPage: true });
  console.log(`${path} ${clip.width} × ${clip.height}, ${Bun.file(path).size} bytes`);
  await context?.close();
}

for (const colorScheme of ['light', 'dark'] as const)
  for (const width of [360, 1280] as const) await draw(page, width, colorScheme, `report-${width}-${colorScheme}.png`);
await draw(mail, 700, 'light', 'email.png');
await browser.close();
