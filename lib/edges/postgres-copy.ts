import { type FileHandle, open, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { PipelineError, writeFault } from '../errors.ts';

const BATCH_BYTES = 1_000_000; // bytes of a COPY that are written at once

/** The driver resolves a COPY twice: with the stream when it starts, with the command's result when it is done. */
export interface CopyQuery {
  resolve(value: unknown): void;
  reject(reason: unknown): void;
  readable(): Promise<unknown>;
}

/** Where the rows of a COPY go. */
export interface Parts {
  /** Bytes after which a part is full. */
  bytes: number;
  /** The file of a part, counted from 0; it must not exist. */
  path(part: number): string;
}

/** What came of a COPY. */
export interface Copied {
  rows: number;
  /** At least one, each of whole rows; whoever reads them removes them. */
  files: string[];
}

/** The connection that a COPY runs on. */
export interface CopyLine {
  /** Ask the server to stop. */
  cancel(): Promise<void>;
  /** Read on: the driver leaves its socket paused when the last chunk filled the buffer, and whatever follows would hang. */
  resume(): void;
}

/**
 * Write what a COPY … TO STDOUT sends to new private files. When one cannot be written, the COPY is stopped and the connection serves on.
 * Of a COPY that fails no file is left.
 *
 * @throws PipelineError DISK_FULL, OUTPUT_UNWRITABLE
 */
export async function copyOut(query: CopyQuery, parts: Parts, line: CopyLine): Promise<Copied> {
  const files: string[] = [];
  try {
    const rows = await copyParts(query, parts, line, files);
    return { rows, files };
  } catch (thrown) {
    await Promise.all(files.map((file) => rm(file, { force: true })));
    throw thrown;
  }
}

async function copyParts(query: CopyQuery, parts: Parts, line: CopyLine, files: string[]): Promise<number> {
  const done = listen(query);
  const stream = (await query.readable()) as Readable;
  try {
    await writeParts(stream, parts, files);
  } catch (thrown) {
    if (!(thrown instanceof PipelineError)) throw thrown;
    await line.cancel();
    stream.resume(); // what is still on its way is read and dropped
    await done.catch(() => {});
    throw thrown;
  } finally {
    line.resume();
  }
  return await done;
}

/** Write a stream to files, which are listed as they are made. */
async function writeParts(stream: Readable, { bytes, path }: Parts, files: string[]): Promise<void> {
  const create = async () => {
    const file = path(files.length);
    const opened = await open(file, 'wx', 0o600).catch(refuse);
    files.push(file);
    written = 0;
    return opened;
  };
  let written = 0;
  let file = await create();
  try {
    await forEachBatch(stream, async (batch) => {
      if (written >= bytes) {
        await file.close();
        file = await create();
      }
      await writeAll(file, batch).catch(refuse);
      written += batch.length;
    });
  } finally {
    await file.close();
  }
  Bun.gc(true); // the packets are garbage now; until then they would stand beside the engine's memory
}

/**
 * Hand over a stream in batches of whole chunks, one at a time. The server sends a chunk per row, and events are what costs least for one.
 * When this settles, no batch is being worked on.
 */
function forEachBatch(stream: Readable, work: (batch: Buffer) => Promise<void>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let chunks: Buffer[] = [];
  let bytes = 0;
  let busy = Promise.resolve();
  const flush = () => {
    const batch = Buffer.concat(chunks, bytes);
    chunks = [];
    bytes = 0;
    busy = work(batch);
    return busy;
  };
  const add = (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes < BATCH_BYTES) return;
    stream.pause();
    flush().then(() => stream.resume(), reject);
  };
  const fail = (thrown: unknown) => void busy.finally(() => reject(thrown)).catch(() => {});
  const closed = () => fail(new Error('closed'));
  if (stream.destroyed) fail(stream.errored ?? new Error('closed')); // its events are over: an error came with the first packet
  stream.on('data', add).once('error', fail).once('close', closed);
  stream.once('end', () => {
    stream.off('close', closed);
    (bytes > 0 ? flush() : busy).then(resolve, reject);
  });
  return promise.finally(() => stream.off('data', add));
}

/** A disk that fills up takes a part of the bytes without an error. */
async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
}

function refuse(cause: NodeJS.ErrnoException): never {
  throw writeFault(cause, 'write the spool file');
}

/** Rows of a COPY, known when it is done. The stream gets its error listener as it is handed over: the server's error may come with it. */
function listen(query: CopyQuery): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  promise.catch(() => {}); // the stream fails with the same error
  const { resolve: resolveQuery, reject: rejectQuery } = query;
  query.resolve = (value) => {
    if (!(value instanceof Readable)) return resolve(Number((value as { count?: number }).count));
    value.on('error', () => {});
    resolveQuery(value);
  };
  query.reject = (reason) => {
    reject(reason);
    rejectQuery(reason);
  };
  return promise;
}
