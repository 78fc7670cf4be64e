import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from 'bun:test';
import type { LocalHub } from '../edges/local-hub.ts';
import { fillPlain, SHIPPED, Site } from '../run/site.ts';
import { SPACE, startHubWithSpace, submit } from './space-site.ts';

setDefaultTimeout(60_000); // a Job is the whole program in a process of its own

let site: Site;
let hub: LocalHub;
beforeAll(async () => {
  site = await Site.open();
  await site.sql(fillPlain(300, 100));
});
afterAll(() => site[Symbol.asyncDispose]());
beforeEach(async () => {
  hub = await startHubWithSpace();
});
afterEach(() => hub[Symbol.asyncDispose]());

test('x', async () => {
  const t = performance.now();
  const { exitCode, world } = await submit(site, hub);
  console.log(performance.now() - t, exitCode, world.stdout.text, '-----\n', world.stderr.text);
  for (const r of hub.requests.filter(({ path }) => /jobs|resolve\/main\/pip/.test(path)))
    console.log(r.method, r.path, r.status, JSON.stringify(r.body));
  console.log(SPACE, SHIPPED.length, hub.spaces.get(SPACE)?.stages);
  expect(exitCode).toBe(0);
});
