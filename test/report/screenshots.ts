import { resolve } from 'node:path';
import { renderHtml } from '../../lib/report/html.ts';
import { openChromium } from './chromium.ts';
import { dryRun, dryRunSamples } from './realistic.ts';

/** `bun test/report/screenshots.ts [DIRECTORY]`: pictures of report.html for the documentation, to be looked at after a change. */

const HEIGHTS = { 360: 2400, 1280: 1900 }; // px of a page's top, so that each picture stays below 300 kB
const directory = resolve(process.argv[2] ?? resolve(import.meta.dir, '../../docs/screenshots'));
const page = await renderHtml(dryRun(), dryRunSamples());
const browser = await openChromium();
if (browser === undefined) process.exit(1);
for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [360, 1280] as const) {
    const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme });
    const tab = await context.newPage();
    await tab.setContent(page);
    const height = await tab.evaluate('document.documentElement.scrollHeight');
    const path = resolve(directory, `report-${width}-${colorScheme}.png`);
    const clip = { x: 0, y: 0, width, height: Math.min(HEIGHTS[width], Number(height)) };
    await tab.screenshot({ path, clip, fullPage: true });
    console.log(`${path} ${clip.width} × ${clip.height}, ${Bun.file(path).size} bytes`);
    await context.close();
  }
}
await browser.close();
