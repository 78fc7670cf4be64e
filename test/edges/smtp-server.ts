import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export const USER = 'mailer@example.org';
export const PASSWORD = 'p@ss/w:rd%';
/** What a server says of itself; no message may repeat it. */
export const SAID = 'internal-host-7 says';

export interface Delivery {
  /** Whether the session was encrypted. */
  secure: boolean;
  user: string | undefined;
  recipients: string[];
  raw: string;
}

export interface MailServer extends AsyncDisposable {
  port: number;
  deliveries: Delivery[];
  /** Passwords that were sent. */
  passwords: string[];
}

const refusal = (responseCode: number): Error => Object.assign(new Error(`${SAID} no`), { responseCode });

/** A real SMTP server on all addresses. Recipients that begin with "no" are refused, and the sender nobody@example.org. */
export async function startMailServer(
  certificate: { certFile: string; keyFile: string },
  options: SMTPServerOptions = {},
): Promise<MailServer> {
  const deliveries: Delivery[] = [];
  const passwords: string[] = [];
  const server = new SMTPServer({
    logger: false,
    closeTimeout: 100, // ms
    key: readFileSync(certificate.keyFile),
    cert: readFileSync(certificate.certFile),
    onAuth({ username, password }, _, done) {
      passwords.push(password ?? '');
      done(username === USER && password === PASSWORD ? null : refusal(535), { user: username });
    },
    onMailFrom: ({ address }, _, done) => done(address === 'nobody@example.org' ? refusal(553) : null),
    onRcptTo: ({ address }, _, done) => done(address.startsWith('no') ? refusal(550) : null),
    onData(stream, { secure, user, envelope }, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const recipients = envelope.rcptTo.map(({ address }) => address);
        deliveries.push({
          secure,
          user: user as string | undefined,
          recipients,
          raw: Buffer.concat(chunks).toString(),
        });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => {}); // a client that hangs up in a handshake
  const listening = once(server.server, 'listening');
  server.listen(0, '0.0.0.0');
  await listening;
  return {
    port: (server.server.address() as AddressInfo).port,
    deliveries,
    passwords,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

export interface ScriptedServer extends AsyncDisposable {
  port: number;
  /** What the client sent, in lines. */
  lines: string[];
  /** Resolves when a client is there, with its connection. */
  connected: Promise<Socket>;
}

/** A server that says what a test wants. @param answer of each line; the greeting is that of '' */
export async function startScripted(answer: (line: string) => string | undefined): Promise<ScriptedServer> {
  const lines: string[] = [];
  const sockets: Socket[] = [];
  const { promise: connected, resolve } = Promise.withResolvers<Socket>();
  const say = (socket: Socket, line: string) => {
    const text = answer(line);
    if (text !== undefined) socket.write(text);
  };
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    socket.on('data', (chunk) => {
      for (const line of chunk.toString().split('\r\n').filter(Boolean)) {
        lines.push(line);
        say(socket, line);
      }
    });
    say(socket, '');
    resolve(socket);
  });
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    lines,
    connected,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
