import { isLocal } from './database-tls.ts';

/** What an SMTP URL means. */
export interface SmtpAddress {
  /** A name or an address, IPv6 without brackets. */
  host: string;
  port: number;
  login: { user: string; password: string } | undefined;
  /**
   * `direct`: from the first byte on. `required`: by STARTTLS, before anything else is said. `offered`: by STARTTLS where the server,
   * which is this machine, offers it. `never`: not at all.
   */
  tls: 'direct' | 'required' | 'offered' | 'never';
}

const SUBMISSION = 587;
const SUBMISSIONS = 465; // TLS from the first byte on: RFC 8314, section 3.3
const UNREADABLE = {
  problem: 'must be an SMTP URL',
  fix: 'e.g. smtp://user:password@mail.example.org:587; percent-encode what is special in user and password (@ is %40, / is %2F)',
};

/**
 * Read `smtp://user:password@host:587` or `smtps://user:password@host:465`. `?ignoreTLS=true` switches encryption off; a password is
 * then sent to this machine only.
 *
 * @returns the address, or a problem that quotes nothing of the URL
 */
export function parseSmtpUrl(text: string): SmtpAddress | { problem: string; fix: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url?.protocol === 'smtp:';
  if (!url || !(isPlain || url.protocol === 'smtps:') || url.hostname === '') return UNREADABLE;
  if (!/^\/?$/.test(url.pathname) || url.hash !== '') return UNREADABLE; // the rest of a password, as likely as not
  const ignored = url.searchParams.get('ignoreTLS');
  const isKnown = [...url.searchParams.keys()].every((name) => name === 'ignoreTLS');
  if (!isKnown || !(ignored === null || ignored === 'true' || ignored === 'false'))
    return { problem: 'has a parameter that is not known', fix: 'only ?ignoreTLS=true may stand behind the host' };
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(url.port) || (isPlain ? SUBMISSION : SUBMISSIONS);
  const login = url.username === '' ? undefined : { user: decode(url.username), password: decode(url.password) };
  const isDirect = !isPlain || port === SUBMISSIONS;
  if (ignored !== 'true')
    return { host, port, login, tls: isDirect ? 'direct' : isLocal(host) ? 'offered' : 'required' };
  if (isDirect || (login && !isLocal(host)))
    return {
      problem: isDirect ? 'asks for TLS, and by ?ignoreTLS=true for none' : 'would send a password without encryption',
      fix: 'leave out ?ignoreTLS=true; it is for this machine and for servers without a login',
    };
  return { host, port, login, tls: 'never' };
}

/** A percent sign that nobody encoded stands for itself. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
