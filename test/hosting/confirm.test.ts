import { expect, test } from 'bun:test';
import { Desk } from './desk.ts';

/** The program at a terminal, answered with these keys when it asks. */
async function answer(desk: Desk, keys: string): Promise<{ exitCode: number; text: string }> {
  let text = '';
  let isAnswered = false;
  const child = Bun.spawn(['bun', 'pipeline.ts', '--deploy', 'tester/prepare-dataset'], {
    cwd: desk.folder,
    env: { PATH: process.env.PATH, HOME: desk.folder, TERM: 'xterm', DEPLOY_TOKEN: desk.hub.token },
    terminal: {
      cols: 80,
      rows: 24,
      data(terminal, data) {
        text += new TextDecoder().decode(data);
        if (isAnswered || !text.includes('[y/N]')) return;
        isAnswered = true;
        terminal.write(keys);
      },
    },
  });
  const exitCode = await child.exited;
  child.terminal?.close();
  return { exitCode, text };
}

test.each([
  ['no', 'n\n', 1, false],
  ['nothing', '\n', 1, false],
  ['Ctrl-D', '\x04', 1, false],
  ['Ctrl-C', '\x03', 130, false],
  ['yes', 'yes\n', 0, true],
])(
  'a person at a terminal answers %s',
  async (_, keys, wanted, isMade) => {
    await using desk = await Desk.open({}, ['sh', '-c', 'echo; echo 1 ok; exec sleep 60']);
    await desk.link();
    const { exitCode, text } = await answer(desk, keys);
    expect({ exitCode, text: exitCode === wanted ? '' : text }).toEqual({ exitCode: wanted, text: '' });
    expect(text).not.toContain('INTERNAL');
    expect(desk.hub.spaces.has('tester/prepare-dataset')).toBe(isMade);
  },
  30_000,
);
