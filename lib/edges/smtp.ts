import { PipelineError } from '../errors.ts';
import { parseSmtpUrl, type SmtpAddress } from '../spec/smtp-url.ts';
import type { OperationsSpec } from '../spec/spec.ts';
import type { World } from '../world.ts';
import { describeSmtpFault } from './smtp-errors.ts';

export interface Mail {
  subject: string;
  text: string;
  html: string;
}

const TIMEOUT_MS = 20_000; // for everything, from the host's name to the last answer
const SENDER = 'Prepare Dataset';

/**
 * Send an e-mail. The server's certificate is checked; where TLS is required, nothing is sent without it, a password least of all.
 *
 * @param world of its env, SMTP_CA: PEM text of the CA that signed the certificate, in place of those that Bun knows
 * @param timeout milliseconds for everything
 * @throws PipelineError EMAIL_FAILED, also where some of several recipients are refused; the others have got it then
 */
export async function sendMail(
  { smtp, to, from }: NonNullable<OperationsSpec['email']>,
  { subject, text, html }: Mail,
  { env, clock, signal }: Pick<World, 'env' | 'clock' | 'signal'>,
  timeout = TIMEOUT_MS,
): Promise<void> {
  signal.throwIfAborted();
  const address = parseSmtpUrl(smtp);
  if ('problem' in address) throw failed(`the URL ${address.problem}`, address.fix);
  const { createTransport } = await import('nodemailer');
  const transport = createTransport(planTransport(address, env.SMTP_CA));
  try {
    const { rejected } = await transport.sendMail({
      from: { name: SENDER, ...readMailbox(from) },
      to: to.map((each) => ({ name: '', ...readMailbox(each) })),
      subject,
      text,
      html,
      date: clock.now(),
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' }, // no answer from a holiday
      disableFileAccess: true,
      disableUrlAccess: true,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
    });
    if (rejected.length > 0)
      throw failed(
        `the server refuses ${namePlaces(rejected, to)}; the others have got it`,
        'correct notify.email.to, or allow the account to write to these addresses',
      );
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof PipelineError) throw thrown;
    const { what, fix } = describeSmtpFault(thrown, address);
    throw failed(`${address.host}:${address.port} ${what}`, fix);
  } finally {
    transport.close();
  }
}

/**
 * Connect, encrypt and log in as sendMail() does, and send nothing.
 *
 * @param world its signal is the limit of time
 * @returns where to, e.g. `mail.example.org:587`
 * @throws PipelineError EMAIL_FAILED
 */
export async function tryLogin(smtp: string, { env, signal }: Pick<World, 'env' | 'signal'>): Promise<string> {
  signal.throwIfAborted();
  const address = parseSmtpUrl(smtp);
  if ('problem' in address) throw failed(`the URL ${address.problem}`, address.fix);
  const { createTransport } = await import('nodemailer');
  const transport = createTransport(planTransport(address, env.SMTP_CA));
  const { promise: over, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  signal.addEventListener('abort', stop);
  try {
    await Promise.race([transport.verify(), over]);
    return `${address.host}:${address.port}`;
  } catch (thrown) {
    signal.throwIfAborted();
    const { what, fix } = describeSmtpFault(thrown, address);
    throw failed(`${address.host}:${address.port} ${what}`, fix);
  } finally {
    signal.removeEventListener('abort', stop);
    transport.close();
  }
}

/** How to connect, as nodemailer takes it. */
export function planTransport({ host, port, login, tls }: SmtpAddress, ca: string | undefined) {
  return {
    host,
    port,
    secure: tls === 'direct',
    requireTLS: tls === 'required',
    ignoreTLS: tls === 'never',
    socketCloseTimeout: 1000, // ms; a server that does not hang up does not keep the program
    tls: { rejectUnauthorized: true, minVersion: 'TLSv1.2' as const, ...(ca?.trim() ? { ca } : {}) },
    // A server that does not ask for the login is asked to take it: a summary that only seems to be sent is worth nothing.
    ...(login ? { auth: { user: login.user, pass: login.password }, forceAuth: true } : {}),
  };
}

/** `Ops <ops@example.org>` or `ops@example.org`. */
function readMailbox(text: string): { name?: string; address: string } {
  const [, name = '', address = text] = /^(.*)<([^<>]*)>\s*$/.exec(text) ?? [];
  const plain = name.trim().replace(/^"(.*)"$/, '$1');
  return { ...(plain === '' ? {} : { name: plain }), address: address.trim() };
}

/** `recipient 2 of 3`: where it stands in the spec, since an address is nobody else's business. */
function namePlaces(rejected: (string | { address?: string })[], to: string[]): string {
  const refused = new Set(rejected.map((each) => (typeof each === 'string' ? each : (each.address ?? ''))));
  const places = to.flatMap((each, index) => (refused.has(readMailbox(each).address) ? [index + 1] : []));
  if (places.length !== rejected.length) return `${rejected.length} of ${to.length} recipients`; // e.g. spelled in Punycode
  return `recipient ${places.join(', ')} of ${to.length}`;
}

function failed(what: string, fix: string): PipelineError {
  return new PipelineError('EMAIL_FAILED', `Cannot e-mail the summary: ${what}`, { fix });
}
