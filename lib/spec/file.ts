import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { PipelineError } from '../errors.ts';
import { MAX_BYTES, tooLarge } from './limits.ts';
import { SpecError } from './problems.ts';

/**
 * Read the text of a YAML: a regular file of UTF-8, since a pipe may never end and is read twice by some commands.
 *
 * @throws PipelineError SPEC_NOT_FOUND; SpecError SPEC_TOO_LARGE, SPEC_ENCODING
 */
export async function readSpecFile(
  file: string,
  cwd: string,
  fix = 'name the file with --config FILE',
): Promise<string> {
  const refuse = (found: string, cause?: unknown) => {
    throw new PipelineError('SPEC_NOT_FOUND', `Cannot read ${file}: ${found}`, { fix, cause });
  };
  try {
    await using handle = await open(resolve(cwd, file), constants.O_RDONLY | constants.O_NONBLOCK); // or a pipe nobody writes would hang
    const stat = await handle.stat();
    if (stat.isDirectory()) return refuse('EISDIR');
    if (!stat.isFile()) return refuse('it is no regular file');
    if (stat.size > MAX_BYTES) throw new SpecError(file, '', [tooLarge(stat.size)]);
    return decode(file, await handle.readFile());
  } catch (thrown) {
    if (thrown instanceof PipelineError) throw thrown;
    return refuse((thrown as NodeJS.ErrnoException).code ?? 'unknown', thrown);
  }
}

/** UTF-8 only: a byte that is none would become U+FFFD in a class name without a word. */
function decode(file: string, bytes: Buffer): string {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    return decoder.decode(bytes);
  } catch {
    const text = bytes.toString('utf8');
    const at = Math.max(0, firstDifference(bytes, Buffer.from(text)));
    const start = bytes.subarray(0, at).toString('utf8').length;
    const message = `Cannot read the YAML: byte 0x${(bytes[at] ?? 0).toString(16)} is no UTF-8 here`;
    throw new SpecError(file, text, [
      { code: 'SPEC_ENCODING', message, start, end: start + 1, fix: 'save the file as UTF-8' },
    ]);
  }
}

/** Where the replacement of the first wrong byte begins. */
function firstDifference(bytes: Buffer, decoded: Buffer): number {
  return bytes.findIndex((byte, index) => byte !== decoded[index]);
}
