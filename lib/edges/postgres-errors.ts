import { type Code, PipelineError } from '../errors.ts';

/** SQLSTATE → the condition's name, for those that a wrong query or role gives. Source: PostgreSQL, appendix A. */
const CONDITIONS: Record<string, string> = {
  '22021': 'character not in repertoire',
  '22P02': 'invalid text representation',
  '22P05': 'untranslatable character',
  '22003': 'numeric value out of range',
  '22007': 'invalid datetime format',
  '22012': 'division by zero',
  '25006': 'read-only transaction',
  '42601': 'syntax error',
  '42702': 'ambiguous column',
  '42703': 'undefined column',
  '42803': 'grouping error',
  '42804': 'datatype mismatch',
  '42883': 'undefined function',
  '42P01': 'undefined table',
  '42P10': 'invalid column reference',
  '3F000': 'undefined schema',
  '53200': 'out of memory',
  '54000': 'program limit exceeded',
  '53100': 'disk full',
};

/** The system's codes, the driver's, and SQLSTATE classes 08 (connection), 57P0x (shutdown), 53300 (too many connections), 40 (serialization). */
const TRANSIENT = /^(E[A-Z]+|EAI_[A-Z]+|CONNECT_TIMEOUT|CONNECTION_[A-Z]+|08\w{3}|57P0\w|53300|40\w{3})$/;
const SQLSTATE = /^[0-9A-Z]{5}$/;

interface DatabaseFault {
  name?: string;
  code?: string;
  routine?: string;
  position?: string;
}

/** The same may succeed later, over another connection. */
export function isTransient(thrown: unknown): boolean {
  return TRANSIENT.test(codeOf(thrown));
}

function codeOf(thrown: unknown): string {
  const { name, code } = (thrown ?? {}) as DatabaseFault;
  return name === 'TimeoutError' ? 'ETIMEDOUT' : String(code ?? ''); // AbortSignal.timeout()'s code is a number
}

/** An error of connecting and logging in, in our terms. */
export function translateLoginError(thrown: unknown): unknown {
  if (thrown instanceof PipelineError) return thrown;
  const code = codeOf(thrown);
  const isPooler = code === '08P01'; // PgBouncer 1.18 says so whatever it refuses, and when it has no connection left
  if (isTransient(thrown) && !isPooler) return connectionError('DATABASE_UNREACHABLE', code, thrown);
  if (/^ERR_(SSL|TLS|OSSL)/.test(code)) return tlsError(thrown); // TLS 1.3 refuses a client's certificate after the handshake
  if (!SQLSTATE.test(code) && code !== 'SASL_SIGNATURE_MISMATCH') return thrown;
  const found = SQLSTATE.test(code) ? `SQLSTATE ${code}` : code;
  return new PipelineError('DATABASE_LOGIN', `The database refuses the login (${found})`, {
    retryable: isPooler,
    fix: isPooler
      ? 'check user, password and database name of the URL; if they are right, the pooler’s log'
      : 'check user, password and database name of the URL',
    cause: withoutText(thrown),
  });
}

/** The handshake failed, on either side. */
export function tlsError(cause: unknown): PipelineError {
  const code = codeOf(cause) || 'unknown';
  const isOurs = /^ERR_(OSSL|SSL_\w+_ALERT)/.test(code);
  return new PipelineError('DATABASE_TLS', `The certificate or the encryption is not accepted (${code})`, {
    fix: isOurs
      ? 'check the PEM files of sslrootcert, sslcert and sslkey'
      : 'give the CA as sslrootcert=PATH in the URL or as DATABASE_CA; the host name must be the certificate’s',
    cause,
  });
}

function connectionError(code: Code, found: string, thrown: unknown): PipelineError {
  const [fix, cause] = ['bun pipeline.ts --check names the broken hop', withoutText(thrown)];
  return new PipelineError(code, `The connection to the database failed (${found})`, { retryable: true, fix, cause });
}

/**
 * A driver's or server's error in our terms. The server's message is left out, since it quotes rows.
 *
 * @param statement what was sent, to say which line of it is wrong
 */
export function translateDatabaseError(thrown: unknown, statement?: string): unknown {
  if (thrown instanceof PipelineError) return thrown;
  const fault = (thrown ?? {}) as DatabaseFault;
  const code = codeOf(thrown);
  if (code === '42501') return permission(fault, thrown);
  if (code === '57014')
    return error(
      'DATABASE_TIMEOUT',
      'The query took longer than statement_timeout, or somebody cancelled it',
      thrown,
      'raise database.statement_timeout, or add an index',
    );
  if (isTransient(thrown)) return connectionError('DATABASE_LOST', code, thrown);
  if (SQLSTATE.test(code)) return queryError(fault, thrown, statement);
  return thrown;
}

function permission(fault: DatabaseFault, cause: unknown): PipelineError {
  if (fault.routine === 'check_enable_rls') {
    return error(
      'ROW_SECURITY',
      'Row-level security would hide rows from this role',
      cause,
      'grant the role BYPASSRLS, or write database.row_security: respect to read what it may see',
    );
  }
  return error(
    'DATABASE_PERMISSION',
    'The role may not read what the query names (SQLSTATE 42501)',
    cause,
    'GRANT SELECT on the tables, and USAGE on their schema, to the role',
  );
}

function queryError(fault: DatabaseFault, cause: unknown, statement: string | undefined): PipelineError {
  const { code = '' } = fault;
  const condition = CONDITIONS[code] ? `: ${CONDITIONS[code]}` : '';
  return error(
    'DATABASE_QUERY',
    `The query failed (SQLSTATE ${code}${condition})${lineOf(fault, statement)}`,
    cause,
    'run the source’s SQL in psql to see the server’s message',
  );
}

/** The line that the server points at; its position counts characters of the statement from 1, not UTF-16 units. */
function lineOf({ position }: DatabaseFault, statement: string | undefined): string {
  if (!position || statement === undefined) return '';
  const before = [...statement].slice(0, Number(position) - 1).join('');
  const line =
    statement
      .slice(before.lastIndexOf('\n') + 1)
      .split('\n', 1)[0]
      ?.trim() ?? '';
  return ` near "${line.length > 80 ? `${line.slice(0, 80)}…` : line}"`;
}

function error(code: Code, message: string, thrown: unknown, fix: string): PipelineError {
  return new PipelineError(code, message, { fix, cause: withoutText(thrown) });
}

/** What may be kept of a server's error. Its message and details quote rows, also in lines that look like frames of a stack. */
function withoutText(thrown: unknown): unknown {
  const { name, code, routine } = (thrown ?? {}) as DatabaseFault;
  if (!SQLSTATE.test(String(code))) return thrown;
  return Object.assign(new Error(`SQLSTATE ${code}`), { name, code, routine });
}
