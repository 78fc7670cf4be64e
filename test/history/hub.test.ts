import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type History, openHistory } from '../../lib/history/history.ts';
import { parseSpec } from '../../lib/spec/read.ts';
import { type FaultRule, type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { SHIPPED } from '../run/site.ts';
import { testWorld } from '../run/world.ts';
import { FILES, recordAt } from './records.ts';

let hub: LocalHub;
let folder: string;
let waits: number[];
beforeEach(async () => {
  hub = await startLocalHub();
  folder = mkdtempSync(join(tmpdir(), 'history-'));
  waits = [];
});
afterEach(async () => {
  expect(readdirSync(folder)).toEqual([]); // nothing of a report stays on the machine
  rmSync(folder, { recursive: true });
  await hub[Symbol.asyncDispose]();
});

const clock = { now: () => new Date(), sleep: async (ms: number) => void waits.push(ms) };
function open({ token = hub.token, readMs = 15_000 }: { token?: string; readMs?: number } = {}): Promise<History> {
  const env = { HF_ENDPOINT: hub.url, HF_TOKEN: token };
  return openHistory({ kind: 'hub', repo: 'tester/runs' }, testWorld({ env, clock, tmpdir: folder }), readMs);
}
const repo = () => hub.repos.get('datasets/tester/runs');
const kept = () => repo()?.readText('runs.jsonl');
const line = (number: number) => `${JSON.stringify(recordAt(number))}\n`;
const commits = () => hub.requests.filter(({ path }) => path.includes('/commit/')).length;
const onCommit = (rule: Partial<FaultRule>) => hub.fail({ method: 'POST', path: /\/commit\//, ...rule });

describe('a history on the Hub', () => {
  test('has no runs before the first one, and creates nothing to say so', async () => {
    expect((await (await open()).lines()).records).toEqual([]);
    expect(repo()).toBeUndefined();
  });

  test('is a private repo that the first run creates; a run is one commit', async () => {
    const history = await open();
    await history.append(recordAt(1), FILES);
    await history.append(recordAt(2), { report: '{}', log: '' });
    expect(repo()?.private).toBe(true);
    expect(repo()?.commits.map(({ title }) => title)).toEqual([
      'initial commit',
      'Run 20261124-030100-000: exit code 0',
      'Run 20261124-030200-000: exit code 0',
    ]);
    expect([...(repo()?.files().keys() ?? [])].filter((path) => path !== '.gitattributes')).toEqual([
      'README.md',
      'runs.jsonl',
      'runs/2026/11/20261124-030100-000/log.txt',
      'runs/2026/11/20261124-030100-000/report.json',
      'runs/2026/11/20261124-030200-000/log.txt',
      'runs/2026/11/20261124-030200-000/report.json',
    ]);
    expect(kept()).toBe(line(1) + line(2));
    expect((await history.lines()).records).toEqual([recordAt(1), recordAt(2)]);
    expect(await history.read(recordAt(1).run)).toEqual(FILES);
    expect(await history.read(recordAt(2).run)).toEqual({ report: '{}', log: '' });
  });

  test('has a card for the viewer, which is not written again over what a person made of it', async () => {
    const history = await open();
    await history.append(recordAt(1), FILES);
    const card = repo()?.readText('README.md');
    expect(card).toStartWith(
      '---\nconfigs:\n  - config_name: default\n    data_files: runs.jsonl\ntags: [run-history]\n---\n',
    );
    hub.commit('tester/runs', { 'README.md': '# Ours\n' });
    await history.append(recordAt(2), FILES);
    expect(repo()?.readText('README.md')).toBe('# Ours\n');
  });

  test('takes a repo that a person made, and leaves its card alone', async () => {
    hub.createRepo('tester/runs');
    hub.commit('tester/runs', { 'README.md': '# Ours\n' });
    await (await open()).append(recordAt(1), FILES);
    expect(repo()?.readText('README.md')).toBe('# Ours\n');
    expect(kept()).toBe(line(1));
  });

  test('keeps lines that it cannot read byte for byte, and goes on after half a line', async () => {
    hub.createRepo('tester/runs');
    const before = Buffer.concat([Buffer.from(`{"a":1}\r\n\n\xff`, 'latin1'), Buffer.from(`\n${line(1)}{"run":"2026`)]);
    hub.commit('tester/runs', { 'runs.jsonl': before });
    const history = await open();
    expect(await history.lines()).toMatchObject({ records: [recordAt(1)], skipped: 3 });
    await history.append(recordAt(2), FILES);
    expect(Buffer.from(repo()?.read('runs.jsonl') ?? [])).toEqual(Buffer.concat([before, Buffer.from(`\n${line(2)}`)]));
    expect((await history.lines()).records).toEqual([recordAt(1), recordAt(2)]);
  });

  test('does not add a run twice', async () => {
    await (await open()).append(recordAt(1), FILES);
    await (await open()).append(recordAt(1), FILES);
    expect(kept()).toBe(line(1));
    expect(commits()).toBe(1);
  });
});

describe('a public repo', () => {
  beforeEach(() => void hub.createRepo('tester/runs', { private: false }));

  test('is refused, since reports hold SQL and figures', async () => {
    await expect((await open()).append(recordAt(1), FILES)).rejects.toMatchObject({
      code: 'HISTORY_UNWRITABLE',
      message: 'Cannot keep runs in tester/runs: the repo is public, and reports hold SQL and figures',
    });
    expect(commits()).toBe(0);
  });

  test('is refused too when it was made public meanwhile', async () => {
    const publish = (isPublic: boolean) => Object.assign(repo() ?? {}, { private: !isPublic });
    publish(false);
    onCommit({ before: () => void publish(true), answer: { status: 412 } });
    await expect((await open()).append(recordAt(1), FILES)).rejects.toMatchObject({ code: 'HISTORY_UNWRITABLE' });
    expect(repo()?.commits).toHaveLength(1);
  });
});

describe('others who commit meanwhile', () => {
  beforeEach(() => {
    hub.createRepo('tester/runs');
    hub.commit('tester/runs', { 'runs.jsonl': line(1) });
  });

  test('keep their lines', async () => {
    onCommit({ before: () => void hub.commit('tester/runs', { 'runs.jsonl': line(1) + line(2) }) });
    await (await open()).append(recordAt(3), FILES);
    expect(kept()).toBe(line(1) + line(2) + line(3));
    expect(waits).toEqual([1000]);
  });

  test('are outwaited four times; after five tries it is a fault', async () => {
    const fault = onCommit({ times: 4, answer: { status: 412 } });
    await (await open()).append(recordAt(2), FILES);
    expect(kept()).toBe(line(1) + line(2));
    expect(fault.hits).toBe(4);
    waits = [];
    onCommit({ times: 99, answer: { status: 412 } });
    await expect((await open()).append(recordAt(3), FILES)).rejects.toMatchObject({ code: 'HISTORY_UNWRITABLE' });
    expect(waits).toEqual([1000, 2000, 4000, 8000, 8000]);
    expect(commits()).toBe(5 + 5);
  });

  test('and write while we want to, are waited for (409)', async () => {
    onCommit({ answer: { status: 409 } });
    await (await open()).append(recordAt(2), FILES);
    expect(kept()).toBe(line(1) + line(2));
  });

  test('two of our runs at once lose and double nothing', async () => {
    const histories = await Promise.all([2, 3, 4].map(() => open()));
    await Promise.all(histories.map((history, index) => history.append(recordAt(index + 2), FILES)));
    const lines = kept()?.trimEnd().split('\n') ?? [];
    expect(lines.sort()).toEqual([1, 2, 3, 4].map((number) => line(number).trimEnd()));
  });
});

describe('an answer that is lost', () => {
  test.each([
    ['after the commit landed', 'drop' as const, true],
    ['before it landed', 'drop' as const, false],
    ['as a 500 after it landed', { status: 500 }, true],
    ['as a 503 before', { status: 503 }, false],
  ])('%s leaves the run there once', async (_, answer, land) => {
    onCommit({ answer, land });
    const history = await open();
    await history.append(recordAt(1), FILES);
    expect(kept()).toBe(line(1));
    expect(repo()?.commits).toHaveLength(2);
    expect(commits()).toBe(land ? 1 : 2);
  });

  test('five times, of which the last one landed', async () => {
    onCommit({ times: 4, answer: { status: 500 } });
    onCommit({ answer: 'drop', land: true });
    await (await open()).append(recordAt(1), FILES);
    expect(kept()).toBe(line(1));
  });
});

describe('what stands in the way', () => {
  test.each([
    ['', 'HISTORY_UNREADABLE', /does not accept the token \(401\)/, /HF_TOKEN is not set/],
    ['hf_nobodyknowsthis', 'HISTORY_UNREADABLE', /does not accept the token/, /does not accept the token/],
    ['hf_localreadtoken', undefined, /./, /the token may not \(403\)/],
  ])('token %p', async (token, reading, why, whyNot) => {
    hub.createRepo('tester/runs');
    const history = await open({ token });
    if (reading)
      await expect(history.lines()).rejects.toMatchObject({ code: reading, message: expect.stringMatching(why) });
    else expect((await history.lines()).records).toEqual([]);
    await expect(history.append(recordAt(1), FILES)).rejects.toMatchObject({
      code: 'HISTORY_UNWRITABLE',
      message: expect.stringMatching(whyNot),
    });
  });

  test('a file that is no text', async () => {
    hub.createRepo('tester/runs');
    hub.commit('tester/runs', { 'runs.jsonl': 'PAR1\0\0' });
    const history = await open();
    await expect(history.lines()).rejects.toMatchObject({ code: 'HISTORY_UNREADABLE' });
    await expect(history.append(recordAt(1), FILES)).rejects.toMatchObject({ code: 'HISTORY_UNWRITABLE' });
    expect(commits()).toBe(0);
  });

  test('a report that is gone', async () => {
    const history = await open();
    await history.append(recordAt(1), FILES);
    const path = `runs/2026/11/${recordAt(1).run}/report.json`;
    hub.commit('tester/runs', { [path]: null });
    await expect(history.read(recordAt(1).run)).rejects.toMatchObject({
      code: 'HISTORY_UNREADABLE',
      message: `Cannot read ${path} of tester/runs: it is not there`,
    });
  });

  test.each([
    ['answers 500', { times: 99, answer: { status: 500 } }],
    ['drops connections', { times: 99, answer: 'drop' as const }],
  ])('a Hub that %s', async (_, rule) => {
    hub.fail({ path: /./, ...rule });
    await expect((await open()).lines()).rejects.toMatchObject({ code: 'HISTORY_UNREADABLE' });
  });

  test.each([
    ['the head', /\/revision\//],
    ['the file', /\/resolve\//],
  ])('a Hub that is silent when asked for %s holds up no run: reading ends in time', async (_, path) => {
    hub.createRepo('tester/runs');
    const { promise, resolve } = Promise.withResolvers<void>();
    hub.fail({ path, times: 99, before: () => promise });
    await expect((await open({ readMs: 50 })).lines()).rejects.toMatchObject({
      code: 'HISTORY_UNREADABLE',
      message: expect.stringMatching(/TimeoutError/),
    });
    resolve();
  });
});

test('a label’s own repo cannot keep the history', () => {
  const env = {
    POSTGRES_URL: 'postgres://user:secret@localhost/x',
    DEPARTMENT_DATASET: 'acme/d',
    URGENCY_DATASET: './u',
  };
  const read = (runs: string) => () => parseSpec('a.yaml', SHIPPED, { ...env, RUNS_DATASET: runs });
  expect(read('acme/runs')).not.toThrow();
  for (const runs of ['Acme/D', './u/']) expect(read(runs)).toThrow(expect.objectContaining({ code: 'REPO_TWICE' }));
});
