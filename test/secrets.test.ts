import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { ReportSchema } from '../lib/report/report.ts';
import { maskStrings, OWN_WORDS, planMask } from '../lib/secrets.ts';

describe('planMask()', () => {
  test.each([
    ['HF_TOKEN', 'abc123'],
    ['LEDGER_KEY', 'k/+=&'],
    ['WANDB_API_KEY', 'x'.repeat(86)],
    ['DB_PASSWORD', 'pa ss'],
    ['DB_PWD', 'hunter2'],
    ['MY_SECRET_THING', 'shh-shh'],
  ])('hides the value of %s, also percent-encoded, in JSON and in base64', (name, value) => {
    const mask = planMask({ [name]: value });
    const forms = [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1), btoa(value)];
    for (const form of forms) expect(mask(`<${form}>`)).not.toContain(form);
  });

  test.each([
    ['PWD', '/home/user'],
    ['OLDPWD', '/tmp/dir'],
    ['MAX_TOKENS', 'many'],
    ['TOKENIZERS_PARALLELISM', 'false'],
    ['USE_AUTH_TOKEN', 'true'],
    ['DEPARTMENT_DATASET', 'owner/name'],
  ])('leaves %s alone', (name, value) => {
    expect(planMask({ [name]: value })(`say ${value}`)).toBe(`say ${value}`);
  });

  test('hides the password of any URL, as it stands and decoded', () => {
    const mask = planMask({ POSTGRES_URL: 'postgres://user:p%40ss-w%2Frd@host:5432/db' });
    expect(mask('p%40ss-w%2Frd and p@ss-w/rd at host:5432/db')).toBe('*** and *** at host:5432/db');
  });

  test('hides tokens that nobody declared', () => {
    expect(planMask({})('token hf_AbCdEfGhIjKl here')).toBe('token *** here');
    expect(planMask({})('token hf_oauth_eyJhbGci.eyJz_dWI-x here')).toBe('token *** here');
  });

  test('never leaves a secret in a text, whatever both are', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 6 }).filter((text) => text.trim().length >= 6 && !/^\d+$|\*/.test(text.trim())),
        fc.string(),
        fc.string(),
        (secret, before, after) => {
          expect(planMask({ API_TOKEN: secret })(before + secret.trim() + after)).not.toContain(secret.trim());
        },
      ),
    );
  });
});

test('maskStrings() leaves the program’s own words alone, and knows every field that holds one', () => {
  const mask = planMask({ PASSWORD: 'pass' });
  expect(maskStrings({ status: 'passed', detail: 'the pass' }, mask)).toEqual({ status: 'passed', detail: 'the ***' });
  expect(maskStrings({ reason: 'the pass' }, mask)).toEqual({ reason: 'the ***' }); // of --reason: a person wrote it
  const closed = new Set<string>();
  const walk = (schema: unknown, name = ''): void => {
    const { type, wrapped, item, options, entries } = schema as Record<string, unknown>;
    if (type === 'picklist' || type === 'literal') closed.add(name);
    if (wrapped) walk(wrapped, name);
    if (item) walk(item, name);
    if (type === 'variant') for (const option of options as unknown[]) walk(option);
    for (const [key, child] of Object.entries((entries as object) ?? {})) walk(child, key);
  };
  walk(ReportSchema);
  closed.delete('reportVersion'); // a number
  expect([...closed].filter((name) => !OWN_WORDS.has(name))).toEqual([]);
  expect(closed.size).toBeGreaterThan(5);
});
