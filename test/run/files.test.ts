import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { readdirSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { main } from '../../pipeline.ts';
import { fillPlain, SHIPPED, Site } from './site.ts';

let site: Site;
beforeEach(async () => {
  site = await Site.open();
  await site.sql(fillPlain(300, 100));
});
afterEach(() => site[Symbol.asyncDispose]());

const mode = (path: string) => (statSync(join(site.folder, path)).mode & 0o777).toString(8);

describe('what a dry run leaves below --out', () => {
  test('is readable for its owner only where it holds texts of rows', async () => {
    await mkdir(join(site.folder, 'out'));
    await writeFile(join(site.folder, 'out/report.html'), 'older', { mode: 0o644 });
    await site.run(['--dry-run']);
    expect(readdirSync(join(site.folder, 'out')).sort()).toEqual([
      'dry-run',
      'report.html',
      'report.json',
      'report.md',
    ]);
    expect([mode('out/report.html'), mode('out/dry-run/urgency')]).toEqual(['600', '700']);
    expect([mode('out/dry-run/urgency/README.md'), mode('out/dry-run/urgency/dataset_metadata.json')]).toEqual([
      '600',
      '600',
    ]);
  });

  test('is nothing of an earlier one, whatever came of this one', async () => {
    await site.run(['--dry-run']);
    const { exitCode } = await site.run(['--dry-run', '--label', 'urgency'], {
      yaml: SHIPPED.replaceAll('FROM complaints c', 'FROM nowhere c'),
    });
    expect(exitCode).toBe(1);
    expect(readdirSync(join(site.folder, 'out')).sort()).toEqual(['report.html', 'report.json', 'report.md']);
    await writeFile(join(site.folder, 'pipeline.config.yaml'), SHIPPED);
    const interrupted = site.world();
    const write = interrupted.stderr.write;
    interrupted.stderr.write = (text) => {
      write(text);
      if (text.includes('Cleaned')) interrupted.interrupt();
    };
    expect(await main(['--dry-run'], interrupted)).toBe(130);
    expect(readdirSync(join(site.folder, 'out'))).toEqual([]);
  });

  test('no text of a row stands in report.json and report.md', async () => {
    await site.sql(`UPDATE complaints SET message = 'canary <b>' || id || '</b>'`);
    await site.run(['--dry-run', '--samples', '50']);
    for (const name of ['report.json', 'report.md'])
      expect(await Bun.file(join(site.folder, 'out', name)).text()).not.toContain('canary');
  });

  test('a report that cannot be written is an error that says where', async () => {
    await mkdir(join(site.folder, 'out/.report.json'), { recursive: true });
    const { exitCode, world } = await site.run(['--dry-run']);
    expect([exitCode, world.stderr.text.includes('OUTPUT_UNWRITABLE')]).toEqual([1, true]);
  });
});
