import { waitBefore } from '../edges/http.ts';
import type { HubTarget } from '../edges/hub.ts';
import { PipelineError } from '../errors.ts';
import { repoProblem } from '../spec/target.ts';
import type { World } from '../world.ts';
import { CARD } from './card.ts';
import { type History, historyFault, type RunFiles, requireText } from './history.ts';
import { folderOf, formatLine, type Lines, LOG, parseLines, REPORT, RUNS } from './lines.ts';
import type { RunRecord } from './record.ts';

const ATTEMPTS = 5; // commits of one run, when others commit meanwhile
const APPEND_MS = 120_000; // for all of it: a Space waits for it, and may be billed

/** What HubTarget.amend() is told. */
interface HistoryCommit {
  parent: { revision: string } | undefined;
  message: string;
  files: ReadonlyMap<string, string | Uint8Array<ArrayBuffer>>;
}

/** A private dataset repo on the Hub. A run is one commit on top of the head that was read, so that nobody's line is lost. */
export class HubHistory implements History {
  readonly #world: World;
  readonly #readMs: number;

  constructor(
    readonly name: string,
    world: World,
    readMs: number,
  ) {
    this.#world = world;
    this.#readMs = readMs;
  }

  async lines(): Promise<Lines> {
    return await this.#reach('HISTORY_UNREADABLE', this.#readMs, async (target) => {
      const info = await target.info();
      const lines = parseLines(info && (await target.read(info.sha, RUNS)));
      return requireText(this.name, lines, 'HISTORY_UNREADABLE');
    });
  }

  async read(run: string): Promise<RunFiles> {
    return await this.#reach('HISTORY_UNREADABLE', this.#readMs, async (target) => {
      const { sha = 'main' } = (await target.info()) ?? {};
      const report = await this.#text(target, sha, `${folderOf(run)}/${REPORT}`);
      return { report, log: await this.#text(target, sha, `${folderOf(run)}/${LOG}`) };
    });
  }

  async #text(target: HubTarget, sha: string, path: string): Promise<string> {
    const bytes = await target.read(sha, path);
    if (bytes) return new TextDecoder().decode(bytes);
    throw new PipelineError('HISTORY_UNREADABLE', `Cannot read ${path} of ${this.name}: it is not there`, {
      fix: 'restore it from an earlier commit of the repo',
    });
  }

  async append(record: RunRecord, files: RunFiles): Promise<void> {
    await this.#reach('HISTORY_UNWRITABLE', APPEND_MS, async (target, signal) => {
      target.requireToken();
      await this.#appendOn(target, record, files, signal);
    });
  }

  /** A commit whose answer was lost may have landed: the head is read again before another try. */
  async #appendOn(target: HubTarget, record: RunRecord, files: RunFiles, signal: AbortSignal): Promise<void> {
    for (let attempt = 1, fault: PipelineError | undefined; ; attempt++) {
      const change = await this.#planChange(target, record, files);
      if (change === 'landed') return;
      if (fault && attempt > ATTEMPTS) throw fault;
      try {
        return await target.amend(change.parent, change.message, change.files);
      } catch (thrown) {
        if (!(thrown instanceof PipelineError && thrown.retryable)) throw thrown;
        fault = thrown;
      }
      await this.#world.clock.sleep(waitBefore(attempt, undefined), signal).catch(() => Promise.reject(fault));
    }
  }

  /** What to commit on the head as it is now. Lines that this version cannot read stay as they are, byte for byte. */
  async #planChange(
    target: HubTarget,
    record: RunRecord,
    { report, log }: RunFiles,
  ): Promise<HistoryCommit | 'landed'> {
    const info = await target.info();
    if (info && info.private !== true)
      throw new PipelineError(
        'HISTORY_UNWRITABLE',
        `Cannot keep runs in ${this.name}: the repo is public, and reports hold SQL and figures`,
        { fix: 'make the repo private, or name another one in runs' },
      );
    const before = info && (await target.read(info.sha, RUNS));
    const { records } = requireText(this.name, parseLines(before), 'HISTORY_UNWRITABLE');
    if (records.some(({ run }) => run === record.run)) return 'landed';
    const isNew = !info || (!before && !(await target.read(info.sha, 'README.md')));
    const changed = new Map<string, string | Uint8Array<ArrayBuffer>>([
      [RUNS, Buffer.concat([before ?? Buffer.of(), Buffer.from(formatLine(record, before?.at(-1)))])],
      [`${folderOf(record.run)}/${REPORT}`, report],
      [`${folderOf(record.run)}/${LOG}`, log],
      ...(isNew ? [['README.md', CARD] as const] : []),
    ]);
    const message = `Run ${record.run}: exit code ${record.exit_code}`;
    return { parent: info && { revision: info.sha }, message, files: changed };
  }

  /** Work with the repo for at most `ms` milliseconds; what is thrown gets `code`. */
  async #reach<T>(
    code: Parameters<typeof historyFault>[0],
    ms: number,
    work: (target: HubTarget, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const problem = repoProblem(this.name);
    if (problem !== undefined)
      throw new PipelineError(code, `Cannot keep a history in "${this.name}": it ${problem}`, {
        fix: 'correct runs, or the variable that it names',
      });
    const { HubTarget } = await import('../edges/hub.ts');
    const signal = AbortSignal.any([this.#world.signal, AbortSignal.timeout(ms)]);
    try {
      return await work(new HubTarget(this.name, { ...this.#world, signal }), signal);
    } catch (thrown) {
      throw historyFault(code, thrown);
    }
  }
}
