import { describe, expect, test } from 'bun:test';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fillPlain, Site } from '../run/site.ts';
import { Desk, SPACE } from './desk.ts';

const API = `/api/spaces/${SPACE}`;
const MS = 60_000;

/** Without what is only looked at, and without what repeats. */
const acts = (requests: string[]) =>
  requests
    .filter((request) => !/^GET .*(runtime|logs\/run)$/.test(request))
    .map((request) => request.replace(API, '').replace(/tree\/\w+\?.*/, 'tree'))
    .filter((request, index, all) => request !== all[index - 1]);

/** With SHOW_DEPLOY=1: what it prints, and what the hub is asked. */
function show(title: string, { text, requests }: { text: string; requests: string[] }): void {
  if (!process.env.SHOW_DEPLOY) return;
  const counted = Map.groupBy(requests.keys(), (index) =>
    requests.findLastIndex((request, at) => at <= index && request !== requests[index]),
  );
  const lines = [...counted.values()].map(
    (same) => `${requests[same[0] ?? 0]}${same.length > 1 ? `   × ${same.length}` : ''}`,
  );
  console.log(`\n## ${title}\n\n${text}\n${lines.join('\n')}\n`);
}

async function* changesOf(stages: readonly string[], from: number) {
  for (let next = from; ; await Bun.sleep(5)) while (next < stages.length) yield stages[next++];
}

/** Wait for a stage to come. */
async function until(stages: readonly string[], from: number, wanted: string): Promise<void> {
  for await (const stage of changesOf(stages, from)) if (stage === wanted) return;
}

test(
  'from a clone to a dataset: created, checked, brought up to date, started',
  async () => {
    await using site = await Site.open();
    await site.sql(fillPlain(400, 100));
    await using desk = await Desk.open({ POSTGRES_URL: site.url, DRY_RUN: 'off', OTHER: 'stays at the desk' });
    const first = await desk.deploy();
    show('A new Space', first);
    expect(first.exitCode).toBe(0);
    expect(acts(first.requests)).toEqual([
      'GET /api/whoami-v2',
      'GET ',
      'POST /api/repos/create',
      'GET ',
      'POST /secrets',
      'POST /variables',
      'POST /preupload/main',
      'POST /commit/main',
      'POST /pause',
      'DELETE /variables',
    ]);
    expect(desk.repo.private).toBe(true);
    expect([...desk.space.secrets.keys()].sort()).toEqual(['HF_TOKEN', 'POSTGRES_URL']);
    expect([...desk.space.variables.keys()]).toContainValues(['MIN_DATASET_LEN', 'DRY_RUN', 'SERVE']);
    expect([...desk.space.variables.keys(), ...desk.space.secrets.keys()]).not.toContainAnyValues(['OTHER', 'CHECK']);
    expect(desk.space.stages).toEqual(['NO_APP_FILE', 'BUILDING', 'APP_STARTING', 'RUNNING', 'PAUSED']);
    expect(first.text).toContain('environment.ledger_key'); // the log of the check there
    expect(desk.hub.repos.has('datasets/tester/urgency')).toBe(false);

    const commits = desk.repo.commits.length;
    const second = await desk.deploy();
    show('The same again', second);
    expect(second.exitCode).toBe(0);
    expect(acts(second.requests)).toEqual([
      'GET /api/whoami-v2',
      'GET ',
      'GET /tree',
      'GET /variables',
      'GET /secrets',
      'POST /secrets',
      'POST /variables', // CHECK
      'POST /restart',
      'POST /pause',
      'DELETE /variables',
    ]);
    expect(desk.repo.commits.length).toBe(commits);

    await desk.edit('pipeline.config.yaml', (yaml) => yaml.replace('seed: 42', 'seed: 43'));
    await desk.write({ ...desk.env, MIN_DATASET_LEN: '11' });
    const third = await desk.deploy();
    show('Another YAML, another variable', third);
    expect(third.exitCode).toBe(0);
    expect(desk.repo.commits.length).toBe(commits + 1);
    expect(desk.repo.readText('pipeline.config.yaml')).toContain('seed: 43');
    expect(desk.space.variables.get('MIN_DATASET_LEN')?.value).toBe('11');

    const from = desk.space.stages.length;
    await fetch(`${desk.hub.url}${API}/restart`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${desk.hub.token}` },
    });
    await until(desk.space.stages, from, 'PAUSED'); // by the program, when all is done
    expect([...(desk.hub.repos.get('datasets/tester/urgency')?.tags.keys() ?? [])]).toHaveLength(1);
    expect([...(desk.hub.repos.get('datasets/tester/department')?.tags.keys() ?? [])]).toHaveLength(1);
  },
  MS,
);

test(
  'a check that fails there is told, and the Space is left paused, without CHECK, its secrets unseen',
  async () => {
    await using site = await Site.open();
    const url = new URL(site.url);
    const secrets = {
      POSTGRES_URL: `postgres://nobody:canary-one@${url.host}${url.pathname}`,
      LEDGER_KEY: 'canary-two-of-the-ledger',
      WEBHOOK_URL: 'https://hooks.example.org/canary-three',
      ADMIN_EMAIL: 'canary-four@example.org',
    };
    await using desk = await Desk.open(secrets);
    const { exitCode, code, text } = await desk.deploy();
    expect({ exitCode, code }).toEqual({ exitCode: 1, code: 'DEPLOY_CHECK' });
    expect(text).toContain('database.login');
    expect(desk.space.stage).toBe('PAUSED');
    expect(desk.space.variables.has('CHECK')).toBe(false);
    expect([...desk.space.secrets.keys()]).toContainValues(Object.keys(secrets));
    for (const canary of ['canary-one', 'canary-two', 'canary-three', desk.hub.token])
      expect(text).not.toContain(canary);
    expect(text.replaceAll('canary-four@example.org would', '')).not.toContain('canary-five');
  },
  MS,
);

test('no secret that is sent comes back on the terminal, whatever the Space says', async () => {
  const secrets = {
    LEDGER_KEY: 'canary of one line\ncanary of\tanother',
    ADMIN_EMAIL: 'canary@example.org',
    WEBHOOK_URL: 'https://hooks.example.org/canary',
    WANDB_API_KEY: 'canary-key',
    SMTP_URL: 'smtps://canary:canary-password@mail.example.org',
  };
  await using desk = await Desk.open(secrets, ['sh', '-c', 'env; echo; echo 1 ok']);
  const { exitCode, text } = await desk.deploy();
  expect(exitCode).toBe(0);
  expect([...desk.space.secrets.keys()]).toContainValues(Object.keys(secrets));
  expect(text).toContain('| LEDGER_KEY=***');
  for (const canary of ['canary', desk.hub.token]) expect(text).not.toContain(canary);
});

const PASSES = ['printf', '\\n2 ok, 1 warn\\n'];

describe('a check that passes', () => {
  test('ends the waiting although the program stays up', async () => {
    await using desk = await Desk.open({}, ['sh', '-c', 'echo; echo 2 ok; exec sleep 600']);
    expect((await desk.deploy()).exitCode).toBe(0);
    expect(desk.space.stage).toBe('PAUSED');
  });

  test('is waited for again when the connection to the log breaks', async () => {
    await using desk = await Desk.open({}, ['sh', '-c', 'echo begun; sleep 0.2; echo; echo 2 ok']);
    desk.hub.fail({ path: /logs\/run/, answer: 'drop' });
    desk.hub.fail({ path: /logs\/run/, answer: { status: 200, body: 'data: {"data": "begun\\n"}\n\n' } });
    const { exitCode, text } = await desk.deploy();
    expect(exitCode).toBe(0);
    expect(text.match(/\| begun/g)).toHaveLength(1);
  });
});

describe('a Space that is there', () => {
  test('is paused before anything of it changes where it runs, and restarted after the files', async () => {
    await using desk = await Desk.open({}, PASSES);
    desk.hub.createSpace(SPACE);
    const { exitCode, requests } = await desk.deploy();
    expect(exitCode).toBe(0);
    const changes = acts(requests).filter((request) => !request.startsWith('GET'));
    expect(changes).toEqual([
      'POST /pause',
      'POST /secrets',
      'POST /variables',
      'POST /preupload/main',
      'POST /commit/main',
      'POST /restart',
      'POST /pause',
      'DELETE /variables',
    ]);
    expect(desk.space.stages).not.toContain('NO_APP_FILE');
  });

  test('keeps what others made: files, variables, secrets, and the card that somebody edited', async () => {
    await using desk = await Desk.open({}, PASSES);
    await desk.deploy();
    const card = `${desk.repo.readText('README.md')}\nOurs.\n`;
    desk.hub.commit(`spaces/${SPACE}`, { 'README.md': card, 'notes/why.md': 'theirs', 'lib/gone.ts': 'ours once' });
    desk.space.variables.set('THEIRS', { value: '1', updatedAt: '' });
    desk.space.secrets.set('LEDGER_KEY', 'would be lost');
    const { exitCode } = await desk.deploy();
    expect(exitCode).toBe(0);
    expect(desk.repo.readText('README.md')).toBe(card);
    expect(desk.repo.files().has('notes/why.md')).toBe(true);
    expect(desk.repo.files().has('lib/gone.ts')).toBe(false);
    expect(desk.space.variables.get('THEIRS')?.value).toBe('1');
    expect(desk.space.secrets.get('LEDGER_KEY')).toBe('would be lost');
  });

  test('has no name both as a variable and as a secret, which the Hub does not build', async () => {
    await using desk = await Desk.open({}, PASSES);
    await desk.deploy();
    desk.space.variables.set('POSTGRES_URL', { value: 'by hand', updatedAt: '' });
    desk.space.secrets.set('MIN_DATASET_LEN', '1');
    desk.space.variables.set('DRY_RUN', { value: 'true', updatedAt: '' }); // the program reads it, and the file has it no more
    expect((await desk.deploy()).exitCode).toBe(0);
    expect(desk.space.variables.has('POSTGRES_URL')).toBe(false);
    expect(desk.space.variables.has('DRY_RUN')).toBe(false);
    expect(desk.space.secrets.has('MIN_DATASET_LEN')).toBe(false);
  });

  test('gets back a CHECK of the file', async () => {
    await using desk = await Desk.open({ CHECK: 'false' }, PASSES);
    expect((await desk.deploy()).exitCode).toBe(0);
    expect(desk.space.variables.get('CHECK')?.value).toBe('false');
  });
});

test('another YAML is pipeline.config.yaml there, whether the command line or the file names it', async () => {
  await using desk = await Desk.open({ CONFIG: 'other.yaml' }, PASSES);
  await rename(join(desk.folder, 'pipeline.config.yaml'), join(desk.folder, 'other.yaml'));
  await desk.edit('other.yaml', (yaml) => `${yaml}# the other\n`);
  expect((await desk.deploy()).exitCode).toBe(0);
  expect(desk.repo.readText('pipeline.config.yaml')).toEndWith('# the other\n');
  expect(desk.space.variables.has('CONFIG')).toBe(false);
});
