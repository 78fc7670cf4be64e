import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { LocalHub } from '../edges/local-hub.ts';
import { SHIPPED, Site } from '../run/site.ts';
import { jobRequests, SPACE, show, startHubWithSpace, submit } from './space-site.ts';

setDefaultTimeout(30_000);

let site: Site;
let hub: LocalHub;
beforeAll(async () => {
  site = await Site.open('');
});
afterAll(() => site[Symbol.asyncDispose]());
beforeEach(async () => {
  hub = await startHubWithSpace('');
});
afterEach(async () => {
  expect(hub.requests.filter(({ known }) => !known)).toEqual([]);
  await hub[Symbol.asyncDispose]();
});

const NIGHTLY = '0 3 * * *';
/** @returns the first word that stdout has: created, updated, unchanged, deleted; and the id behind it */
async function schedule(cron = NIGHTLY, argv: string[] = [], options: Parameters<typeof submit>[3] = {}) {
  hub.requests.length = 0;
  const { exitCode, world, seen } = await submit(site, hub, ['--schedule', cron, ...argv], options);
  const [what, id] = world.stdout.text.trim().split(' ');
  return {
    exitCode,
    what,
    id,
    seen,
    writes: hub.requests.filter(({ method }) => method !== 'GET').map((r) => r.method),
  };
}
const there = () => hub.jobs.scheduled.map(({ id, schedule: cron }) => `${id} ${cron}`);

describe('--schedule', () => {
  test('creates it once, and writes nothing where nothing has changed', async () => {
    const first = await schedule();
    expect(first).toMatchObject({ exitCode: 0, what: 'created', writes: ['POST'] });
    expect(first.seen).toContain(`hf jobs scheduled inspect tester/${first.id}`);
    show('--schedule, the first time', jobRequests(hub));
    const second = await schedule();
    expect(second).toMatchObject({ exitCode: 0, what: 'unchanged', id: first.id, writes: [] });
    show('--schedule, the second time', jobRequests(hub));
    expect(there()).toEqual([`${first.id} ${NIGHTLY}`]);
    expect(hub.jobs.scheduled[0]).toMatchObject({ concurrency: false, suspend: false, spec: { spaceId: SPACE } });
  });

  test.each<[string, string, string[], Parameters<typeof submit>[3]]>([
    ['other times', '0 4 * * *', [], {}],
    ['a changed secret', NIGHTLY, [], { env: { LEDGER_KEY: 'b'.repeat(40) } }],
    ['a changed variable', NIGHTLY, [], { env: { LEDGER_KEY: 'a'.repeat(40), MIN_DATASET_LEN: '11' } }],
    ['a secret that is gone', NIGHTLY, [], { env: {} }],
    ['another command', NIGHTLY, ['--dry-run'], { env: { LEDGER_KEY: 'a'.repeat(40) } }],
  ])('%s: the new one is made before the old one goes', async (_, cron, argv, options) => {
    const first = await schedule(NIGHTLY, [], { env: { LEDGER_KEY: 'a'.repeat(40) } });
    const second = await schedule(cron, argv, options);
    expect(second).toMatchObject({ exitCode: 0, what: 'updated', writes: ['POST', 'DELETE'] });
    expect(second.id).not.toBe(first.id as string);
    expect(there()).toEqual([`${second.id} ${cron}`]);
    expect(await schedule(cron, argv, options)).toMatchObject({ what: 'unchanged', writes: [] });
  });

  test('other hardware and another limit of time are a change, too', async () => {
    await schedule();
    const yaml = SHIPPED.replace(/^job:.*/m, 'job: { flavor: cpu-upgrade, timeout: 90m }');
    expect(await schedule(NIGHTLY, [], { yaml })).toMatchObject({ what: 'updated' });
    expect(hub.jobs.scheduled[0]?.spec).toMatchObject({ flavor: 'cpu-upgrade', timeoutSeconds: 5400 });
  });

  test('off deletes it, and says so where there is none', async () => {
    const { id } = await schedule();
    expect(await schedule('off')).toMatchObject({ exitCode: 0, what: 'deleted', id, writes: ['DELETE'] });
    expect(await schedule('off')).toMatchObject({ exitCode: 0, what: 'nothing', writes: [] });
    expect(there()).toEqual([]);
  });

  test('there is one for each choice of labels, whatever their order', async () => {
    const all = await schedule();
    const one = await schedule('@hourly', ['--label', 'urgency']);
    const both = await schedule('@daily', ['--label', 'urgency', 'department']);
    expect([all, one, both].map(({ what }) => what)).toEqual(['created', 'created', 'created']);
    expect(await schedule('off', ['--label', 'department', 'urgency'])).toMatchObject({ what: 'deleted', id: both.id });
    expect(there()).toEqual([`${all.id} ${NIGHTLY}`, `${one.id} @hourly`]);
  });

  test('one that somebody has suspended stays so, also where it is replaced', async () => {
    const { id } = await schedule();
    for (const each of hub.jobs.scheduled) each.suspend = true;
    expect(await schedule()).toMatchObject({ what: 'unchanged', id });
    const changed = await schedule('@daily');
    expect(changed.what).toBe('updated');
    expect(changed.seen).toContain(`hf jobs scheduled resume tester/${changed.id}`);
    expect(hub.jobs.scheduled.map(({ suspend }) => suspend)).toEqual([true]);
  });
});

describe('what went wrong before', () => {
  test('leftovers are deleted, and the one that is right is kept', async () => {
    const old = await schedule();
    hub.fail({ method: 'DELETE', path: /scheduled-jobs/, times: 6, answer: { status: 500 } }); // all attempts of one deletion
    const broken = await schedule('@daily');
    expect(broken.exitCode).toBe(1);
    expect(broken.seen).toMatch(/^JOB_UNREACHABLE$/m);
    expect(there()).toEqual([`${old.id} ${NIGHTLY}`, expect.stringContaining('@daily')]); // no gap
    hub.jobs.scheduled.push(...hub.jobs.scheduled.slice(-1).map((each) => ({ ...each, id: 'f'.repeat(24) })));
    const mended = await schedule('@daily');
    expect(mended).toMatchObject({ exitCode: 0, what: 'unchanged', writes: ['DELETE', 'DELETE'] });
    expect(there()).toEqual([`${mended.id} @daily`]);
  });

  test.each(['drop', { status: 502 }] as const)(
    'an answer that was lost (%p): it is found, and not made twice',
    async (answer) => {
      hub.fail({ method: 'POST', path: /scheduled-jobs/, land: true, answer });
      expect(await schedule()).toMatchObject({ exitCode: 0, what: 'created', writes: ['POST'] });
      expect(hub.jobs.scheduled).toHaveLength(1);
      expect(await schedule()).toMatchObject({ what: 'unchanged' });
    },
  );

  test('a deletion whose answer was lost is done', async () => {
    await schedule();
    hub.fail({ method: 'DELETE', path: /scheduled-jobs/, land: true, answer: 'drop' });
    expect(await schedule('off')).toMatchObject({ exitCode: 0, what: 'deleted' });
    expect(there()).toEqual([]);
  });

  test('times that the Hub does not know', async () => {
    const { exitCode, seen } = await schedule('0 3 * * MOON');
    expect(exitCode).toBe(1);
    expect(seen).toMatch(/^JOB_REFUSED$/m);
  });

  test('schedules of others are left alone', async () => {
    await schedule('@daily', ['--label', 'urgency']);
    for (const { spec } of hub.jobs.scheduled) spec.labels = { team: 'data' };
    const own = await schedule('@daily', ['--label', 'urgency']);
    expect(own.what).toBe('created');
    await schedule('off', ['--label', 'urgency']);
    expect(hub.jobs.scheduled.map(({ spec }) => spec.labels)).toEqual([{ team: 'data' }]);
  });
});

test('what stands in a schedule’s labels tells nothing of a secret without the token', async () => {
  const labelsWith = async (env: Record<string, string>) => {
    await schedule(NIGHTLY, [], { env });
    return hub.jobs.scheduled.at(-1)?.spec.labels.settings;
  };
  const hashes = [
    await labelsWith({ LEDGER_KEY: 'weak' }),
    await labelsWith({ LEDGER_KEY: 'weal' }),
    await labelsWith({ LEDGER_KEY: 'weak' }),
  ];
  expect(hashes[0]).toBe(hashes[2] as string);
  expect(hashes[0]).not.toBe(hashes[1] as string);
  expect(JSON.stringify(hub.jobs.scheduled.map(({ spec }) => spec.labels))).not.toContain('weak');
});

test('nothing that the Hub answers moves the cursor of a terminal', async () => {
  const schedule = { id: '\u001b[2J', suspend: true, status: { nextJobRunAt: '\u001b[2J\u202e' }, jobSpec: {} };
  hub.fail({ method: 'POST', path: /\/scheduled-jobs\//, answer: { status: 200, body: schedule } });
  const { exitCode, seen } = await submit(site, hub, ['--schedule', '@daily']);
  expect(exitCode).toBe(0);
  expect(seen).toContain('[2J');
  expect(seen.match(/(?!\n)[\p{Cc}\p{Bidi_Control}]/gu)).toBeNull();
});
