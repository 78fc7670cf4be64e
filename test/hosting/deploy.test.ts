import { expect, test } from 'bun:test';
import { fillPlain, Site } from '../run/site.ts';
import { Desk } from './desk.ts';

test('x', async () => {
  await using site = await Site.open();
  await site.sql(fillPlain(400, 100));
  await using desk = await Desk.open({
    POSTGRES_URL: site.url,
    DEPARTMENT_DATASET: 'tester/department',
    URGENCY_DATASET: 'tester/urgency',
    MIN_DATASET_LEN: '10',
    OTHER: 'x',
  });
  for (const i of [1, 2]) {
    const t = Date.now();
    const { exitCode, world, requests } = await desk.deploy('tester/prepare-dataset');
    console.log(Date.now() - t, exitCode, world.stdout.text, world.stderr.text, requests.join('\n'));
    console.log(desk.hub.spaces.get('tester/prepare-dataset')?.stages.join(' '));
  }
}, 60_000);
