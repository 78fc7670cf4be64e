import { type Code, PipelineError, toPipelineError } from '../errors.ts';
import type { TargetSpec } from '../spec/spec.ts';
import type { World } from '../world.ts';
import type { Lines } from './lines.ts';
import type { RunRecord } from './record.ts';

/** Where runs are remembered: a private dataset repo on the Hub, or a directory. */
export interface History {
  /** As a person writes it. */
  readonly name: string;
  /**
   * All runs in the order in which they ended, and what else stands there; no lines where nothing was kept yet.
   *
   * @throws PipelineError HISTORY_UNREADABLE
   */
  lines(): Promise<Lines>;
  /**
   * Add a run: its line, its report (JSON) and its log. A run that is there already is not added again.
   *
   * @throws PipelineError HISTORY_UNWRITABLE
   */
  append(record: RunRecord, files: RunFiles): Promise<void>;
  /**
   * What was kept of a run.
   *
   * @throws PipelineError HISTORY_UNREADABLE
   */
  read(run: string): Promise<RunFiles>;
}

/** A run's report as JSON, and its log; neither holds a row's text or a secret. */
export interface RunFiles {
  report: string;
  log: string;
}

/** How long reading may take at the start of a run: a Hub that is down must not hold it up. */
const READ_MS = 15_000;

/** @param readMs milliseconds that lines() or read() may take on the Hub */
export async function openHistory(store: TargetSpec, world: World, readMs = READ_MS): Promise<History> {
  if (store.kind === 'hub') return new (await import('./hub-history.ts')).HubHistory(store.repo, world, readMs);
  return new (await import('./directory-history.ts')).DirectoryHistory(store.path, world);
}

type HistoryCode = Extract<Code, 'HISTORY_UNREADABLE' | 'HISTORY_UNWRITABLE'>;

/** Whatever stood in the way, as the history's own code: what a label's target means by it is another matter. */
export function historyFault(code: HistoryCode, thrown: unknown): PipelineError {
  const { code: found, message, fix, retryable } = toPipelineError(thrown);
  if (found === code || found === 'INTERNAL') return toPipelineError(thrown);
  return new PipelineError(code, message, { fix, retryable, cause: thrown });
}

/** @throws PipelineError */
export function requireText(name: string, lines: Lines, code: HistoryCode): Lines {
  if (lines.isText) return lines;
  throw new PipelineError(code, `Cannot use runs.jsonl of ${name}: it is not text`, {
    fix: 'restore it from an earlier commit or a backup, or name another place in runs',
  });
}
