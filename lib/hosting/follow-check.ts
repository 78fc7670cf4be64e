import { type CheckSummary, readSummary } from '../check/render.ts';
import type { Space } from '../edges/space.ts';
import { PipelineError } from '../errors.ts';
import type { World } from '../world.ts';

const POLL_MS = 3000;
const LIMIT_MS = 30 * 60_000; // for build and check together; as long as the Hub itself waits for a start
/** A stage that ends the waiting must be seen so many times in a row: it may be that of before, and a log may still come. */
const LOOKS = 3;
const CONNECTED_MS = 60_000; // for one reading of the log: a connection may be lost without a word
const TAIL_MS = 5000; // until a log that stays open is taken for read, as huggingface_hub
const TAIL_LINES = 20;

/** Stages of huggingface_hub `SpaceStage`: something is under way, the program runs, there is no image. */
const BUILDS: ReadonlySet<string> = new Set(['BUILDING', 'RUNNING_BUILDING']);
const RUNS: ReadonlySet<string> = new Set(['APP_STARTING', 'RUNNING', 'RUNNING_APP_STARTING']);
const UNBUILT: ReadonlySet<string> = new Set(['BUILD_ERROR', 'CONFIG_ERROR', 'NO_APP_FILE']);

export interface Watcher {
  /** The Space has another stage. */
  stage(stage: string): void;
  /** A line of its log. */
  line(text: string): void;
}

export const isBuilding = (stage: string): boolean => BUILDS.has(stage) || RUNS.has(stage);

/**
 * Follow a Space that was just started with CHECK=true until its check has ended. The program may stay up after it.
 *
 * @throws PipelineError DEPLOY_BUILD where there is no image; DEPLOY_CHECK where the program ended before its check, or too late
 */
export async function followCheck(
  space: Space,
  { clock, signal }: Pick<World, 'clock' | 'signal'>,
  watcher: Watcher,
): Promise<CheckSummary> {
  const over = new AbortController();
  const world = { clock, signal: AbortSignal.any([signal, over.signal]) };
  const deadline = clock.now().getTime() + LIMIT_MS;
  const said = { stage: '' };
  const until = (wanted: ReadonlySet<string>) =>
    awaitStage(space, wanted, deadline, world, (stage) => {
      if (stage !== said.stage) watcher.stage(stage);
      said.stage = stage;
    });
  try {
    const stage = await until(RUNS.union(new Set(['RUNTIME_ERROR']))); // of a program that ended; its log is there
    if (UNBUILT.has(stage)) throw await unbuilt(space, stage, signal, watcher);
    const ended = until(new Set()).then((last) => {
      throw notChecked(space, `it is ${last}, and its check has not ended`);
    });
    const read = readCheck(space, world, watcher);
    for (const each of [ended, read]) each.catch(() => {}); // the one that comes second is stopped
    return await Promise.race([read, ended]);
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown;
  } finally {
    over.abort();
  }
}

/** Look until it has one of these stages, or one in which nothing is under way. */
async function awaitStage(
  space: Space,
  wanted: ReadonlySet<string>,
  deadline: number,
  { clock, signal }: Pick<World, 'clock' | 'signal'>,
  onStage: (stage: string) => void,
): Promise<string> {
  for (let last = '', looks = 0; ; looks++) {
    signal.throwIfAborted();
    const stage = await space.stage();
    onStage(stage);
    if (stage !== last) looks = 0;
    last = stage;
    if (wanted.has(stage) || (!isBuilding(stage) && looks + 1 >= LOOKS)) return stage;
    if (clock.now().getTime() > deadline) throw tooLate(space, stage);
    await clock.sleep(POLL_MS, signal);
  }
}

/** Read its log until the summary of the check is there. What was read is sent again when the connection is made anew. */
async function readCheck(
  space: Space,
  { clock, signal }: Pick<World, 'clock' | 'signal'>,
  watcher: Watcher,
): Promise<CheckSummary> {
  for (let seen = 0; ; ) {
    let index = 0;
    try {
      const connected = AbortSignal.any([signal, AbortSignal.timeout(CONNECTED_MS)]);
      for await (const line of space.log('run', connected)) {
        if (index++ < seen) continue;
        seen = index;
        watcher.line(line);
        const summary = readSummary(line);
        if (summary) return summary;
      }
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof PipelineError && thrown.code === 'SPACE_FORBIDDEN') throw thrown;
    }
    await clock.sleep(POLL_MS, signal);
  }
}

/** Why there is no image, with the end of the build's log said. */
async function unbuilt(space: Space, stage: string, signal: AbortSignal, watcher: Watcher): Promise<PipelineError> {
  const lines: string[] = [];
  try {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(TAIL_MS)]);
    for await (const line of space.log('build', limited)) lines.push(line);
  } catch {
    signal.throwIfAborted(); // else what has come by then is what there is
  }
  for (const line of lines.slice(-TAIL_LINES)) watcher.line(line);
  return new PipelineError('DEPLOY_BUILD', `Cannot build the image of ${space.id}: its stage is ${stage}`, {
    fix: lines.length > 0 ? 'mend what the end of its build log says, above' : 'read its build log: Logs → Build',
  });
}

function tooLate(space: Space, stage: string): PipelineError {
  const after = `it is ${stage} after ${LIMIT_MS / 60_000} minutes`;
  if (!BUILDS.has(stage)) return notChecked(space, `${after}, and its check has not ended`);
  return new PipelineError('DEPLOY_BUILD', `Cannot wait for the image of ${space.id}: ${after}`, {
    fix: 'read its build log: Logs → Build; deploy again',
  });
}

function notChecked(space: Space, why: string): PipelineError {
  return new PipelineError('DEPLOY_CHECK', `Cannot tell whether ${space.id} can do its work: ${why}`, {
    fix: 'read its log: Logs → Container',
  });
}
