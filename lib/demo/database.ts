import type { PGlite } from '@electric-sql/pglite';
import type { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { PipelineError } from '../errors.ts';
import { type Complaint, type Grievances, generateGrievances, type Report } from './grievances.ts';
import { CREATE_INDEXES, CREATE_TABLES } from './tables.ts';

export interface DemoDatabase extends AsyncDisposable {
  /** Its password is a formality: the server listens on 127.0.0.1 and asks for none. */
  url: string;
  rows: { complaints: number; reports: number };
  /** Change the data, e.g. between two runs. */
  exec(statements: string): Promise<void>;
}

/** The two packages; `bun install --production` leaves them out. */
interface Packages {
  PGlite: typeof PGlite;
  PGLiteSocketServer: typeof PGLiteSocketServer;
}

/** One for the run, the others for whoever looks in. Queries of all connections run one after the other. */
const MAX_CONNECTIONS = 8;

/**
 * Start a PostgreSQL inside this process, in memory, on a free port, filled with generated grievances.
 *
 * @throws PipelineError DEMO_UNAVAILABLE when its packages are not installed
 */
export async function startDemoDatabase(load: () => Promise<Packages> = loadPackages): Promise<DemoDatabase> {
  const packages = await load().catch((cause: unknown) => {
    throw new PipelineError('DEMO_UNAVAILABLE', 'Cannot start the demo database: its packages are not installed', {
      fix: 'in a clone, bun install without --production; the image leaves them out',
      cause,
    });
  });
  const database = await packages.PGlite.create();
  try {
    const grievances = generateGrievances();
    await fill(database, grievances);
    const server = new packages.PGLiteSocketServer({
      db: database,
      host: '127.0.0.1',
      port: 0,
      maxConnections: MAX_CONNECTIONS,
    });
    await server.start();
    return {
      url: `postgres://postgres:postgres@${server.getServerConn()}/postgres?sslmode=disable`,
      rows: { complaints: grievances.complaints.length, reports: grievances.reports.length },
      exec: async (statements) => void (await database.exec(statements)),
      [Symbol.asyncDispose]: async () => {
        await server.stop();
        await database.close();
      },
    };
  } catch (thrown) {
    await database.close();
    throw thrown;
  }
}

async function loadPackages(): Promise<Packages> {
  const [{ PGlite }, { PGLiteSocketServer }] = await Promise.all([
    import('@electric-sql/pglite'),
    import('@electric-sql/pglite-socket'),
  ]);
  return { PGlite, PGLiteSocketServer };
}

async function fill(database: PGlite, { complaints, reports }: Grievances): Promise<void> {
  await database.exec(CREATE_TABLES);
  await copyIn(database, 'complaints', complaints);
  await copyIn(database, 'misclassified_complaints', reports);
  await database.exec(`${CREATE_INDEXES} ANALYZE;
    SELECT setval('complaints_id_seq', ${complaints.length}), setval('misclassified_complaints_id_seq', ${reports.length});`);
}

/** PGlite reads a COPY from a file that stands for the blob passed along: https://pglite.dev/docs/api#query-blob */
async function copyIn(database: PGlite, table: string, rows: readonly (Complaint | Report)[]): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const lines = rows.map((row) => Object.values(row).map(csvField).join(','));
  await database.query(`COPY ${table} (${Object.keys(first).join(', ')}) FROM '/dev/blob' (FORMAT csv)`, [], {
    blob: new Blob([lines.join('\n')]),
  });
}

/** Quoted, since an unquoted empty field is NULL. */
function csvField(value: string | number | boolean | null): string {
  return value === null ? '' : `"${String(value).replaceAll('"', '""')}"`;
}
