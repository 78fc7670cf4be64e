import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Snapshot } from '../../lib/edges/postgres.ts';
import { makeTestCa, type PostgresServer, requirePostgres, startPostgres, type TestCa } from './postgres-server.ts';
import { changeUrl, codeOf, oneFile, type ReadOptions, read } from './snapshots.ts';

const plain = await requirePostgres('postgresql');
const REFUSED = 'DATABASE_TLS';

let scratch: string;
let ca: TestCa;
let stranger: TestCa;
/** Its certificate is for localhost and 127.0.0.1, and alice must show one of her own. */
let server: PostgresServer;
/** Its certificate is for another name. */
let misnamed: PostgresServer;
const NONE = { certFile: '', keyFile: '' };
const files = { alice: NONE, mallory: NONE, forged: NONE };

beforeAll(async () => {
  if (plain === undefined) return;
  scratch = await mkdtemp(join(tmpdir(), 'postgres-tls-'));
  [ca, stranger] = await Promise.all([makeTestCa(join(scratch, 'ours')), makeTestCa(join(scratch, 'stranger'))]);
  const hba = ['hostssl all alice all scram-sha-256 clientcert=verify-full', 'hostnossl all all all reject'];
  [server, misnamed] = await Promise.all([
    startPostgres({ tls: await ca.issue('localhost', '127.0.0.1'), hba }),
    startPostgres({ tls: await ca.issue('db.example.org') }),
  ]);
  await server.psql(`CREATE ROLE alice LOGIN PASSWORD 'alice'`, changeUrl(server.url, { search: 'sslmode=require' }));
  files.alice = await ca.issue('alice');
  files.mallory = await ca.issue('mallory');
  files.forged = await stranger.issue('alice');
}, 30_000);

afterAll(async () => {
  await Promise.all([server?.[Symbol.asyncDispose](), misnamed?.[Symbol.asyncDispose]()]);
  if (scratch) await rm(scratch, { recursive: true });
});

/** 'encrypted' or 'plain' as the server sees it, or our error's code. */
async function connect(at: PostgresServer, search: string, parts = {}, options: ReadOptions = {}): Promise<unknown> {
  const select = `SELECT count(*) AS n FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl`;
  let seen = '';
  const work = async (snapshot: Snapshot) => {
    seen = (await snapshot.number(select)) === 1 ? 'encrypted' : 'plain';
  };
  const code = await codeOf(read(changeUrl(at.url, { search, ...parts }), work, options));
  return code === 'none' ? seen : code;
}

describe.skipIf(plain === undefined)('TLS by the URL', () => {
  const local = { hostname: 'localhost' };
  const withCa = (mode: string, { caFile }: TestCa = ca) => `sslmode=${mode}&sslrootcert=${caFile}`;

  test('verify-full connects by the names and addresses of the certificate, and by no other', async () => {
    expect(await connect(server, withCa('verify-full'), local)).toBe('encrypted');
    expect(await connect(server, withCa('verify-full'))).toBe('encrypted');
    expect(await connect(misnamed, withCa('verify-full'), local)).toBe(REFUSED);
    expect(await connect(misnamed, withCa('verify-full'))).toBe(REFUSED);
  });

  test('verify-ca connects by any name, to a server of this CA only', async () => {
    expect(await connect(misnamed, withCa('verify-ca'), local)).toBe('encrypted');
    expect(await connect(misnamed, withCa('verify-ca'))).toBe('encrypted');
    expect(await connect(misnamed, withCa('verify-ca', stranger))).toBe(REFUSED);
  });

  test.each(['verify-full', 'verify-ca'])('%s trusts no CA that nobody named', async (mode) => {
    expect(await connect(server, `sslmode=${mode}`)).toBe(REFUSED);
    expect(await connect(server, withCa(mode, stranger))).toBe(REFUSED);
  });

  test('require encrypts without verifying; with a CA it verifies the chain', async () => {
    expect(await connect(misnamed, 'sslmode=require')).toBe('encrypted');
    expect(await connect(misnamed, withCa('require'))).toBe('encrypted');
    expect(await connect(misnamed, withCa('require', stranger))).toBe(REFUSED);
  });

  test('DATABASE_CA is as good as sslrootcert, also where the URL says require', async () => {
    const pem = { env: { DATABASE_CA: await readFile(ca.caFile, 'utf8') } };
    const wrong = { env: { DATABASE_CA: await readFile(stranger.caFile, 'utf8') } };
    expect(await connect(server, 'sslmode=verify-full', {}, pem)).toBe('encrypted');
    expect(await connect(misnamed, 'sslmode=verify-full', {}, pem)).toBe(REFUSED);
    expect(await connect(misnamed, 'sslmode=verify-ca', {}, pem)).toBe('encrypted');
    expect(await connect(misnamed, 'sslmode=require', {}, pem)).toBe('encrypted');
    for (const mode of ['verify-full', 'verify-ca', 'require'])
      expect(await connect(server, `sslmode=${mode}`, {}, wrong)).toBe(REFUSED);
    expect(await connect(server, withCa('verify-full'), {}, wrong)).toBe('encrypted'); // the URL comes first
  });

  test('channel_binding=require verifies name and chain', async () => {
    expect(await connect(server, `channel_binding=require&sslrootcert=${ca.caFile}`)).toBe('encrypted');
    expect(await connect(server, `${withCa('require')}&channel_binding=require`)).toBe('encrypted');
    expect(await connect(misnamed, `${withCa('require')}&channel_binding=require`)).toBe(REFUSED);
    expect(await connect(server, 'sslmode=require&channel_binding=require')).toBe(REFUSED);
  });

  test('a client certificate logs in whom it names', async () => {
    const alice = { username: 'alice', password: 'alice' };
    const show = ({ certFile, keyFile }: { certFile: string; keyFile: string }) =>
      `${withCa('verify-full')}&sslcert=${certFile}&sslkey=${keyFile}`;
    expect(await connect(server, show(files.alice), alice)).toBe('encrypted');
    expect(await connect(server, withCa('verify-full'), alice)).toBe('DATABASE_LOGIN');
    expect(await connect(server, show(files.mallory), alice)).toBe('DATABASE_LOGIN');
    expect(await connect(server, show({ ...files.alice, certFile: files.forged.certFile }), alice)).toBe(REFUSED); // not its key
    expect(await connect(server, show(files.forged), alice)).toBe(REFUSED); // of another CA
    expect(await connect(server, show({ ...files.alice, keyFile: '/nowhere' }), alice)).toBe('DATABASE_CA');
  });

  test('without sslmode a local server is asked for TLS', async () => {
    expect(await connect(server, '')).toBe('encrypted');
    expect(await connect(plain as PostgresServer, '')).toBe('plain');
    expect(await connect(server, 'sslmode=disable')).toBe('DATABASE_LOGIN'); // hostnossl … reject
  });

  test('100,000 rows come through', async () => {
    const copy = (snapshot: Snapshot) =>
      snapshot.copy(`SELECT i, repeat('x', 300) FROM generate_series(1, 100000) i`, oneFile(join(scratch, 'rows.csv')));
    expect((await read(changeUrl(server.url, { search: withCa('verify-full') }), copy)).rows).toBe(100_000);
  });
});

describe('a server that does not encrypt', () => {
  const ask = async (port: number, search: string) =>
    await codeOf(
      read(`postgres://user:pa55word@127.0.0.1:${port}/db?${search}`, (snapshot) => snapshot.rows('SELECT 1')),
    );

  /** A server with one answer. Records what comes after the first message. */
  async function answering(answer: string | undefined, work: (port: number) => Promise<unknown>) {
    const later: Buffer[] = [];
    const sockets: Socket[] = [];
    const listener = createServer((socket) => {
      sockets.push(socket.on('error', () => {}));
      if (answer === undefined) return socket.end();
      socket.once('data', () => {
        socket.on('data', (chunk: Buffer) => later.push(chunk));
        socket.write(answer);
      });
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const code = await work((listener.address() as AddressInfo).port);
    for (const socket of sockets) socket.destroy();
    listener.close();
    return { code, later: Buffer.concat(later).length, connections: sockets.length };
  }

  test.skipIf(plain === undefined).each(['require', 'verify-ca', 'verify-full'])(
    'is refused by %s at once',
    async (mode) => {
      expect(await ask((plain as PostgresServer).port, `sslmode=${mode}`)).toBe(REFUSED);
    },
  );

  test.each([
    ['says no', 'N', REFUSED],
    ['has more to say than yes, in plain', 'S\0\0\0', REFUSED],
    ['is no PostgreSQL', 'SSH-2.0-OpenSSH_9.2\r\n', REFUSED],
    ['has no process left', 'Ecould not fork\n\0', 'DATABASE_UNREACHABLE'],
  ])('gets not one byte more when it %s', async (_, answer, code) => {
    expect(await answering(answer, (port) => ask(port, 'sslmode=require'))).toEqual({ code, later: 0, connections: 1 });
  });

  test.each(['sslmode=require', 'sslmode=disable', ''])('is asked once when it hangs up, with "%s"', async (search) => {
    const { code, connections } = await answering(undefined, (port) => ask(port, search));
    expect(code).toBe('DATABASE_UNREACHABLE');
    expect(connections).toBe(1);
  });

  test('is given up after connect_timeout when it says nothing', async () => {
    const { code } = await answering('', (port) => ask(port, 'sslmode=require&connect_timeout=1'));
    expect(code).toBe('DATABASE_UNREACHABLE');
  });

  test('sslnegotiation=direct encrypts from the first byte on', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'postgres-direct-'));
    const { certFile, keyFile, caFile } = await (await makeTestCa(directory)).issue('127.0.0.1');
    const [cert, key] = [await readFile(certFile, 'utf8'), await readFile(keyFile, 'utf8')];
    const protocols: unknown[] = [];
    const listener = createTlsServer({ cert, key, ALPNProtocols: ['postgresql'] }, (socket: TLSSocket) => {
      protocols.push(socket.alpnProtocol);
      socket.end();
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const search = `sslnegotiation=direct&sslmode=verify-full&sslrootcert=${caFile}`;
    expect(await ask((listener.address() as AddressInfo).port, search)).toBe('DATABASE_UNREACHABLE');
    expect(protocols).toEqual(['postgresql']);
    listener.close();
    await rm(directory, { recursive: true });
  });
});
