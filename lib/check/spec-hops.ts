import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { readDocument } from '../spec/document.ts';
import { type Spec, targetName } from '../spec/spec.ts';
import type { World } from '../world.ts';
import { type Finding, type Hop, ok, warning } from './hops.ts';

const UNREADABLE: Finding = { status: 'fail', code: 'SPEC_NOT_FOUND', message: 'The spec cannot be read again' };

/** Plan the hops that need nothing outside: what the spec says and which variables fill it in. */
export function planSpecHops(spec: Spec, world: Pick<World, 'cwd' | 'env'>): Hop[] {
  const here = { needs: [], late: UNREADABLE };
  return [
    { id: 'spec', ...here, run: async () => describeLabels(spec) },
    { id: 'environment', ...here, run: () => describeVariables(spec, world) },
    { id: 'environment.ledger_key', ...here, run: async () => checkLedgerKey(spec, world) },
  ];
}

function describeLabels({ file, labels }: Spec): Finding {
  const listed = labels.map(
    ({ name, target, classes }) => `${name} → ${targetName(target)}, ${classes.length} classes`,
  );
  return ok([file, ...listed].join('\n'));
}

async function describeVariables({ file, labels }: Spec, { cwd, env }: Pick<World, 'cwd' | 'env'>): Promise<Finding> {
  const names = variablesOf(await readFile(resolve(cwd, file), 'utf8'));
  const isSet = (name: string) => Boolean(env[name]?.trim());
  const list = (title: string, chosen: string[]) => (chosen.length === 0 ? [] : [`${title}: ${chosen.join(', ')}`]);
  const message = [
    ...list('set', names.filter(isSet)),
    ...list(
      'by default',
      names.filter((name) => !isSet(name)),
    ),
  ].join('\n');
  const onHub = labels.filter(({ target }) => target.kind === 'hub').map(({ name }) => name);
  if (onHub.length === 0 || isSet('HF_TOKEN')) return ok(message || 'no variables');
  return warning(
    `${message}\nnot set: HF_TOKEN, and ${onHub.join(', ')} go to the Hub`,
    'set HF_TOKEN to a token that may write these repos',
    'TOKEN_MISSING',
  );
}

/** Names of the variables that a YAML uses, with those that have a default; SQL has none. */
export function variablesOf(text: string): string[] {
  const withoutSql = JSON.stringify(readDocument(text, {}).template, (key, value) => {
    if (key === 'sources') return undefined;
    return key === 'checks' ? { ...value, sql: undefined } : value;
  });
  return [...new Set([...withoutSql.matchAll(/(?<!\$)\$\{(\w+)/g)].map(([, name = '']) => name))];
}

function checkLedgerKey({ labels }: Spec, { env }: Pick<World, 'env'>): Finding {
  if (env.LEDGER_KEY?.trim()) return ok('LEDGER_KEY keys the hashes of published texts');
  const open = labels.filter(({ target, push }) => target.kind === 'hub' && !push.private).map(({ name }) => name);
  if (open.length === 0) return ok('not set; no label may be published into a public repo');
  return warning(
    `not set, and ${open.join(', ')} may be public: whoever guesses a text can confirm it by its hash`,
    'set LEDGER_KEY to a long random secret before the first version, and keep it',
    'LEDGER_KEY',
  );
}
