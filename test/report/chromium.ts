import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { reportMissing } from '../edges/postgres-server/binaries.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome'];
const MAC = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/** The browser that CHROMIUM names, or the first on PATH. */
export function findChromium(env: Record<string, string | undefined> = process.env): string | undefined {
  if (env.CHROMIUM) return env.CHROMIUM;
  const [first = MAC] = NAMES.flatMap((name) => Bun.which(name, { PATH: env.PATH ?? '' }) ?? []);
  return existsSync(first) ? first : undefined;
}

/**
 * Start it headless, with a profile of its own that goes with it.
 *
 * @returns undefined, with one loud line, where there is none; in CI that is a failure
 */
export async function openChromium(): Promise<Browser | undefined> {
  const executablePath = findChromium();
  if (executablePath === undefined)
    return reportMissing(`no ${NAMES.join(', ')} on PATH, and CHROMIUM is not set: pages are not opened`);
  const quiet = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', ...quiet],
  });
}
