import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import PostalMime from 'postal-mime';
import { type Mail, sendMail } from '../../lib/edges/smtp.ts';
import { PipelineError } from '../../lib/errors.ts';
import { Interrupted } from '../../lib/real-world.ts';
import { makeTestCa } from './postgres-server.ts';
import { type MailServer, PASSWORD, SAID, startMailServer, startScripted, USER } from './smtp-server.ts';

/** Connects to this machine, and is not one of the names by which the program knows it. */
const REMOTE = '0.0.0.0';
const LOGIN = `${encodeURIComponent(USER)}:${encodeURIComponent(PASSWORD)}@`;
const MAIL: Mail = { subject: 'नमस्ते', text: 'काठमाडौँ महानगरपालिका\n', html: '<p>काठमाडौँ महानगरपालिका</p>\n' };

let scratch: string;
let pem: string;
/** STARTTLS, with a certificate for localhost, 127.0.0.1 and REMOTE. */
let starttls: MailServer;
/** TLS from the first byte on, same certificate. */
let direct: MailServer;
/** STARTTLS, with a certificate for another name. */
let misnamed: MailServer;
/** No TLS. */
let plain: MailServer;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'smtp-'));
  const ca = await makeTestCa(join(scratch, 'ca'));
  pem = await readFile(ca.caFile, 'utf8');
  const certificate = await ca.issue('localhost', '127.0.0.1', REMOTE);
  const withoutTls = { disabledCommands: ['STARTTLS'], allowInsecureAuth: true, authOptional: true };
  [starttls, direct, misnamed, plain] = await Promise.all([
    startMailServer(certificate),
    startMailServer(certificate, { secure: true }),
    startMailServer(await ca.issue('mail.example.org')),
    startMailServer(certificate, withoutTls),
  ]);
});

afterAll(async () => {
  await Promise.all([starttls, direct, misnamed, plain].map((server) => server[Symbol.asyncDispose]()));
  await rm(scratch, { recursive: true });
});

interface Sending {
  to?: string[];
  from?: string;
  mail?: Mail;
  ca?: string | undefined;
  signal?: AbortSignal;
  timeout?: number;
}

async function send(smtp: string, { to = ['admin@example.org'], from = USER, mail = MAIL, ...more }: Sending = {}) {
  const world = {
    env: { SMTP_CA: 'ca' in more ? more.ca : pem },
    clock: { now: () => new Date('2025-01-31T09:31:00Z'), sleep: () => Promise.resolve() },
    signal: more.signal ?? new AbortController().signal,
  };
  await sendMail({ smtp, to, from, when: 'always' }, mail, world, more.timeout);
}

/** Message and fix of the error. */
async function failure(sending: Promise<void>): Promise<string> {
  const thrown = await sending.then(
    () => 'sent',
    (error: unknown) => error,
  );
  if (!(thrown instanceof PipelineError)) throw new Error(`no error of ours: ${thrown}`);
  const { code, message, fix = '' } = thrown;
  for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), SAID, 'example.org']) {
    expect(message).not.toContain(secret);
    expect(fix).not.toContain(secret);
  }
  expect(code).toBe('EMAIL_FAILED');
  return `${message} | ${fix}`;
}

describe('a login', () => {
  test('goes over STARTTLS, percent-decoded', async () => {
    await send(`smtp://${LOGIN}${REMOTE}:${starttls.port}`);
    expect(starttls.deliveries.at(-1)).toMatchObject({ secure: true, user: USER, recipients: ['admin@example.org'] });
  });

  test('goes over TLS from the first byte on with smtps', async () => {
    await send(`smtps://${LOGIN}localhost:${direct.port}`);
    expect(direct.deliveries.at(-1)).toMatchObject({ secure: true, user: USER });
  });

  test('waits for TLS: a server that offers none is told nothing', async () => {
    await using server = await startScripted((line) => {
      if (line === '') return '220 mail\r\n';
      return line.startsWith('EHLO') ? '250-mail\r\n250 AUTH PLAIN LOGIN\r\n' : `502 ${SAID} no\r\n`;
    });
    expect(await failure(send(`smtp://${LOGIN}${REMOTE}:${server.port}`))).toMatch(
      /does not encrypt \(502\), so no login/,
    );
    expect(server.lines.map((line) => line.split(' ')[0])).toEqual(['EHLO', 'STARTTLS']);
  });

  test('is refused with the wrong password', async () => {
    const wrong = send(`smtps://${encodeURIComponent(USER)}:other@localhost:${direct.port}`);
    expect(await failure(wrong)).toMatch(/localhost:\d+ refuses the login \(535\) \| check user and password/);
  });

  test('is not left out where the server does not ask for it', async () => {
    await using server = await startScripted((line) => {
      if (line === '') return '220 mail\r\n';
      return line.startsWith('EHLO') ? '250 mail\r\n' : `502 ${SAID} no\r\n`;
    });
    expect(await failure(send(`smtp://${LOGIN}127.0.0.1:${server.port}`))).toMatch(/refuses the login \(502\)/);
  });

  test('goes without TLS to this machine only', async () => {
    await send(`smtp://${LOGIN}127.0.0.1:${plain.port}`);
    expect(plain.deliveries.at(-1)).toMatchObject({ secure: false, user: USER });
    const before = plain.passwords.length;
    expect(await failure(send(`smtp://${LOGIN}${REMOTE}:${plain.port}?ignoreTLS=true`))).toContain(
      'without encryption',
    );
    expect(plain.passwords.length).toBe(before);
    await send(`smtp://${REMOTE}:${plain.port}?ignoreTLS=true`);
    expect(plain.deliveries.at(-1)).toMatchObject({ secure: false, user: undefined });
  });
});

describe('a certificate', () => {
  test.each(['smtp', 'smtps'])('of a CA that nobody named is refused (%s)', async (scheme) => {
    const server = scheme === 'smtp' ? starttls : direct;
    const before = server.passwords.length;
    const sending = send(`${scheme}://${LOGIN}localhost:${server.port}`, { ca: undefined });
    expect(await failure(sending)).toMatch(/not trusted \(\w+\) \| set SMTP_CA/);
    expect(server.passwords.length).toBe(before);
  });

  test('for another name is refused', async () => {
    for (const host of ['localhost', REMOTE])
      expect(await failure(send(`smtp://${LOGIN}${host}:${misnamed.port}`))).toContain('certificate for another name');
    expect(misnamed.passwords).toEqual([]);
  });

  test('of the CA in NODE_EXTRA_CA_CERTS is trusted, as Bun reads it', async () => {
    await Bun.write(join(scratch, 'extra.pem'), pem);
    const script = `import { sendMail } from ${JSON.stringify(resolve(import.meta.dir, '../../lib/edges/smtp.ts'))};
      const clock = { now: () => new Date(0), sleep: async () => {} };
      const settings = { smtp: process.env.URL, to: ['extra@example.org'], from: 'me@example.org', when: 'always' };
      await sendMail(settings, { subject: 's', text: 't', html: 'h' }, { env: {}, clock, signal: new AbortController().signal });`;
    const url = `smtps://${LOGIN}localhost:${direct.port}`;
    const env = { PATH: process.env.PATH ?? '', NODE_EXTRA_CA_CERTS: join(scratch, 'extra.pem'), URL: url };
    const child = Bun.spawn([process.execPath, '-e', script], { env, cwd: scratch, stderr: 'inherit' });
    expect(await child.exited).toBe(0);
    expect(direct.deliveries.at(-1)?.recipients).toEqual(['extra@example.org']);
  });
});

describe('a mail', () => {
  const url = () => `smtps://${LOGIN}localhost:${direct.port}`;
  const parsed = async () => {
    const mail = await PostalMime.parse(direct.deliveries.at(-1)?.raw ?? '');
    return { ...mail, text: `${mail.text?.trimEnd()}\n`, html: `${mail.html?.trimEnd()}\n` }; // parts end in a blank line
  };

  test('has both parts and the headers of a machine', async () => {
    const to = ['Ops Team <ops@example.org>', 'admin@example.org'];
    await send(url(), { to });
    const { headers, from, to: got, subject, text, html, date, messageId } = await parsed();
    const header = (name: string) => headers.find(({ key }) => key === name)?.value;
    expect(from).toEqual({ address: USER, name: 'Prepare Dataset' });
    expect(got?.map(({ address, name }) => [name, address])).toEqual([
      ['Ops Team', 'ops@example.org'],
      ['', 'admin@example.org'],
    ]);
    expect([subject, text, html]).toEqual([MAIL.subject, MAIL.text, MAIL.html]);
    expect(date).toBe('2025-01-31T09:31:00.000Z');
    expect(messageId).toMatch(/^<\S+@example\.org>$/);
    expect(header('content-type')).toStartWith('multipart/alternative');
    expect([header('auto-submitted'), header('x-auto-response-suppress')]).toEqual(['auto-generated', 'All']);
  });

  test('keeps the name of its sender', async () => {
    await send(url(), { from: '"Data, Ward 4" <ward4@example.org>' });
    expect((await parsed()).from).toEqual({ address: 'ward4@example.org', name: 'Data, Ward 4' });
  });

  test.each([
    ['ASCII', 'a long line '.repeat(1000).trim()],
    ['Devanagari', 'काठमाडौँ'.repeat(2000)],
    ['one word', 'x'.repeat(10_000)],
  ])('has no line above 998 bytes: %s', async (_, long) => {
    await send(url(), { mail: { ...MAIL, text: `${long}\n`, html: `<p>${long}</p>\n` } });
    const lines = (direct.deliveries.at(-1)?.raw ?? '').split('\r\n');
    expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(998);
    const { text, html } = await parsed();
    expect([text, html]).toEqual([`${long}\n`, `<p>${long}</p>\n`]);
  });

  test('gets no header from a line break', async () => {
    const subject = 'done\r\nBcc: evil@example.org\nX-Evil: 1\u2028\r\n\r\n<b>body</b>';
    await send(url(), { mail: { ...MAIL, subject } });
    const { headers, text } = await parsed();
    expect(headers.map(({ key }) => key).filter((key) => key === 'bcc' || key === 'x-evil')).toEqual([]);
    expect(text).toBe(MAIL.text);
    expect(direct.deliveries.at(-1)?.recipients).toEqual(['admin@example.org']);
  });
});

describe('a refused', () => {
  const url = () => `smtps://${LOGIN}localhost:${direct.port}`;

  test('recipient of several is told of by its place, and the others get the mail', async () => {
    const to = ['ops@example.org', 'Nobody <no-one@example.org>', 'admin@example.org'];
    expect(await failure(send(url(), { to }))).toMatch(/refuses recipient 2 of 3; the others have got it/);
    expect(direct.deliveries.at(-1)?.recipients).toEqual(['ops@example.org', 'admin@example.org']);
  });

  test('recipient that is the only one', async () => {
    expect(await failure(send(url(), { to: ['no-one@example.org'] }))).toMatch(/refuses every recipient \(550\)/);
  });

  test('sender', async () => {
    expect(await failure(send(url(), { from: 'nobody@example.org' }))).toMatch(
      /refuses the sender \(553\) \| set notify/,
    );
  });
});

describe('a server that is not there', () => {
  test('costs no more than the time limit', async () => {
    await using silent = await startScripted(() => undefined);
    for (const scheme of ['smtp', 'smtps'])
      expect(await failure(send(`${scheme}://${LOGIN}127.0.0.1:${silent.port}`, { timeout: 100 }))).toMatch(/in time/);
  });

  test('costs no more where it goes on talking, either', async () => {
    await using slow = await startScripted((line) => (line === '' ? '220 mail\r\n' : undefined));
    const socket = slow.connected.then((connection) => {
      const timer = setInterval(() => connection.write('250-more\r\n'), 20);
      connection.on('close', () => clearInterval(timer));
    });
    const sending = send(`smtp://${LOGIN}127.0.0.1:${slow.port}`, { timeout: 200 });
    expect(await failure(sending)).toMatch(/does not answer in time/);
    await socket;
  });

  test('is told from one that refuses or hangs up', async () => {
    const closed = await startScripted(() => undefined);
    await closed[Symbol.asyncDispose]();
    expect(await failure(send(`smtp://${LOGIN}127.0.0.1:${closed.port}`))).toMatch(
      /cannot be reached \(ECONNREFUSED\)/,
    );
    expect(await failure(send('smtp://no-such-host.invalid'))).toMatch(/is not found \(E\w+\)/);
    await using busy = await startScripted(() => `421 ${SAID} no\r\n`);
    expect(await failure(send(`smtp://${LOGIN}127.0.0.1:${busy.port}`))).toMatch(/\(421\)|closed the connection/);
  });

  test('speaks in another way than the URL says', async () => {
    const sending = send(`smtps://${LOGIN}localhost:${starttls.port}`);
    expect(await failure(sending)).toMatch(/does not speak TLS as asked .* smtp:\/\/ is for port 587/);
  });
});

test('an interruption ends the connection at once, with its own reason', async () => {
  await using silent = await startScripted(() => undefined);
  const controller = new AbortController();
  const reason = new Interrupted('SIGTERM');
  const sending = send(`smtp://${LOGIN}127.0.0.1:${silent.port}`, { signal: controller.signal });
  const closed = silent.connected.then((socket) => once(socket, 'close'));
  await silent.connected;
  controller.abort(reason);
  expect(await sending.catch((thrown: unknown) => thrown)).toBe(reason);
  await closed;
});
