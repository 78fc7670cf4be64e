import { expect, test } from 'bun:test';
import { tmpdir } from 'node:os';
import { openHistory } from '../../lib/history/history.ts';
import { startLocalHub } from '../edges/local-hub.ts';
import { FILES, recordAt } from '../history/records.ts';
import { testWorld } from '../run/world.ts';
import { loadOfficial, officialPython } from './venv.ts';

const found = await officialPython();
const python = 'python' in found ? found.python : '';
const PYTHON_MS = 120_000; // importing pyarrow from a cold disk is slow

test.skipIf(python === '')(
  'load_dataset() reads the history of runs as a table, as the Hub’s viewer does',
  async () => {
    await using hub = await startLocalHub();
    const env = { HF_ENDPOINT: hub.url, HF_TOKEN: hub.token };
    const history = await openHistory({ kind: 'hub', repo: 'tester/runs' }, testWorld({ env, tmpdir: tmpdir() }));
    const restarts = [{ space: 'acme/train', version: 'v20261124_030212', status: 'failed' as const }];
    const label = { label: 'urgency', target: 'acme/urgency', status: 'failed', code: 'DATABASE_QUERY' };
    await history.append(recordAt(1, { seconds: 4 }), FILES);
    await history.append(recordAt(2, { reason: 'why', labels: [{ ...label, failed_step: 'fetch', restarts }] }), FILES);
    await history.append(recordAt(3, { labels: [] }), FILES);
    const { train, ...others } = await loadOfficial(python, 'tester/runs', { hub });
    expect(others).toEqual({});
    expect(train).toMatchObject({ num_rows: 3, features: { run: 'string', exit_code: 'int64', seconds: 'float64' } });
    expect(train?.keys.sort()).toEqual(Object.keys(recordAt(2, { reason: 'why' })).sort());
  },
  PYTHON_MS,
);
