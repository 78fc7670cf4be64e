import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Ajv from 'ajv';
import pkg from '../../package.json' with { type: 'json' };
import { folderOf, type Lock, planProduction, readLock, readProduction, resolveKey } from '../../supply/lock.ts';
import { planSbom } from '../../supply/sbom.ts';

/** What the program brings with it: pinned, without scripts of others, under licences that fit, and listed. */

const ROOT = resolve(import.meta.dir, '../..');
const lock = await readLock();
const production = await readProduction();

/** Of the Apache Software Foundation's category A (apache.org/legal/resolved.html), as far as somebody here has it. */
const LICENCES = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MIT-0', 'Unlicense'];

describe('bun.lock', () => {
  test('has an sha512 of every package', () => {
    const entries = Object.values(lock.packages);
    expect(entries.length).toBeGreaterThan(100);
    expect(entries.filter(([, , , integrity]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity))).toEqual([]);
  });

  test('has all that anything needs, on other platforms too', () => {
    for (const [key, [, , needs]] of Object.entries(lock.packages))
      for (const name of Object.keys({ ...needs.dependencies, ...needs.optionalDependencies }))
        expect(() => resolveKey(lock, key, name)).not.toThrow();
    for (const platform of ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64'])
      expect(lock.packages).toHaveProperty([`@duckdb/node-bindings-${platform}`]);
  });

  test('is installed as it stands, and only what is written in package.json is asked for', () => {
    for (const [name, version] of Object.entries({ ...pkg.dependencies, ...pkg.devDependencies }))
      expect(lock.packages[name]?.[0]).toBe(`${name}@${version}`);
  });
});

describe('planProduction()', () => {
  const entry = (id: string, needs: Lock['packages'][string][2] = {}): Lock['packages'][string] => [id, '', needs, ''];
  const tree: Lock = {
    workspaces: { '': { dependencies: { a: '1', '@s/b': '1' } } },
    packages: {
      a: entry('a@1', { dependencies: { c: '1' }, optionalDependencies: { here: '1', there: '1' } }),
      '@s/b': entry('@s/b@1', { dependencies: { c: '2' } }),
      '@s/b/c': entry('c@2', { dependencies: { d: '1', a: '1' } }),
      c: entry('c@1'),
      d: entry('d@1'),
      here: entry('here@1'),
      there: entry('there@1'),
      unused: entry('unused@1'),
    },
  };

  test('finds a version where a package would, goes round in circles once, and leaves out other platforms', () => {
    expect([...planProduction(tree, (key) => key === 'here')]).toEqual([
      ['@s/b', ['@s/b/c']],
      ['@s/b/c', ['d', 'a']],
      ['a', ['c', 'here']],
      ['c', []],
      ['d', []],
      ['here', []],
    ]);
  });

  test('refuses a lock in which something is missing', () => {
    const { c: _, ...packages } = tree.packages;
    expect(() => planProduction({ ...tree, packages }, () => true)).toThrow('a needs c');
  });
});

describe('no package runs a script when it is installed', () => {
  const scriptsOf = (folder: string): string[] => {
    const { scripts = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const named = ['preinstall', 'install', 'postinstall'].filter((name) => name in scripts);
    return existsSync(join(folder, 'binding.gyp')) ? [...named, 'binding.gyp'] : named; // npm would run node-gyp for it
  };

  test('because none has one', () => {
    const installed = Object.keys(lock.packages).filter((key) => existsSync(join(folderOf(key), 'package.json')));
    expect(installed.length).toBeGreaterThan(100);
    expect(installed.flatMap((key) => scriptsOf(folderOf(key)).map((script) => `${key}: ${script}`))).toEqual([]);
  });

  test('and none would be let', () => {
    expect(pkg).not.toHaveProperty('trustedDependencies');
    expect(lock).not.toHaveProperty('trustedDependencies');
  });
});

test('every package that runs in production has a licence that fits Apache-2.0', () => {
  const others = production
    .filter(({ manifest: { license } }) => !LICENCES.includes(license ?? ''))
    .map(({ manifest: { name, license } }) => `${name}: ${license}`);
  expect(others).toEqual([]);
});

describe('the list of what the program is made of', () => {
  const when = { timestamp: '2026-01-01T00:00:00.000Z', serial: '3e671687-395b-41f5-a30f-a58921a69b79' };
  const bom = planSbom(production, when);
  const schema = (name: string) =>
    JSON.parse(
      readFileSync(
        join(ROOT, `node_modules/@cyclonedx/cyclonedx-library/res/schema/${name}.SNAPSHOT.schema.json`),
        'utf8',
      ),
    );

  test('is CycloneDX 1.6, by the official schema', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
    for (const name of ['spdx', 'jsf-0.82'])
      ajv.addSchema({ ...schema(name), $id: `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json` });
    const validate = ajv.compile(schema('bom-1.6'));
    validate(JSON.parse(JSON.stringify(bom)));
    expect(validate.errors).toBeNull();
    expect(validate({ ...bom, components: [{ type: 'library' }] })).toBe(false); // it does look
  });

  test('has what runs in production and nothing else, each once, with its licence and the hash of bun.lock', () => {
    const ids = production.map(({ manifest: { name, version } }) => `${name}@${version}`);
    expect(bom.components.map(({ name, version }) => `${name}@${version}`).sort()).toEqual([...new Set(ids)].sort());
    for (const name of Object.keys(pkg.dependencies))
      expect(bom.components.some((each) => each.name === name)).toBe(true);
    for (const name of ['typescript', '@biomejs/biome', '@electric-sql/pglite', 'ajv'])
      expect(bom.components.some((each) => each.name === name)).toBe(false);
    for (const component of bom.components) expect(component).toMatchObject({ licenses: [expect.anything()] });
    const duckdb = bom.components.find(({ name }) => name === '@duckdb/node-api');
    const integrity = lock.packages['@duckdb/node-api']?.[3];
    expect(`sha512-${Buffer.from(duckdb?.hashes[0]?.content ?? '', 'hex').toString('base64')}`).toBe(integrity ?? '');
  });

  test('says what needs what, and leads to everything', () => {
    const needs = new Map(bom.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
    const reached = new Set<string>();
    const open = [bom.metadata.component['bom-ref']];
    for (let ref = open.pop(); ref !== undefined; ref = open.pop()) {
      if (reached.has(ref)) continue;
      reached.add(ref);
      open.push(...(needs.get(ref) ?? []));
    }
    expect(reached.size).toBe(bom.components.length + 1);
  });
});
