import { posix } from 'node:path';
import { type Identity, staleFiles } from '../dataset/commit.ts';
import { CARD, LEDGER, METADATA, splitOfShard } from '../dataset/files.ts';
import { parseVersion } from '../dataset/version.ts';
import type { Head } from '../edges/target.ts';
import type { LabelReport, PlanReport, RunReport } from '../report/report.ts';
import { type TargetSpec, targetName } from '../spec/spec.ts';
import { parseTarget, repoProblem } from '../spec/target.ts';

const HASH = /^[0-9a-f]{64}$/;
const LABEL = /^[a-z][a-z0-9_]*$/; // as the spec wants it
const MASK = '***'; // what lib/secrets.ts leaves of a secret
const SHOWN = 12; // hex digits of a commit or a hash

/**
 * Why a report is none that a dry run wrote; undefined where it can be one. It may come from another machine and be edited by
 * hand, so whatever becomes part of a path, of a request or of a comparison has its exact form.
 */
export function planProblem({ dryRun, labels, effects }: RunReport): string | undefined {
  if (!dryRun) return 'it is not the report of a dry run';
  const names = labels.map(({ label }) => label);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return `it has label "${twice}" twice`;
  for (const label of labels) {
    const problem = labelProblem(label);
    if (problem !== undefined) return `${problem}, label "${label.label}"`;
  }
  return historyProblem(labels, effects);
}

/** As of a spec: a history among the versions of a dataset would end up inside of them. */
function historyProblem(labels: LabelReport[], effects: RunReport['effects']): string | undefined {
  const named = effects.filter(({ kind }) => kind === 'history').length;
  if (named === 0) return undefined;
  const history = historyOf(effects);
  if (named > 1 || !history) return 'a history that runs could not be kept in';
  const place = placeOf(targetName(history));
  const shared = labels.find(({ target }) => placeOf(target) === place);
  return shared && `a history where label "${shared.label}" is published`;
}

/** The Hub does not tell upper from lower case; of a directory, `./x/` and `x/../x` are one. */
function placeOf(name: string): string {
  return posix.normalize(name).replace(/\/+$/, '').toLowerCase();
}

/** Where the plan's spec keeps the history of runs; undefined where it keeps none, or the name can be none. */
export function historyOf(effects: RunReport['effects']): TargetSpec | undefined {
  const name = effects.find(({ kind }) => kind === 'history')?.detail;
  const target = name === undefined || name.includes(MASK) ? undefined : parseTarget(name);
  return target && !('problem' in target) ? target : undefined;
}

function labelProblem({ label, target, outcome, plan }: LabelReport): string | undefined {
  if (!LABEL.test(label)) return 'a name that no label can have';
  if ('problem' in parseTarget(target)) return `no target that can be published to: "${target}"`;
  if (target.includes(MASK)) return 'a target with a secret in its name, which the report does not tell';
  if (!outcome || outcome.status === 'success') return 'no outcome of a dry run';
  if (outcome.status !== 'planned') return undefined;
  if (!plan) return 'no plan';
  if (!parseVersion(plan.version)) return `no version: "${plan.version}"`;
  if (!HASH.test(plan.fingerprint)) return 'no fingerprint';
  if (plan.head === '') return 'no head';
  if (!isBelow(plan.directory)) return `a directory that is not below it: "${plan.directory}"`;
  const space = plan.restarts.find((id) => repoProblem(id) !== undefined);
  if (space !== undefined) return `no Space that can be restarted: "${space}"`;
  return filesProblem(plan.files);
}

/** Only what a version consists of: a file that merely lies beside it, such as a report with rows in it, never ships. */
function filesProblem(files: PlanReport['files']): string | undefined {
  const paths = files.map(({ path }) => path);
  const foreign = paths.find((path) => splitOfShard(path) === undefined && ![CARD, METADATA, LEDGER].includes(path));
  if (foreign !== undefined) return `a file that is no part of a version: "${foreign}"`;
  const missing = [CARD, METADATA, LEDGER].find((path) => !paths.includes(path));
  if (missing !== undefined) return `no ${missing}`;
  if (new Set(paths).size < paths.length) return 'a file twice';
  return files.every(({ sha256 }) => HASH.test(sha256)) ? undefined : 'a file without its sha256';
}

/** Relative, without `.` and `..`, in the one form that a path has. */
function isBelow(path: string): boolean {
  return !/^\.\/?$/.test(path) && path === posix.normalize(path) && !/^\/|^\.\.(\/|$)|[\\\p{Cc}]/u.test(path);
}

/** Whether a head is a version, by its metadata. */
function holds(head: Head, { fingerprint, version }: Identity): boolean {
  if (head.state === 'absent' || head.metadata === undefined) return false;
  return head.metadata.includes(fingerprint) && head.metadata.includes(`"${version}"`);
}

/** How the target stands to a plan. */
export type Standing =
  /** Nobody changed it since. */
  | { state: 'ready' }
  /** It holds this very version: an earlier attempt got this far. */
  | { state: 'landed'; revision: string; tagged: boolean }
  | { state: 'stale'; why: string };

/**
 * Whether the target is still what a plan was made against.
 *
 * @param versions tag → revision
 * @param previousVersion the version that the head held then, as the report says
 */
export function planStanding(
  head: Head,
  versions: ReadonlyMap<string, string>,
  plan: PlanReport,
  previousVersion: string | undefined,
): Standing {
  const tagged = versions.get(plan.version);
  const tagTaken = `its tag ${plan.version} is taken by ${tagged?.slice(0, SHOWN)}`;
  if (head.state !== 'absent' && holds(head, plan) && hasFiles(head, plan)) {
    if (tagged !== undefined && tagged !== head.revision) return { state: 'stale', why: tagTaken };
    return { state: 'landed', revision: head.revision, tagged: tagged !== undefined };
  }
  if (!isPlanned(head, plan.head)) {
    const then = plan.head === null ? 'it did not exist' : `its head was ${nameOf(plan.head, previousVersion)}`;
    const now = head.state === 'absent' ? 'is gone' : `is ${nameOf(head.revision, versionOf(head))}`;
    return {
      state: 'stale',
      why: `${then} when the report was made, and ${plan.head === null ? 'its head ' : ''}${now}`,
    };
  }
  return tagged === undefined ? { state: 'ready' } : { state: 'stale', why: tagTaken };
}

/** A bare repo counts as none: it holds nothing, and an earlier attempt that died early leaves one. */
function isPlanned(head: Head, planned: string | null): boolean {
  if (head.state === 'absent') return planned === null;
  if (planned !== null) return head.revision === planned;
  return head.state === 'empty' && head.files.every(({ path }) => path === '.gitattributes');
}

/** Whether a head holds the plan's files: sizes of all, and the bytes of those that it is read with. */
function hasFiles(head: Exclude<Head, { state: 'absent' }>, { files }: PlanReport): boolean {
  const texts: Record<string, string | undefined> = { [METADATA]: head.metadata, [CARD]: head.card };
  return files.every(({ path, size, sha256 }) => {
    const isThere = head.files.some((file) => file.path === path && file.size === size);
    return isThere && (texts[path] === undefined || sha256Of(texts[path]) === sha256);
  });
}

function sha256Of(text: string): string {
  return new Bun.CryptoHasher('sha256').update(text).digest('hex');
}

/** Deletions that a plan names and the head does not ask for, or the other way round. */
export function planDeletionProblem(head: Head, { files, deletions }: PlanReport): string | undefined {
  const wanted = new Set(staleFiles(head, new Set(files.map(({ path }) => path))));
  const given = new Set(deletions);
  const differing = [...wanted.symmetricDifference(given)];
  return differing.length === 0 ? undefined : `the files to delete are others: ${differing.join(', ')}`;
}

/** A head as a person reads it: a version, and the commit where that is another name. */
function nameOf(revision: string, version: string | undefined): string {
  if (version === undefined || version === revision) return revision.slice(0, version ? undefined : SHOWN);
  return `${revision.slice(0, SHOWN)} (${version})`;
}

function versionOf(head: Exclude<Head, { state: 'absent' }>): string | undefined {
  const version = /"version_tag":\s*"(v\d{8}_\d{6})"/.exec(head.metadata ?? '')?.[1];
  return version;
}
