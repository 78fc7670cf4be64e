import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { renderHtml } from '../../lib/report/html.ts';
import type { LabelReport, RunReport } from '../../lib/report/report.ts';
import { findChromium, openChromium } from './chromium.ts';
import { dryRun, dryRunSamples } from './realistic.ts';
import { hostileSamples, nepali, reviewed, runReport } from './reports.ts';

setDefaultTimeout(60_000);

const browser = await openChromium();
const folder = await mkdtemp(join(tmpdir(), 'report-'));
afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

afterEach(async () => {
  for (const context of browser?.contexts() ?? []) await context.close();
});

interface Opened {
  page: Page;
  /** Errors of the console, refusals of the policy among them, and of the page. */
  errors: string[];
  requests: string[];
}

/** Open a page as a file, as a reader would. */
async function open(html: string, width = 1280, colorScheme: 'light' | 'dark' = 'light'): Promise<Opened> {
  if (browser === undefined) throw new Error('no browser');
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme });
  const page = await context.newPage();
  const errors: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('request', (request) => /^(file|data):/.test(request.url()) || requests.push(request.url()));
  const file = join(folder, 'report.html');
  await Bun.write(file, html);
  await page.goto(pathToFileURL(file).href);
  return { page, errors, requests };
}

const inPage = <T>(page: Page, script: string) => page.evaluate<T>(script);
const unfold = (page: Page) =>
  inPage(page, 'for (const each of document.querySelectorAll("details")) each.open = true');
const hostile = () => new Map([['department', hostileSamples()]]);

/** Names that no layout was made for. */
function longNames(): RunReport {
  const names = [
    'W'.repeat(200),
    'सामाजिक कल्याण तथा नगरपालिका सेवा '.repeat(4),
    'Infrastructure, Utilities & Natural Resources',
    '',
  ];
  const { split, difference, ...label } = reviewed() as Required<LabelReport>;
  const counts = names.map((name, id) => ({ name, before: 10 ** (id * 3), after: 10 ** (9 - id * 3) }));
  const splits = split.splits.map((each) => ({ ...each, classes: counts.map(({ after }) => after) }));
  return runReport([
    { ...label, classes: names, split: { ...split, splits }, difference: { ...difference, classes: counts } },
    nepali(),
  ]);
}

const violations = async (page: Page) => {
  await inPage(page, axe.source);
  const found = await inPage<axe.AxeResults>(page, 'axe.run(document, { resultTypes: ["violations"] })');
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target} ${node.failureSummary}`),
  );
};

/** Texts with a contrast below 4.5:1, by WCAG's formula; axe leaves those of charts and those scrolled away undecided. */
const PALE = `(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = channels(colour).map((each) => each / 255)
      .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backgroundOf = (element) => {
    const { backgroundColor } = getComputedStyle(element);
    return channels(backgroundColor)[3] === 0 ? backgroundOf(element.parentElement) : backgroundColor;
  };
  const texts = [...document.body.querySelectorAll('*')].filter((each) =>
    !['title', 'desc'].includes(each.localName) && [...each.childNodes].some(({ nodeType, data }) => nodeType === 3 && data.trim()));
  return texts.map((each) => {
    const { fill, color } = getComputedStyle(each);
    const pair = [luminance(backgroundOf(each)), luminance(each.localName === 'text' ? fill : color)];
    const [dark, light] = pair.sort((a, b) => a - b);
    return { text: each.localName + ' ' + each.textContent.slice(0, 40), contrast: (light + 0.05) / (dark + 0.05) };
  }).filter(({ contrast }) => !(contrast >= 4.5));
})()`;

describe.skipIf(browser === undefined)('report.html in Chromium', () => {
  test('asks nobody for anything and has nothing to complain of', async () => {
    const { errors, requests } = await open(await renderHtml(dryRun(), hostile()));
    expect(errors).toEqual([]);
    expect(requests).toEqual([]);
  });

  test('lets nothing in, even if an element got in', async () => {
    const asked: string[] = [];
    await using server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: ({ url }) => {
        asked.push(url);
        return new Response('');
      },
    });
    const { page, errors } = await open(await renderHtml(dryRun(), new Map()));
    const added = `for (const name of ['img', 'script'])
      document.body.append(Object.assign(document.createElement(name), { src: '${server.url}' + name }));
      document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="document.title = 1">')`;
    const refused = new Promise((resolve) => page.on('console', () => errors.length === 3 && resolve(undefined)));
    await Promise.all([refused, inPage(page, added)]);
    expect(errors.filter((text) => /Content Security Policy/.test(text)).length).toBe(3);
    expect(asked).toEqual([]);
    expect(await page.title()).not.toBe('1');
  });

  test('shows hostile texts as text', async () => {
    const { page } = await open(await renderHtml(dryRun(), hostile()));
    await unfold(page);
    const text = await page.locator('main').textContent();
    for (const part of [
      '<script>alert(1)</script> & "quoted"',
      'javascript:x',
      '\\u{1b}[31m\\u{202e}txt',
      'नमस्ते काठमाडौँ',
    ])
      expect(text).toContain(part);
    const strange = `[...document.querySelectorAll('*')].filter((each) =>
      ['script', 'iframe', 'img', 'object', 'embed', 'form'].includes(each.localName) ||
      each.getAttributeNames().some((name) => name.startsWith('on')) ||
      /^javascript:/i.test(each.getAttribute('href') ?? '')).map((each) => each.outerHTML)`;
    expect(await inPage<string[]>(page, strange)).toEqual([]);
  });

  test('marks what went and what came by more than colour', async () => {
    const { page } = await open(await renderHtml(dryRun(), dryRunSamples()));
    await unfold(page);
    const marks = await inPage<string[]>(
      page,
      `['del', 'ins'].map((name) => document.querySelector(name)).map((each) =>
        getComputedStyle(each).textDecorationLine + ' ' + getComputedStyle(each, '::before').content)`,
    );
    expect(marks).toEqual(['line-through "−"', 'underline "+"']);
  });

  test('every chart has a name and says in words what it shows', async () => {
    const { page } = await open(await renderHtml(dryRun(), new Map()));
    const charts = await inPage<{ role: string; name: string; description: string }[]>(
      page,
      `[...document.querySelectorAll('svg')].map((svg) => {
        const named = (attribute) => document.getElementById(svg.getAttribute(attribute)).textContent;
        return { role: svg.getAttribute('role'), name: named('aria-labelledby'), description: named('aria-describedby') };
      })`,
    );
    expect(charts.length).toBe(7); // four of department, three of urgency
    for (const { role, name, description } of charts) {
      expect(role).toBe('img');
      expect(name.length).toBeGreaterThan(10);
      expect(description).toMatch(/\d/);
    }
    expect(await page.getByRole('img', { name: 'Rows from fetched to kept' }).count()).toBe(2);
  });

  test('every table has a caption, and headers for its columns and rows', async () => {
    const { page } = await open(await renderHtml(dryRun(), hostile()));
    const broken = `[...document.querySelectorAll('table')].filter((table) =>
      !table.caption?.textContent ||
      ![...table.tHead.rows[0].cells].every((cell) => cell.localName === 'th' && cell.scope === 'col' && cell.textContent) ||
      ![...table.rows].slice(1).every((row) => /^row/.test(row.cells[0].scope))).length`;
    expect(await page.locator('table').count()).toBeGreaterThan(10);
    expect(await inPage<number>(page, broken)).toBe(0);
  });

  test('all that is folded opens by keyboard, and what scrolls can be reached', async () => {
    const { page } = await open(await renderHtml(dryRun(), hostile()));
    const folded = await page.locator('details').count();
    expect(folded).toBeGreaterThan(8);
    const focused = `(() => { const { localName, className, parentNode } = document.activeElement;
      return localName === 'summary' && !parentNode.open ? 'folded' : localName === 'body' ? 'end' : className; })()`;
    const reached = new Set<string>();
    while (!reached.has('end')) {
      await page.keyboard.press('Tab');
      const what = await inPage<string>(page, focused);
      if (what === 'folded') await page.keyboard.press('Enter');
      reached.add(what);
    }
    expect(await page.locator('details[open]').count()).toBe(folded);
    expect([...reached]).toEqual(expect.arrayContaining(['skip', 'scroll']));
  });

  describe.each(['light', 'dark'] as const)('in %s', (scheme) => {
    test.each([360, 1280])('axe finds nothing, and no text is pale, at %i px', async (width) => {
      const { page } = await open(await renderHtml(dryRun(), hostile()), width, scheme);
      await unfold(page);
      expect(await violations(page)).toEqual([]);
      expect(await inPage<object[]>(page, PALE)).toEqual([]);
    });
  });

  test('text that is too pale is seen, in tables and in charts', async () => {
    const { page } = await open(await renderHtml(dryRun(), new Map()));
    await inPage(page, 'document.documentElement.style.setProperty("--muted", "#999")');
    expect((await violations(page)).join()).toContain('color-contrast');
    const pale = await inPage<{ text: string }[]>(page, PALE);
    expect([...new Set(pale.map(({ text }) => text.split(' ')[0]))]).toEqual(expect.arrayContaining(['th', 'text']));
  });

  describe.each([
    ['a usual report', dryRun],
    ['names that are too long', longNames],
  ])('%s', (_, report) => {
    test('never scrolls sideways, from a phone to a desk', async () => {
      const { page } = await open(await renderHtml(report(), hostile()));
      await unfold(page);
      for (const width of [320, 360, 768, 1024, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        expect(await inPage<number>(page, 'document.documentElement.scrollWidth')).toBe(width);
      }
    });

    test('has charts with whole texts of at least 11 px on a phone', async () => {
      const { page } = await open(await renderHtml(report(), new Map()), 360);
      const cut = `[...document.querySelectorAll('svg text')].flatMap((text) => {
        const [inner, outer] = [text, text.ownerSVGElement].map((each) => each.getBoundingClientRect());
        const size = parseFloat(getComputedStyle(text).fontSize) * text.ownerSVGElement.getScreenCTM().a;
        const fits = inner.left >= outer.left - 1 && inner.right <= outer.right + 1 && inner.bottom <= outer.bottom + 2;
        return fits && size >= 11 ? [] : [text.textContent + ' ' + size + ' ' + (inner.right - outer.right)];
      })`;
      expect(await inPage<string[]>(page, cut)).toEqual([]);
    });
  });
});

describe('the browser', () => {
  test('is the one that CHROMIUM names, or the first on PATH', () => {
    expect(findChromium({ CHROMIUM: '/opt/browser', PATH: '' })).toBe('/opt/browser');
    expect(findChromium({ PATH: '/nowhere' }) ?? '').not.toStartWith('/usr');
  });
});
