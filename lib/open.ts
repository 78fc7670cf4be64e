import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import pRetry from 'p-retry';
import pkg from '../package.json' with { type: 'json' };
import { saltOf } from './dataset/ledger-key.ts';
import { spacePage } from './edges/hub-access.ts';
import type { Snapshot } from './edges/postgres.ts';
import type { Target } from './edges/target.ts';
import { PipelineError, toPipelineError } from './errors.ts';
import { EventStream } from './events.ts';
import type { Options } from './options.ts';
import { DRY_RUN, REPORT_HTML, REPORT_JSON, REPORT_MARKDOWN } from './report/names.ts';
import { noSamples } from './report/samples.ts';
import type { Job, LabelRun, Run } from './run.ts';
import { planMask } from './secrets.ts';
import { spaceOf } from './spec/operations.ts';
import type { LabelSpec, Spec } from './spec/spec.ts';
import { targetName } from './spec/spec.ts';
import { openSpool } from './spool.ts';
import type { StatusPage } from './status/page.ts';
import type { World } from './world.ts';

const FIRST_WAIT_MS = 2000; // before the second attempt on the database; doubled for each further one

/** Open what a run needs: events, spool, data engine, a target for each label. Nothing outside is asked yet. */
export async function openRun(spec: Spec, options: Options, world: World): Promise<Run> {
  const { openEngine } = await import('./edges/duckdb.ts');
  const job = openJob(options, world);
  if (options.dryRun && options.explain === undefined) await clearPlan(options, world);
  await using opening = new AsyncDisposableStack();
  const spool = opening.use(await openSpool(options, world));
  const engine = opening.use(await openEngine(spool.path, spec.database.memoryLimitMb));
  const interrupt = () => engine.interrupt();
  world.signal.addEventListener('abort', interrupt);
  opening.defer(() => world.signal.removeEventListener('abort', interrupt));
  const labels = await Promise.all(spec.labels.map((label) => openLabel(label, world)));
  const opened = opening.move(); // whole: what fails before closes what is open
  return {
    ...job,
    spec,
    labels,
    engine,
    spool: spool.path,
    salt: saltOf(world.env.LEDGER_KEY),
    inSnapshot: (work) => inSnapshot(spec, job.events, world, work),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

const SPACE_ADDRESS = { host: '0.0.0.0', port: 7860 }; // app_port

/**
 * Serve the status page, before any work: the Hub ends a Space that does not listen. A page that cannot be served costs a Space a warning only.
 *
 * @returns undefined where none is wanted
 * @throws PipelineError PAGE_UNAVAILABLE at a desk
 */
export async function openPage(options: Options, world: World): Promise<StatusPage | undefined> {
  const space = spaceOf(world.env);
  const isSpace = space !== undefined;
  const address = options.serve ?? (isSpace ? SPACE_ADDRESS : 'off');
  if (address === 'off') return undefined;
  const [{ StatusPage }, { planRoutes, HEADERS }, { readAssets }, { servePage }] = await Promise.all([
    import('./status/page.ts'),
    import('./status/routes.ts'),
    import('./status/assets.ts'),
    import('./edges/page-server.ts'),
  ]);
  const page = new StatusPage(options, world, isSpace ? 'space' : 'desk');
  try {
    const server = await servePage(address, planRoutes(page, await readAssets()), { headers: HEADERS });
    page.serve(isSpace && address === SPACE_ADDRESS ? { ...server, url: spacePage(space, world.env) } : server);
    return page;
  } catch (thrown) {
    if (!isSpace) throw thrown;
    const { code, message } = toPipelineError(thrown);
    world.stderr.write(`Warning: ${code}: ${message}\n`);
    return undefined;
  }
}

/** What every job has, but for its labels. */
export function openJob(options: Options, world: World): Omit<Job, 'labels'> {
  return {
    version: pkg.version,
    options,
    world,
    events: new EventStream(() => world.clock.now()),
    mask: planMask(world.env),
    startedAt: world.clock.now(),
    warnings: [],
  };
}

/** What an earlier dry run left: were this one to die, its files and an older report must not be taken for one plan. */
export async function clearPlan({ out }: Options, { cwd }: World): Promise<void> {
  for (const name of [REPORT_JSON, REPORT_MARKDOWN, REPORT_HTML, DRY_RUN])
    await rm(resolve(cwd, out, name), { recursive: true, force: true }).catch(() => {}); // openSpool() says what is wrong
}

export async function openLabel(spec: LabelSpec, world: World): Promise<LabelRun> {
  const target = await openTarget(spec, world);
  return {
    spec,
    target,
    sent: [],
    samples: noSamples(),
    report: { label: spec.name, target: targetName(spec.target), classes: spec.classes, seconds: {} },
  };
}

export async function openTarget({ target }: Pick<LabelSpec, 'target'>, world: World): Promise<Target> {
  if (target.kind === 'directory')
    return new (await import('./edges/directory.ts')).DirectoryTarget(target.path, world);
  return new (await import('./edges/hub.ts')).HubTarget(target.repo, world);
}

/** Read in one snapshot, with `attempts` tries in all: a lost connection starts again in a new snapshot. */
async function inSnapshot<T>(
  { database }: Spec,
  events: EventStream,
  { clock, signal }: World,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  const { withSnapshot } = await import('./edges/postgres.ts');
  const { attempts } = database;
  const once = (attempt: number) => {
    events.emit({ type: 'database.connecting', attempt, attempts });
    return withSnapshot(database, signal, (snapshot) => {
      events.emit({ type: 'database.connected', server: snapshot.server });
      return work(snapshot);
    });
  };
  return pRetry(once, {
    retries: attempts - 1,
    minTimeout: 0,
    shouldRetry: ({ error }) => !signal.aborted && error instanceof PipelineError && error.retryable,
    onFailedAttempt: async ({ error, attemptNumber, retriesLeft }) => {
      signal.throwIfAborted();
      const { code, message, retryable } = toPipelineError(error);
      const wait = retryable && retriesLeft > 0 ? FIRST_WAIT_MS * 2 ** (attemptNumber - 1) : undefined;
      events.emit({
        type: 'database.failed',
        attempt: attemptNumber,
        code,
        message,
        retryInSeconds: wait && wait / 1000,
      });
      if (wait !== undefined) await clock.sleep(wait, signal);
    },
  });
}
