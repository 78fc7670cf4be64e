import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { PipelineError } from '../errors.ts';

const BATCH_BYTES = 1_000_000; // bytes of a COPY that are written at once

/** The driver resolves a COPY twice: with the stream when it starts, with the command's result when it is done. */
export interface CopyQuery {
  resolve(value: unknown): void;
  reject(reason: unknown): void;
  readable(): Promise<unknown>;
}

/** The connection that a COPY runs on. */
export interface CopyLine {
  /** Ask the server to stop. */
  cancel(): Promise<void>;
  /** Read on: the driver leaves its socket paused when the last chunk filled the buffer, and whatever follows would hang. */
  resume(): void;
}

/**
 * Write what a COPY … TO STDOUT sends to a new private file. Returns the number of rows. When the file cannot be written, the COPY is
 * stopped and the connection serves on.
 *
 * @throws PipelineError DISK_FULL, OUTPUT_UNWRITABLE
 */
export async function copyOut(query: CopyQuery, path: string, line: CopyLine): Promise<number> {
  const done = listen(query);
  const stream = (await query.readable()) as Readable;
  try {
    await writeFile(stream, path);
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

/** Write a stream to a new private file, in batches: the server sends a packet per row. */
async function writeFile(stream: Readable, path: string): Promise<void> {
  await using file = await open(path, 'wx', 0o600).catch(refuse);
  let batch: Buffer[] = [];
  let bytes = 0;
  const flush = async () => {
    await writeAll(file, Buffer.concat(batch)).catch(refuse);
    batch = [];
    bytes = 0;
  };
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    batch.push(chunk);
    bytes += chunk.length;
    if (bytes >= BATCH_BYTES) await flush();
  }
  if (bytes > 0) await flush();
  Bun.gc(true); // the packets are garbage now; until then they would stand beside the engine's memory
}

/** A disk that fills up takes a part of the bytes without an error. */
async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
}

function refuse(cause: NodeJS.ErrnoException): never {
  const isFull = cause.code === 'ENOSPC' || cause.code === 'EDQUOT';
  throw new PipelineError(
    isFull ? 'DISK_FULL' : 'OUTPUT_UNWRITABLE',
    `Cannot write the spool file: ${isFull ? 'the disk is full' : cause.code}`,
    { fix: 'free some space, or set TMPDIR to a larger disk', cause },
  );
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
