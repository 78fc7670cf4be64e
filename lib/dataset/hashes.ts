import { stat } from 'node:fs/promises';
import type { FileReport } from '../report/report.ts';

/** SHA-256 of a file, in hex; read as a stream. */
export async function sha256File(path: string): Promise<string> {
  const hasher = new Bun.CryptoHasher('sha256');
  for await (const chunk of Bun.file(path).stream()) hasher.update(chunk);
  return hasher.digest('hex');
}

/** Size and hash of a file below `directory`. */
export async function describeFile(directory: string, path: string): Promise<FileReport> {
  const file = `${directory}/${path}`;
  return { path, size: (await stat(file)).size, sha256: await sha256File(file) };
}
