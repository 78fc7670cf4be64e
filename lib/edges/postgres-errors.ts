import { type Code, PipelineError } from '../errors.ts';

/** SQLSTATE → the condition's name, for those that a wrong query or role gives. Source: PostgreSQL, appendix A. */
const CONDITIONS: Record<string, string> = {
  '22P02': 'invalid text representation',
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
  '53100': 'disk full',
};

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_TLS|ERR_SSL|HOSTNAME_MISMATCH/;
/** The network's codes, the driver's, and SQLSTATE classes 08 (connection), 57P0x (shutdown), 53300 (too many connections), 40 (serialization). */
const LOST = /^(E[A-Z_]+|CONNECT|CONNECTION_|08|57P0|53300|40)/;

interface DatabaseFault {
  code?: string;
  routine?: string;
  position?: string;
  message?: string;
}

/** A fault of the disk or of the caller, not of the server. */
export function isLocalFault(thrown: unknown): boolean {
  return /^(ENOSPC|EACCES|EROFS|EDQUOT|EIO|ENOENT|EEXIST|EMFILE)$/.test((thrown as DatabaseFault)?.code ?? '');
}

/**
 * A driver's or server's error in our terms. The server's message is left out, since it quotes rows.
 *
 * @param statement what was sent, to say which line of it is wrong
 */
export function translateDatabaseError(thrown: unknown, statement?: string): unknown {
  if (thrown instanceof PipelineError) return thrown;
  const fault = (thrown ?? {}) as DatabaseFault;
  const { code = '' } = fault;
  if (fault.routine === 'check_enable_rls' || code === '42501') return permission(fault, thrown);
  if (code === '57014')
    return error(
      'DATABASE_TIMEOUT',
      'The query took longer than statement_timeout',
      thrown,
      'raise database.statement_timeout, or add an index',
    );
  if (/^(28|3D)/.test(code))
    return error(
      'DATABASE_LOGIN',
      `The database refuses the login (SQLSTATE ${code})`,
      thrown,
      'check user, password and database name of the URL',
    );
  if (CERTIFICATE.test(code))
    return error(
      'DATABASE_TLS',
      `The server’s certificate is not accepted (${code})`,
      thrown,
      'give the CA as sslrootcert=PATH in the URL or as DATABASE_CA; the host name must be the certificate’s',
    );
  if (LOST.test(code))
    return new PipelineError(
      /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOST|ENET|ETIMEDOUT|CONNECT|57P03|53300)/.test(code) &&
        !code.startsWith('CONNECTION_')
        ? 'DATABASE_UNREACHABLE'
        : 'DATABASE_LOST',
      `The connection to the database failed (${code})`,
      { retryable: true, fix: 'bun pipeline.ts --check names the broken hop', cause: thrown },
    );
  if (/^[0-9A-Z]{5}$/.test(code)) return queryError(fault, thrown, statement);
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

/** The line that the server points at; its position counts characters of the statement from 1. */
function lineOf({ position }: DatabaseFault, statement: string | undefined): string {
  if (!position || statement === undefined) return '';
  const at = Number(position) - 1;
  const line =
    statement
      .slice(statement.lastIndexOf('\n', at) + 1)
      .split('\n', 1)[0]
      ?.trim() ?? '';
  return ` near "${line.length > 80 ? `${line.slice(0, 80)}…` : line}"`;
}

function error(code: Code, message: string, cause: unknown, fix: string): PipelineError {
  return new PipelineError(code, message, { fix, cause });
}
