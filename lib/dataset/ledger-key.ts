/** What keys the ledger's hashes; empty without LEDGER_KEY. */
export function saltOf(ledgerKey: string | undefined): string {
  return ledgerKey?.trim() ?? '';
}

/** Tells one LEDGER_KEY from another without saying anything about it: a keyed hash of a constant, 16 hex digits. Null without a key. */
export function keyId(ledgerKey: string | undefined): string | null {
  const key = saltOf(ledgerKey);
  return key === '' ? null : new Bun.CryptoHasher('sha256', key).update('ledger key id').digest('hex').slice(0, 16);
}
