import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHistory } from '../../lib/history/history.ts';
import { PROJECT, testWorld } from '../run/world.ts';
import { FILES, recordAt } from './records.ts';

const root = mkdtempSync(join(tmpdir(), 'history-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let cwd = '';
let folders = 0;
beforeEach(() => {
  cwd = join(root, String(++folders));
});
const open = () => openHistory({ kind: 'directory', path: './runs' }, testWorld({ cwd }));
const file = () => join(cwd, 'runs/runs.jsonl');

describe('a history in a directory', () => {
  test('has no runs before the first one', async () => {
    expect(await (await open()).lines()).toEqual({ records: [], skipped: 0, isText: true });
  });

  test('keeps runs in order, each with its report and log, readable by their owner only', async () => {
    const history = await open();
    await history.append(recordAt(1), FILES);
    await history.append(recordAt(2), { report: '{}', log: '' });
    expect((await (await open()).lines()).records).toEqual([recordAt(1), recordAt(2)]);
    expect(await history.read(recordAt(1).run)).toEqual(FILES);
    expect(await history.read(recordAt(2).run)).toEqual({ report: '{}', log: '' });
    const folder = join(cwd, 'runs/runs/2026/11', recordAt(1).run);
    expect(readdirSync(folder).sort()).toEqual(['log.txt', 'report.json']);
    for (const path of [file(), join(folder, 'report.json'), join(folder, 'log.txt')])
      expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('does not add a run twice', async () => {
    const history = await open();
    await history.append(recordAt(1), FILES);
    await history.append(recordAt(1, { exit_code: 1 }), { report: 'other', log: 'other' });
    expect((await history.lines()).records).toEqual([recordAt(1)]);
    expect(await history.read(recordAt(1).run)).toEqual(FILES);
  });

  test('goes on after half a line, which stays', async () => {
    const history = await open();
    await history.append(recordAt(1), FILES);
    const torn = '{"run":"20261124-0302';
    writeFileSync(file(), readFileSync(file(), 'utf8') + torn);
    expect((await history.lines()).records).toEqual([recordAt(1)]);
    await history.append(recordAt(3), FILES);
    expect(await history.lines()).toEqual({ records: [recordAt(1), recordAt(3)], skipped: 1, isText: true });
    expect(readFileSync(file(), 'utf8').split('\n')[1]).toBe(torn);
  });

  test('loses nothing when several processes append at once', async () => {
    const script = `const { openHistory } = await import(${JSON.stringify(join(PROJECT, 'lib/history/history.ts'))});
      const { realWorld } = await import(${JSON.stringify(join(PROJECT, 'lib/real-world.ts'))});
      const history = await openHistory({ kind: 'directory', path: './runs' }, realWorld());
      const record = ${JSON.stringify(recordAt(0, { reason: 'x'.repeat(5000) }))};
      await new Promise((resolve) => process.stdin.once('data', resolve));
      for (let n = 0; n < 40; n++)
        await history.append({ ...record, run: '2026112' + process.argv.at(-1) + '-030000-0' + String(n).padStart(2, '0') }, { report: '{}', log: '' });
      process.exit();`;
    await Bun.write(join(cwd, 'x'), '');
    const children = [1, 2, 3].map((digit) =>
      Bun.spawn([process.execPath, '-e', script, String(digit)], { cwd, stdin: 'pipe', stderr: 'inherit' }),
    );
    for (const { stdin } of children) {
      stdin.write('go\n');
      await stdin.flush();
    }
    expect(await Promise.all(children.map(({ exited }) => exited))).toEqual([0, 0, 0]);
    const { records, skipped } = await (await open()).lines();
    expect(skipped).toBe(0);
    expect(new Set(records.map(({ run }) => run)).size).toBe(120);
    for (const { run } of records) expect((await (await open()).read(run)).report).toBe('{}');
  }, 20_000);

  test.each([
    ['a file that is no text', () => writeFileSync(file(), 'PAR1\0\0')],
    ['a folder where the file should be', () => mkdirSync(file())],
  ])('%s is not added to', async (_, spoil) => {
    mkdirSync(join(cwd, 'runs'), { recursive: true });
    spoil();
    const history = await open();
    await expect(history.lines()).rejects.toMatchObject({ code: 'HISTORY_UNREADABLE' });
    await expect(history.append(recordAt(2), FILES)).rejects.toMatchObject({ code: 'HISTORY_UNWRITABLE' });
  });

  test('says what it cannot read or write, and why', async () => {
    const history = await open();
    await history.append(recordAt(1), FILES);
    rmSync(join(cwd, 'runs/runs'), { recursive: true });
    await expect(history.read(recordAt(1).run)).rejects.toMatchObject({
      code: 'HISTORY_UNREADABLE',
      message: `Cannot read runs/2026/11/${recordAt(1).run}/report.json of ./runs: ENOENT`,
    });
    writeFileSync(join(cwd, 'runs/runs'), '');
    await expect(history.append(recordAt(2), FILES)).rejects.toMatchObject({
      code: 'HISTORY_UNWRITABLE',
      message: 'Cannot write ./runs: ENOTDIR',
    });
    expect((await history.lines()).records).toEqual([recordAt(1)]);
  });
});
