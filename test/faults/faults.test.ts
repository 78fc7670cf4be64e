import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { PROJECT } from '../run/world.ts';
import { kill, rehearse } from './kill.ts';
import { Lane } from './lane.ts';
import { meet, SCENARIOS } from './machine.ts';
import { CELLS, nameOf, openBench, SILENT_CELLS, spoil } from './matrix.ts';
import { renderPage } from './page.ts';
import { type Found, planMoments } from './plan.ts';
import { formsOf } from './secrets.ts';

/** A part of what `bun run faults` tries, which takes an hour. */

setDefaultTimeout(120_000);

const EVERY = 29; // of the faults on the wire: prime, so that each fault and each request has its turn
const EVERY_KILL = 31;
const found: Found = await Bun.file(join(import.meta.dir, 'found.json')).json();

describe('what was found', () => {
  test('is all that there is to try', () => {
    expect(Object.keys(found.wire)).toEqual(CELLS.map(nameOf));
    expect(Object.keys(found.silence)).toEqual(SILENT_CELLS.map(nameOf));
    expect(Object.keys(found.scenarios)).toEqual(SCENARIOS.map(({ server, name }) => `${server}: ${name}`));
  });

  test('is what docs/faults.md says', async () => {
    expect(await Bun.file(join(PROJECT, 'docs/faults.md')).text()).toBe(renderPage(found));
  });
});

describe('a fault on the wire', () => {
  let bench: Lane;
  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  const cells = CELLS.filter((_, index) => index % EVERY === 0);
  test.each(cells.map((cell) => [nameOf(cell), cell] as const))('%s', async (name, cell) => {
    const { outcome, problems } = await spoil(bench, cell);
    expect(problems).toEqual([]);
    const { waited, ...before } = found.wire[name] as typeof outcome;
    expect(outcome).toMatchObject(before);
    expect(outcome.waited > 0).toBe(waited > 0); // files are uploaded at the same time, and so is waited
  });
});

describe('a run that is killed', () => {
  let lane: Lane;
  beforeAll(async () => {
    lane = await Lane.open();
  });
  afterAll(() => lane[Symbol.asyncDispose]());

  test('is gone through by the next one, wherever it was', async () => {
    const { kinds, ms, problems } = await rehearse(lane, true);
    expect(problems).toEqual([]);
    const moments = planMoments({ first: kinds, later: kinds }, ms).filter((_, index) => index % EVERY_KILL === 0);
    // the narrow places: a commit without its tag, a Space that was told and not restarted
    for (const part of ['department/commit/', '/variables', '/restart']) {
      const kind = kinds.findLast((each) => each.includes(part)) ?? '';
      moments.push({ kind, nth: 0, stage: 'after', first: true });
    }
    for (const moment of moments) {
      const { problems } = await kill(lane, moment);
      expect({ moment, problems }).toEqual({ moment, problems: [] });
    }
  });
});

describe('a server or a disk that fails', () => {
  let lane: Lane;
  beforeAll(async () => {
    lane = await Lane.open();
  });
  afterAll(() => lane[Symbol.asyncDispose]());

  const names = [
    'the connection is reset in the middle of a COPY',
    'the role has no SELECT on one of the tables',
    'of the spool is full (3m)',
    'of a directory target is full',
    'resets the connection',
  ];
  const scenarios = SCENARIOS.filter(({ name }) => names.includes(name));
  test.each(scenarios.map((scenario) => [`${scenario.server}: ${scenario.name}`, scenario] as const))(
    '%s',
    async (_, scenario) => {
      expect((await meet(lane, scenario)).problems).toEqual([]);
    },
  );
});

test('a secret is found in any form, wherever it begins', () => {
  const secret = 'p@ss/w:rd%"x"-77';
  const texts = [0, 1, 2].flatMap((offset) => {
    const base64 = Buffer.from(`${'-'.repeat(offset)}${secret}--`).toString('base64');
    return [base64, base64.replaceAll('+', '-').replaceAll('/', '_')];
  });
  texts.push(
    `a ${secret} b`,
    encodeURIComponent(secret),
    JSON.stringify({ secret }),
    Buffer.from(secret).toString('hex'),
  );
  for (const text of texts)
    expect({ text, found: formsOf(secret).some((form) => text.includes(form)) }).toEqual({ text, found: true });
});
