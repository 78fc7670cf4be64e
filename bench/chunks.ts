/** A piece of a file whose bounds its content decides. */
export interface Chunk {
  hash: string;
  /** Bytes. */
  length: number;
}

export interface Transfer {
  /** Bytes of all new files. */
  bytes: number;
  /** Of these, bytes of chunks that the store does not have; one that stands there twice is sent once. */
  sent: number;
}

/**
 * Plan what a store of chunks has to receive for new files.
 *
 * @param stored chunks of all that it holds
 */
export function planTransfer(stored: readonly Chunk[], files: readonly Chunk[]): Transfer {
  const known = new Set(stored.map(({ hash }) => hash));
  let bytes = 0;
  let sent = 0;
  for (const { hash, length } of files) {
    bytes += length;
    if (known.has(hash)) continue;
    known.add(hash);
    sent += length;
  }
  return { bytes, sent };
}

export const addTransfers = (transfers: readonly Transfer[]): Transfer => ({
  bytes: transfers.reduce((sum, { bytes }) => sum + bytes, 0),
  sent: transfers.reduce((sum, { sent }) => sum + sent, 0),
});

/** Of the bytes, the share that is sent; 0 where there are none. */
export const shareSent = ({ bytes, sent }: Transfer): number => (bytes === 0 ? 0 : sent / bytes);
