import { describe, expect, test } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isSecret } from '../../lib/hosting/variables.ts';
import { planMask } from '../../lib/secrets.ts';
import { main } from '../../pipeline.ts';
import { testWorld } from '../run/world.ts';
import { codeVariables, MEANINGS, planVariableRows, readsOf, specVariables } from './variables.ts';

const PAGE = resolve(import.meta.dir, '../../docs/deploy.md');
const read = () => readFileSync(PAGE, 'utf8');
const fenceOf = (name: string) => new RegExp(`(?<=<!-- ${name}.* -->\\n)[\\s\\S]*(?=<!-- /${name} -->)`);

/** What stands between the two comments; with UPDATE_GOLDEN=1 it is written first. */
function written(name: string, planned: string): string | undefined {
  const fence = fenceOf(name);
  if (process.env.UPDATE_GOLDEN)
    writeFileSync(
      PAGE,
      read().replace(fence, () => planned),
    );
  return fence.exec(read())?.[0];
}

const names = Object.keys(MEANINGS);

describe('the table of variables in docs/deploy.md', () => {
  test('is that of the YAML and the code (UPDATE_GOLDEN=1 writes it)', () => {
    const head = '\n| Name | Kind | Required | Default | For |\n|---|---|---|---|---|\n';
    const planned = `${head}${planVariableRows().join('\n')}\n\n`;
    expect(written('variables', planned)).toBe(planned);
  });

  test('has every variable that the shipped YAML names, and says which it cannot do without', () => {
    const inSpec = specVariables();
    expect(inSpec.size).toBeGreaterThan(10);
    expect([...inSpec.keys()].filter((name) => !names.includes(name))).toEqual([]);
    const required = planVariableRows().flatMap((row) => /^\| `(\w+)` .*\| required \|/.exec(row)?.[1] ?? []);
    expect(required).toEqual(['POSTGRES_URL', 'DEPARTMENT_DATASET', 'URGENCY_DATASET']);
  });

  test('has every variable that the code reads by itself', () => {
    const inCode = codeVariables();
    expect([...inCode]).toContainValues([
      'HF_TOKEN',
      'LEDGER_KEY',
      'DATABASE_CA',
      'PGSSLROOTCERT',
      'SPACE_ID',
      'TMPDIR',
    ]);
    expect([...inCode].filter((name) => !names.includes(name))).toEqual([]);
  });

  test('has no variable that nothing reads', () => {
    const read = new Set([...specVariables().keys(), ...codeVariables()]);
    expect(names.filter((name) => !read.has(name))).toEqual([]);
  });

  test('calls a secret whatever is masked by its name', () => {
    const masked = names.filter((name) => planMask({ [name]: 'a-value-of-it' })('a-value-of-it') === '***');
    expect(masked.length).toBeGreaterThan(3);
    expect(masked.filter((name) => MEANINGS[name]?.kind !== 'secret')).toEqual([]);
  });
});

describe('the search for variables in a source', () => {
  test.each([
    ['world.env.HF_TOKEN?.trim()', ['HF_TOKEN']],
    ["env?.['LEDGER_KEY']", ['LEDGER_KEY']],
    ['const { PGHOST, PGPORT: port = 1 } = run.world.env;', ['PGHOST', 'PGPORT']],
    ["readList(env, 'NEW_NAME')", ['NEW_NAME']],
    ["const NAMES = ['WANDB_TAGS', 'WANDB_NOTES'];", ['WANDB_NOTES', 'WANDB_TAGS']],
    ['tmpdir: tmpdir(),', ['TMPDIR']],
    ["throw new PipelineError('SPACE_FORBIDDEN'); environment.HF_TOKEN", []],
  ])('%j', (source, found) => {
    expect(readsOf(source)).toEqual(found);
  });
});

test('the list of flags’ environment forms is that of --help (UPDATE_GOLDEN=1 writes it)', async () => {
  const world = testWorld({ columns: 200 });
  expect(await main(['--help'], world)).toBe(0);
  const flags = [...world.stdout.text.matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)].map(([, flag = '']) => flag);
  const without = ['help', 'version', 'submit', 'schedule', 'deploy', 'env-file', 'yes'];
  const forms = flags.filter((flag) => !without.includes(flag));
  expect(forms.length).toBeGreaterThan(20);
  const planned = `\n${forms.map((flag) => `\`${flag.toUpperCase().replaceAll('-', '_')}\``).join(' ')}\n\n`;
  expect(written('flags', planned)).toBe(planned);
});

test('what goes elsewhere as a secret is what the table calls one', () => {
  const sent = names.filter((name) => !MEANINGS[name]?.kind.startsWith('set by'));
  const secrets = sent.filter((name) => isSecret(name, 'value'));
  expect(secrets).toEqual(sent.filter((name) => MEANINGS[name]?.kind === 'secret'));
});
