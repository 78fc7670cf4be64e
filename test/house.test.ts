import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { planReportSchema } from '../lib/report/json-schema.ts';
import { planJsonSchema } from '../lib/spec/json-schema.ts';
import pkg from '../package.json' with { type: 'json' };

const ROOT = resolve(import.meta.dir, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const sources = (folder: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

/** Imports of our own files, static and dynamic. */
function importsOf(file: string): Import[] {
  const found = read(file).matchAll(/^(?:import|export)\s+(type\s)?[^;]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)/gm);
  return [...found].map(([, type, path, dynamic]) => ({
    from: file,
    to: relative(ROOT, resolve(ROOT, dirname(file), path ?? dynamic ?? '')),
    typeOnly: type !== undefined,
  }));
}

const imports = [...sources('lib'), 'pipeline.ts'].flatMap(importsOf);
const between = (from: string, to: string) =>
  imports.filter((each) => each.from.startsWith(from) && each.to.startsWith(to));

describe('the parts', () => {
  test('are read at all', () => {
    expect(between('pipeline.ts', 'lib/steps/').length).toBe(6);
    expect(between('lib/steps/', 'lib/edges/').length).toBeGreaterThan(0);
  });

  test('steps never import steps', () => {
    expect(between('lib/steps/', 'lib/steps/')).toEqual([]);
  });

  test.each([
    'lib/steps/',
    'lib/dataset/',
    'lib/review/',
    'lib/report/',
    'lib/status/',
    'lib/spec/',
    'lib/publish/',
    'lib/rollback/',
  ])('%s imports edges by type only', (folder) => {
    expect(between(folder, 'lib/edges/').filter(({ typeOnly }) => !typeOnly)).toEqual([]);
  });

  test.each([
    'lib/spec/',
    'lib/report/',
    'lib/status/',
    'lib/review/',
    'lib/dataset/',
    'lib/publish/',
    'lib/rollback/',
  ])('%s does not reach into the steps', (folder) => {
    expect(between(folder, 'lib/steps/')).toEqual([]);
  });

  test('the world is an argument: no clock, chance or environment below pipeline.ts', () => {
    const allowed = ['lib/real-world.ts'];
    const guilty = sources('lib').filter(
      (file) =>
        !allowed.includes(file) &&
        /\bDate\.now\(|\bnew Date\(\)|Math\.random\(|Bun\.env|process\.env|performance\.now\(/.test(read(file)),
    );
    expect(guilty).toEqual([]);
  });

  test('a file is one concept: at most 300 lines', () => {
    const long = [...sources('lib'), ...sources('bench'), 'pipeline.ts'].filter(
      (file) => read(file).split('\n').length > 301,
    );
    expect(long).toEqual([]);
  });
});

describe('what is generated or pinned is current', () => {
  test('pipeline.schema.json is the schema’s (bun run schema)', () => {
    expect(read('pipeline.schema.json')).toBe(planJsonSchema());
  });

  test('report.schema.json is the schema’s (bun run schema)', () => {
    expect(read('report.schema.json')).toBe(planReportSchema());
  });

  test('the shipped spec links it', () => {
    expect(read('pipeline.config.yaml')).toStartWith('# yaml-language-server: $schema=./pipeline.schema.json');
  });

  test('every dependency has an exact version', () => {
    for (const version of Object.values({ ...pkg.dependencies, ...pkg.devDependencies }))
      expect(version).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
  });

  test('one version of Bun stands everywhere', () => {
    const [version] =
      read('README.md')
        .match(/bun@(\d+\.\d+\.\d+)/)
        ?.slice(1) ?? [];
    expect(version).toMatch(/^\d/);
    for (const file of ['README.md', '.ci/run', 'Dockerfile', 'CONTRIBUTING.md']) {
      for (const [, found] of read(file).matchAll(/(?:bun@|oven\/bun:)(\d+\.\d+\.\d+)/g))
        expect(`${file} ${found}`).toBe(`${file} ${version}`);
    }
  });

  test('every script that the README names exists', () => {
    for (const [, script = ''] of read('README.md').matchAll(/bun(?:@[\d.]+)? run ([\w:-]+)/g))
      expect(Object.keys(pkg.scripts)).toContain(script);
  });
});
