import { Database } from 'bun:sqlite';

/**
 * Take the lock of a file by way of SQLite. It is the operating system's: it ends with the process, however that dies, and holds between
 * containers that share a disk, where the numbers of processes say nothing.
 *
 * @param create whether the file is made where there is none
 * @returns undefined where somebody else holds it, in this process or another
 */
export function tryLock(file: string, create = true): Disposable | undefined {
  const database = new Database(file, { create, readwrite: true });
  try {
    database.run('BEGIN EXCLUSIVE');
    return { [Symbol.dispose]: () => database.close() };
  } catch (thrown) {
    database.close();
    if ((thrown as { code?: string }).code === 'SQLITE_BUSY') return undefined;
    throw thrown;
  }
}
