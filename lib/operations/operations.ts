import { type PipelineError, toPipelineError } from '../errors.ts';
import type { History } from '../history/history.ts';
import { describeRest, planRest } from '../history/interval.ts';
import { type RunRecord, recordOf } from '../history/record.ts';
import type { Options } from '../options.ts';
import { type Problem, problemOf } from '../outcome.ts';
import { formatReport, parseReport } from '../report/json.ts';
import { logTo } from '../report/log.ts';
import type { EffectReport, RunReport } from '../report/report.ts';
import { startOf } from '../report/watch.ts';
import { type Job, warn } from '../run.ts';
import { type Mask, maskStrings, planMask } from '../secrets.ts';
import { spaceOf } from '../spec/operations.ts';
import type { Spec } from '../spec/spec.ts';
import type { StatusPage } from '../status/page.ts';
import type { World } from '../world.ts';
import { planAlerts } from './alerts.ts';
import { isPausing, isWanted, planEffects } from './effects.ts';
import type { Notice } from './notice.ts';
import type { Settings, Tracking } from './tracking.ts';

/** What a container has between SIGTERM and SIGKILL; an interrupted run is told of within it. */
const GRACE_MS = 8000;
const SLOW_MS = 2000;

/**
 * What a run does besides publishing. Opened before the run and disposed after it: the last thing that the program does is to pause
 * its Space. Nothing here fails a run: what goes wrong is a warning. A dry run only says what a real one would do.
 */
export class Operations implements AsyncDisposable {
  readonly #spec: Settings;
  readonly #world: World;
  readonly #forced: boolean;
  readonly #page: StatusPage | undefined;
  readonly #mask: Mask;
  #active: boolean;
  readonly #pending: string[] = [];
  readonly #log: string[] = [];
  #history: History | undefined;
  #records: RunRecord[] | undefined;
  #job: Job | undefined;
  #report: ((exitCode: number) => RunReport) | undefined;
  #tracking: Tracking | undefined;
  #exitCode: number | undefined;
  #failure: unknown;

  private constructor(spec: Settings, { dryRun, force }: Options, world: World, page: StatusPage | undefined) {
    this.#page = page;
    this.#spec = spec;
    this.#world = world;
    this.#forced = force;
    this.#mask = planMask(world.env);
    this.#active = !dryRun;
  }

  /** @param page shows what becomes of the Space */
  static async open(spec: Settings, options: Options, world: World, page?: StatusPage): Promise<Operations> {
    const operations = new Operations(isByPerson(options) ? withoutSpace(spec) : spec, options, world, page);
    const { runs } = spec.operations;
    if (operations.#active && runs) {
      const { openHistory } = await import('../history/history.ts');
      operations.#history = await openHistory(runs, world);
      await operations.#readHistory(operations.#history);
    }
    return operations;
  }

  /** Nothing else is on the screen yet, so a slow one is said. */
  async #readHistory(history: History): Promise<void> {
    const { clock, signal, stderr } = this.#world;
    const read = new AbortController();
    const sayIt = () => stderr.write(this.#mask(`Reading the history of runs in ${history.name}...\n`));
    clock.sleep(SLOW_MS, AbortSignal.any([signal, read.signal])).then(sayIt, () => {});
    try {
      this.#records = (await history.lines()).records;
    } catch (thrown) {
      signal.throwIfAborted();
      this.#pending.push(describe(toPipelineError(thrown)));
    } finally {
      read.abort();
    }
  }

  /** The history of runs; undefined where none is kept or it cannot be read. */
  get records(): readonly RunRecord[] | undefined {
    return this.#records;
  }

  /**
   * Whether there is nothing to do yet, which is said: a visitor may have woken the Space shortly after a run. It then stays up, since paused
   * it would be dead to visitors.
   */
  async rests(): Promise<boolean> {
    const { env, clock, stderr } = this.#world;
    const { space } = this.#spec.operations;
    if (!this.#active || this.#forced || spaceOf(env) === undefined || !space || !this.#records) return false;
    const rest = planRest(this.#records, specDigest(this.#spec), space.minIntervalMs, clock.now());
    if (!rest) return false;
    stderr.write(describeRest(rest));
    this.#active = false;
    if (this.#page) this.#page.rest(rest, await this.#reportOf(rest.record));
    return true;
  }

  /** Of an earlier run, as the history has it; undefined where it cannot be read. */
  async #reportOf({ run }: RunRecord): Promise<RunReport | undefined> {
    try {
      return parseReport((await this.#history?.read(run))?.report ?? '');
    } catch {
      this.#world.signal.throwIfAborted();
      return undefined; // what the run was is said all the same
    }
  }

  /** Wait for what a job works with: a job that cannot even begin is told of, too. */
  async begin<T>(opening: Promise<T>): Promise<T> {
    return await opening.catch((thrown) => {
      this.#failure = thrown;
      throw thrown;
    });
  }

  /** Listen to a job from here on. @param report its report, were it to end now */
  async follow(job: Job, report: (exitCode: number) => RunReport): Promise<void> {
    if (!this.#active) return;
    this.#job = job;
    this.#report = report;
    const log = logTo((line) => this.#log.push(line), job.mask);
    log(startOf(job), job.startedAt);
    job.events.subscribe(log);
    for (const message of this.#pending.splice(0)) warn(job, message);
    const { openTracking } = await import('./tracking.ts');
    this.#tracking = await openTracking(job, this.#spec, report(0));
  }

  /** Tell everybody of a job that has ended, and remember it. @returns what was done */
  async tell(report: RunReport): Promise<EffectReport[]> {
    const effects = planEffects(this.#spec.operations);
    if (!this.#active) return effects;
    const told: EffectReport[] = [];
    for (const effect of effects) {
      const known = [...told, ...effects.slice(told.length)]; // what is still to come is planned
      const missed = told.flatMap(({ problem }) => (problem ? [describe(problem)] : []));
      const warnings = [...report.warnings, ...missed]; // who is told later is told of those who were not
      told.push(await this.#carryOut(effect, maskStrings({ ...report, effects: known, warnings }, this.#mask)));
    }
    this.#exitCode = report.exitCode;
    return told;
  }

  async #carryOut(effect: EffectReport, report: RunReport): Promise<EffectReport> {
    const job = this.#job;
    if (!job || effect.kind === 'pause') return effect;
    job.events.emit({ type: 'effect.started', kind: effect.kind });
    const done = await this.#attempt(effect, report);
    if (done.problem) warn(job, describe(done.problem));
    if (done.problem && done.kind === 'history')
      // the summary, which tells of other failures, is sent
      await this.#warnOf({ title: 'Run Not Remembered', severity: 'WARN', text: describeWithFix(done.problem) });
    job.events.emit({ type: 'effect.finished', effect: done });
    return done;
  }

  async #attempt(effect: EffectReport, report: RunReport): Promise<EffectReport> {
    try {
      return { ...effect, ...(await this.#perform(effect.kind, report)) };
    } catch (thrown) {
      this.#world.signal.throwIfAborted();
      return { ...effect, status: 'failed', problem: problemOf(toPipelineError(thrown)) };
    }
  }

  /** @returns what differs from the plan: that there was no cause, or more to say */
  async #perform(
    kind: EffectReport['kind'],
    report: RunReport,
  ): Promise<Pick<EffectReport, 'status'> & { detail?: string }> {
    const { email, webhook } = this.#spec.operations;
    const notices = planAlerts(report, this.#records);
    const facts = { report, notices, trackingUrl: this.#tracking?.url };
    switch (kind) {
      case 'tracking': {
        if (!this.#tracking) return { status: 'skipped' };
        for (const notice of notices) await this.#tracking.alert(notice);
        await this.#tracking.conclude(report);
        const { url } = this.#tracking;
        return { status: 'done', ...(url === undefined ? {} : { detail: url }) };
      }
      case 'email': {
        if (!email || !isWanted(email.when, report)) return { status: 'skipped' };
        const { planMail } = await import('./summary.ts');
        const { sendMail } = await import('../edges/smtp.ts');
        await sendMail(email, planMail(facts), this.#world);
        return { status: 'done' };
      }
      case 'webhook': {
        if (!webhook || !isWanted(webhook.when, report)) return { status: 'skipped' };
        const { planMessage } = await import('./summary.ts');
        const { postWebhook } = await import('../edges/webhook.ts');
        await postWebhook(webhook, planMessage(facts), this.#world);
        return { status: 'done' };
      }
      case 'history':
        await this.#remember(report, this.#history);
        return { status: 'done' };
      case 'pause':
        return { status: 'planned' };
    }
  }

  async #remember(report: RunReport, history: History | undefined): Promise<void> {
    const record = recordOf(report, specDigest(this.#spec));
    await history?.append(record, { report: formatReport(report), log: this.#log.join('') });
  }

  /** The run is closed, and nothing of it is open: end what is still running elsewhere, then let the Space go. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#active) return;
    const { signal } = this.#world;
    if (this.#exitCode === undefined) await this.#tellOfEnd().catch(() => {});
    const { space } = this.#spec.operations;
    // Whoever interrupts a run in a Space is stopping or rebuilding it.
    if (space && !signal.aborted && isPausing(space, this.#exitCode)) await this.#release(space.id);
  }

  /** After an interruption, in short, and without the signal that has fired; or after a throw that ended the run, of which there is no summary. */
  async #tellOfEnd(): Promise<void> {
    const { signal } = this.#world;
    const exitCode = signal.aborted ? ((signal.reason as { exitCode?: number }).exitCode ?? 130) : 1;
    const brief = { ...this.#world, signal: AbortSignal.timeout(GRACE_MS) };
    const report = this.#report?.(exitCode);
    const { runs } = this.#spec.operations;
    const { openHistory } = await import('../history/history.ts');
    const told = await Promise.allSettled([
      this.#tracking?.abort(exitCode),
      runs && report ? openHistory(runs, brief).then((history) => this.#remember(report, history)) : undefined,
    ]);
    for (const each of told) if (each.status === 'rejected') this.#warnHere(describe(toPipelineError(each.reason)));
    if (signal.aborted || !(this.#job || this.#failure)) return;
    const text = this.#failure ? describeWithFix(toPipelineError(this.#failure)) : 'What stopped it stands in its log.';
    await this.#warnOf({ title: 'Run Failed', severity: 'ERROR', text });
  }

  async #release(id: string): Promise<void> {
    this.#world.stderr.write(`Pausing ${id}: the last thing to do.\n`); // a paused Space says nothing more
    this.#page?.pause(id, 'under way');
    try {
      const { Space } = await import('../edges/space.ts');
      await new Space(id, this.#world).pause();
      this.#page?.pause(id, 'done');
    } catch (thrown) {
      if (this.#world.signal.aborted) return; // as a rule by the pause, which has stopped this machine before it was answered
      this.#page?.pause(id, 'failed');
      const text = `${describe(toPipelineError(thrown))}. ${id} goes on running, and may be billed.`;
      this.#warnHere(text);
      await this.#warnOf({ title: 'HF Space Pause Failed', severity: 'WARN', text });
    }
  }

  /** A line for whoever looks at the machine: the job's log is closed. */
  #warnHere(text: string): void {
    this.#world.stderr.write(`${this.#mask(`Warning: ${text}`)}\n`);
  }

  /** A notice that comes after the summary was sent, to all who are told. */
  async #warnOf(said: Notice): Promise<void> {
    const notice = maskStrings(said, this.#mask);
    const { email, webhook } = this.#spec.operations;
    const { planNoticeMail, planNoticeMessage } = await import('./summary.ts');
    const { sendMail } = await import('../edges/smtp.ts');
    const { postWebhook } = await import('../edges/webhook.ts');
    await Promise.allSettled([
      this.#tracking?.alert(notice),
      email ? sendMail(email, planNoticeMail(notice), this.#world) : undefined,
      webhook ? postWebhook(webhook, planNoticeMessage(notice), this.#world) : undefined,
    ]);
  }
}

/** Whoever rolls back or ends a hold does it at a desk: no Space is at work that could be let go. */
const isByPerson = ({ rollback, unhold }: Options) => rollback !== undefined || unhold;
const withoutSpace = (spec: Settings): Settings => ({ ...spec, operations: { ...spec.operations, space: undefined } });

function describe({ code, message }: Problem | PipelineError): string {
  return `${code}: ${message}`;
}

function describeWithFix(problem: Problem | PipelineError): string {
  return `${describe(problem)}${problem.fix === undefined ? '' : `\nFix: ${problem.fix}`}`;
}

/** What tells one edition of a spec from another: what the labels say, and where they go. */
export function specDigest({ labels }: Pick<Spec, 'labels'>): string {
  const said = labels.map(({ name, target, template }) => [name, target, template]);
  return new Bun.CryptoHasher('sha256').update(JSON.stringify(said)).digest('hex');
}
