import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Change, Head, Published, Target } from '../edges/target.ts';
import { PipelineError } from '../errors.ts';
import type { Run } from '../run.ts';
import { METADATA, splitOfShard } from './files.ts';

const COMMIT_ATTEMPTS = 5;
const FIRST_WAIT_MS = 1000;
const LAST_TRY_MS = 10 * 60_000; // after the first one; where no upload is answered, each try takes minutes

/** What publishing a version needs of a run. */
export interface Shipping {
  run: Pick<Run, 'world' | 'events' | 'spool'>;
  target: Target;
  label: string;
  /**
   * The metadata of each commit that this run sent: one may have landed although its answer was lost. A version and a fingerprint would not
   * tell: a run at the same time on the same rows makes the same ones.
   */
  sent: string[];
  /** Whether a repo that is created is private. */
  private: boolean;
}

/** What says that a head holds this version. */
export interface Identity {
  version: string;
  fingerprint: string;
}

/**
 * Commit a version on top of `parent`, tag it and read it back.
 *
 * @throws PipelineError TARGET_MOVED when the head is no longer `parent`; PUSH_UNVERIFIED, TARGET_*
 */
export async function commitVersion(
  shipping: Shipping,
  parent: Head,
  change: Change,
  identity: Identity,
): Promise<Published> {
  const published = await commitWithRetries(shipping, parent, change);
  await tagVersion(shipping, published.revision, identity);
  return published;
}

/**
 * Send the commit. A locked branch: the same again. A lost answer: it may have landed, so the head decides. A head that moved goes up
 * to the caller, since the split depends on it.
 */
async function commitWithRetries(
  { run, target, label, sent, private: isPrivate }: Shipping,
  parent: Head,
  change: Change,
): Promise<Published> {
  const onProgress = (path: string, share: number) => run.events.emit({ type: 'upload.progress', label, path, share });
  sent.push(await readFile(change.files.get(METADATA) ?? '', 'utf8'));
  const start = run.world.clock.now().getTime();
  for (let attempt = 1; ; attempt++) {
    try {
      return await target.commit(parent, change, { private: isPrivate, onProgress });
    } catch (thrown) {
      run.world.signal.throwIfAborted();
      if (!(thrown instanceof PipelineError) || !thrown.retryable || thrown.code === 'TARGET_MOVED') throw thrown;
      if (thrown.code === 'TARGET_ANSWER') {
        const head = await target.readHead();
        if (isOurs(head, { sent })) return { revision: revisionOf(head), url: target.name };
        if (revisionOf(head) !== revisionOf(parent))
          throw new PipelineError('TARGET_MOVED', `${target.name} changed while the commit was sent`, {
            retryable: true,
            cause: thrown,
          });
      }
      const isLate = run.world.clock.now().getTime() - start > LAST_TRY_MS;
      if (attempt === COMMIT_ATTEMPTS || isLate) throw thrown;
      await run.world.clock.sleep(FIRST_WAIT_MS * 2 ** (attempt - 1), run.world.signal);
    }
  }
}

/** Whether a head is what this run sent. */
export function isOurs(head: Head, { sent }: Pick<Shipping, 'sent'>): boolean {
  return head.state !== 'absent' && head.metadata !== undefined && sent.includes(head.metadata);
}

export function revisionOf(head: Head): string {
  return head.state === 'absent' ? '' : head.revision;
}

/** Tag a commit, then read back that the tag is there and holds what was made. */
export async function tagVersion(
  { run, target, label }: Pick<Shipping, 'run' | 'target' | 'label'>,
  revision: string,
  { version, fingerprint }: Identity,
): Promise<void> {
  await target.tag(revision, version);
  const file = join(run.spool, `verify-${label}.json`);
  const tagged = (await target.versions()).get(version);
  await target.download(version, METADATA, file);
  if (tagged === revision && (await Bun.file(file).text()).includes(fingerprint)) return;
  throw new PipelineError(
    'PUSH_UNVERIFIED',
    `Cannot confirm version ${version} of ${target.name}: the tag does not hold what was sent`,
    { fix: 'look at the repo’s history; the next run tags or publishes again' },
  );
}

/** A run that died between commit and tag left a version without its name. */
export async function tagUntagged(
  target: Target,
  head: Head,
  version: string | undefined,
  known: ReadonlyMap<string, string>,
): Promise<void> {
  if (version !== undefined && head.state !== 'absent' && !known.has(version)) await target.tag(head.revision, version);
}

/** Shards of the head that the new version does not have: they would be loaded with it. Other files of the repo are not ours to delete. */
export function staleFiles(head: Head, files: ReadonlySet<string>): string[] {
  if (head.state === 'absent') return [];
  return head.files.map(({ path }) => path).filter((path) => splitOfShard(path) !== undefined && !files.has(path));
}
