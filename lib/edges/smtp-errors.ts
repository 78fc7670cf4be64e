import type { SmtpAddress } from '../spec/smtp-url.ts';

/** What nodemailer throws; `message` and `response` quote the server. */
interface SmtpFault {
  code?: string;
  /** The system's or TLS's code behind ESOCKET. */
  originalCode?: string;
  command?: string;
  responseCode?: number;
}

interface Said {
  /** Follows the server's name. */
  what: string;
  fix: string;
}

const PORTS = 'smtp:// is for port 587, smtps:// for port 465';

/** Why a server did not take a mail, in our words; nothing that it said but its number. */
export function describeSmtpFault(thrown: unknown, { tls }: SmtpAddress): Said {
  const { code = '', originalCode = '', command = '', responseCode } = (thrown ?? {}) as SmtpFault;
  const number = responseCode ? ` (${responseCode})` : '';
  switch (code) {
    case 'EABORT':
    case 'ETIMEDOUT':
      return {
        what: 'does not answer in time',
        fix: `check host and port (${PORTS}); a Space may connect to ports 80, 443 and 8080 only: use notify.webhook there`,
      };
    case 'EDNS':
      return { what: `is not found (${originalCode || code})`, fix: 'check the host of the SMTP URL' };
    case 'ETLS':
      return {
        what: `does not encrypt${number}, so no login and no mail was sent`,
        fix: `name a server that offers STARTTLS; ${PORTS}`,
      };
    case 'EAUTH':
      return {
        what: `refuses the login${number}`,
        fix: 'check user and password of the SMTP URL; many providers want a password made for this program',
      };
    case 'EENVELOPE':
      return command === 'RCPT TO'
        ? { what: `refuses every recipient${number}`, fix: 'correct notify.email.to' }
        : {
            what: `refuses the sender${number}`,
            fix: 'set notify.email.from to an address that the account may send from; a server that asks for a login needs one in the SMTP URL',
          };
    case 'ESOCKET':
      return describeSocket(originalCode, tls);
    case 'ECONNECTION':
      return { what: `closed the connection${number}`, fix: `check host and port; ${PORTS}` };
    default:
      return { what: `did not take the mail${number || ` (${code || 'unknown'})`}`, fix: 'look into the server’s log' };
  }
}

function describeSocket(code: string, tls: SmtpAddress['tls']): Said {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return {
      what: 'has a certificate for another name',
      fix: 'write the name that the certificate is for into the SMTP URL',
    };
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return {
      what: `has a certificate that is not valid today (${code})`,
      fix: 'have the server’s certificate renewed',
    };
  if (/CERT|SIGNATURE|^UNABLE_TO/.test(code))
    return {
      what: `has a certificate of an authority that is not trusted (${code})`,
      fix: `set SMTP_CA to the PEM text of the CA that signed it${tls === 'offered' ? ', or add ?ignoreTLS=true' : ''}`,
    };
  if (/^ERR_(SSL|TLS|OSSL)/.test(code)) return { what: `does not speak TLS as asked (${code})`, fix: PORTS };
  return {
    what: `cannot be reached (${code || 'the connection broke'})`,
    fix: `check host and port (${PORTS}), and that a firewall lets it through`,
  };
}
