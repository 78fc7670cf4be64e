import { expect, test } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { spread } from '../../bench/figures.ts';
import type { Results } from '../../bench/results.ts';
import { readProduction } from '../../supply/lock.ts';

const ROOT = resolve(import.meta.dir, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const { footprint } = JSON.parse(read('bench/results.json')) as Required<Pick<Results, 'footprint'>>;
const FENCE = /(?<=<!-- footprint: [^>]* -->\n)[\s\S]*(?=<!-- \/footprint -->)/;
const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;

const inImage = new Set((await readProduction()).map(({ manifest: { name, version } }) => `${name}@${version}`));

test('the README’s footprint is what was measured (UPDATE_GOLDEN=1 writes it)', () => {
  const { ours, python, bunBytes, coldStart } = footprint;
  const seconds = (measures: typeof coldStart.help) => `${spread(measures, 'seconds').median.toPrecision(2)} s`;
  const [, image] = /^\| \*\*the image\*\* \| [\d.]+ MB \| ([\d.]+) MB \|$/m.exec(read('docs/image.md')) ?? [];
  const rows = [
    ['packages at run time', `${ours.packages}; ${inImage.size} in the image, without peers`, python.packages],
    ['installed', megabytes(ours.bytes), megabytes(python.bytes)],
    ['its runtime', `${megabytes(bunBytes)}, Bun`, 'Python, not counted'],
    ['the image, compressed', megabytes(Number(image) * 1e6), 'not built'],
    [
      'first sign of life',
      `${seconds(coldStart.help)}, \`--help\``,
      `${seconds(coldStart.pythonImports)}, its imports`,
    ],
  ];
  const lines = rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const table = `\n|  | ours | the Python service |\n| --- | --- | --- |\n${lines}\n\n`;
  if (process.env.UPDATE_GOLDEN)
    writeFileSync(
      join(ROOT, 'README.md'),
      read('README.md').replace(FENCE, () => table),
    );
  expect(FENCE.exec(read('README.md'))?.[0]).toBe(table);
});
