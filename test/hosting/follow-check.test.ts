import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { HopResult } from '../../lib/check/hops.ts';
import { readSummary, renderResult, renderSummary } from '../../lib/check/render.ts';
import { Space } from '../../lib/edges/space.ts';
import type { PipelineError } from '../../lib/errors.ts';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { testWorld } from '../run/world.ts';

const result: fc.Arbitrary<HopResult> = fc.record({
  id: fc.stringMatching(/^[a-z_]+(\.[a-z]+|\([a-z]+\/[a-z-]+\))?$/),
  status: fc.constantFrom('ok', 'warn', 'fail', 'skipped'),
  message: fc.string({ unit: 'grapheme' }),
  seconds: fc.float({ min: 0, max: 20, noNaN: true }),
});

describe('readSummary()', () => {
  test('is the inverse of renderSummary()', () => {
    fc.assert(
      fc.property(fc.array(result, { minLength: 1 }), (results) => {
        const [, line = ''] = renderSummary(results).split('\n');
        const read = readSummary(line);
        expect(read?.broken).toEqual(results.filter(({ status }) => status === 'fail').map(({ id }) => id));
        for (const status of ['ok', 'warn', 'fail', 'skipped'] as const)
          expect(read?.counts.get(status) ?? 0).toBe(results.filter((each) => each.status === status).length);
      }),
    );
  });

  test('takes no line of a hop for a summary, whatever it says', () => {
    fc.assert(
      fc.property(result, fc.constantFrom('1 ok', '2 ok, 1 FAIL; broken: a', ''), (hop, said) => {
        const message = `${hop.message}\n${said}`;
        const lines = renderResult({ ...hop, message, fix: said }, 20, false).split('\n');
        expect(lines.filter((line) => readSummary(line) !== undefined)).toEqual([]);
      }),
    );
  });

  test.each(['', '1', '1 okay', 'ok 1', '1 ok,2 warn', '1 ok; broken: ', 'x 1 ok'])('nor %j', (line) => {
    expect(readSummary(line)).toBeUndefined();
  });
});

describe('the log of a Space', () => {
  const ID = 'tester/prepare-dataset';
  let hub: LocalHub;
  beforeEach(async () => {
    hub = await startLocalHub({ realSpaces: true, namespaces: ['tester'] });
    hub.createSpace(ID);
    hub.createSpace('other/space', { private: false });
  });
  afterEach(() => hub[Symbol.asyncDispose]());

  async function read(id = ID): Promise<string[]> {
    const lines: string[] = [];
    const space = new Space(id, testWorld({ env: { HF_ENDPOINT: hub.url, HF_TOKEN: hub.token } }));
    for await (const line of space.log('run', new AbortController().signal)) lines.push(line);
    return lines;
  }

  test('is read as it comes, without keep-alives and what is no event of a log', async () => {
    const events = [
      ': a comment',
      'data:',
      'data: {"data": "one\\n", "timestamp": "2026-01-01T00:00:00Z"}',
      'data: {"other": 1}',
      'data: not JSON',
      'event: message\r\nid: 7\r\ndata: {"data":\r\ndata: "two\\n"}',
      'data: {"data": "three\\r\\n\\r\\nfive\\r\\n"}',
    ];
    hub.fail({ path: /logs\/run/, answer: { status: 200, body: `${events.join('\n\n')}\n\n` } });
    expect(await read()).toEqual(['one', 'two', 'three', '', 'five']);
  });

  test.each([
    ['other/space', 'SPACE_FORBIDDEN'],
    ['tester/none', 'SPACE_NOT_FOUND'],
  ])('of %s is %s', async (id, code) => {
    const error: PipelineError = await read(id).then(
      () => expect.unreachable(),
      (thrown) => thrown,
    );
    expect(error.code).toBe(code as PipelineError['code']);
  });
});
