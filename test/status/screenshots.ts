import { resolve } from 'node:path';
import { openChromium } from '../report/chromium.ts';
import { openRunPage } from './runs.ts';

/** `bun test/status/screenshots.ts [DIRECTORY]`: pictures of the status page for the documentation, to be looked at after a change. */

const HEIGHTS = { 360: 2000, 1280: 1500 }; // px of a page's top, so that each picture stays below 300 kB
const directory = resolve(process.argv[2] ?? resolve(import.meta.dir, '../../docs/screenshots'));
const browser = await openChromium();
if (browser === undefined) process.exit(1);

for (const [stage, from] of [
  ['midway', 'header'],
  ['success', 'header'],
  ['success', '#label-urgency-rows'],
  ['failure', 'header'],
  ['skip', 'header'],
] as const) {
  await using page = await openRunPage();
  page.stages[stage]();
  for (const width of [360, 1280] as const) {
    for (const colorScheme of ['light', 'dark'] as const) {
      if (stage !== 'midway' && (width === 360) !== (colorScheme === 'dark')) continue; // one of each is enough
      const context = await browser.newContext({
        viewport: { width, height: 800 },
        colorScheme,
        reducedMotion: 'reduce',
      });
      const tab = await context.newPage();
      await tab.goto(page.server.url);
      const top = from === 'header' ? 0 : Number((await tab.locator(from).boundingBox())?.y) - 24;
      const height = Number(await tab.evaluate('document.documentElement.scrollHeight')) - top;
      const path = resolve(
        directory,
        `status-${stage}${from === 'header' ? '' : '-classes'}-${width}-${colorScheme}.png`,
      );
      const clip = { x: 0, y: top, width, height: Math.min(HEIGHTS[width], height) };
      await tab.screenshot({ path, clip, fullPage: true });
      console.log(`${path} ${clip.width} × ${clip.height}, ${Bun.file(path).size} bytes`);
      await context.close();
    }
  }
}
await browser.close();
