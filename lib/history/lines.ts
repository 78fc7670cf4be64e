import { isUtf8 } from 'node:buffer';
import * as v from 'valibot';
import { RecordSchema, RUN_NAME, type RunRecord } from './record.ts';

/** What a history consists of, in a repo as in a directory. */

/** One record a line, in the order in which the runs ended. */
export const RUNS = 'runs.jsonl';
export const REPORT = 'report.json';
export const LOG = 'log.txt';

/** What `runs.jsonl` says. */
export interface Lines {
  /** In the order of the file; of two lines for one run, the first. */
  records: RunRecord[];
  /** Lines that are no record that this version knows: half written, edited, or of a later version. */
  skipped: number;
  /** Whether the file is text at all. */
  isText: boolean;
}

/** One bad line does not hide the others. @param bytes undefined where there is no file yet */
export function parseLines(bytes: Uint8Array = new Uint8Array()): Lines {
  const lines = new TextDecoder().decode(bytes).split('\n');
  const written = lines.filter((line) => line.trim() !== '');
  const parsed = written.flatMap((line) => parseRecord(line) ?? []);
  const seen = new Set<string>();
  return {
    records: parsed.filter(({ run }) => !seen.has(run) && seen.add(run)),
    skipped: written.length - parsed.length,
    isText: parsed.length > 0 || (isUtf8(bytes) && !bytes.includes(0)),
  };
}

function parseRecord(line: string): RunRecord | undefined {
  try {
    const { success, output } = v.safeParse(RecordSchema, JSON.parse(line));
    return success ? output : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The line of a run, to be written after `last`: a half line that a crash left is ended first, and stays what it is.
 *
 * @param last the last byte that stands there
 */
export function formatLine(record: RunRecord, last: number | undefined): string {
  const isOpen = last !== undefined && last !== NEWLINE;
  return `${isOpen ? '\n' : ''}${JSON.stringify(record)}\n`;
}

const NEWLINE = 10;

/** `runs/2026/11/20261124-030012-345`: a folder of the Hub holds at most 10,000 entries. */
export function folderOf(run: string): string {
  if (!RUN_NAME.test(run)) throw new TypeError('not the name of a run');
  return `runs/${run.slice(0, 4)}/${run.slice(4, 6)}/${run}`;
}
