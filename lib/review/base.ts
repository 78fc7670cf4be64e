import { stringify } from 'yaml';
import { parseMetadata } from '../dataset/published.ts';
import { requireVersion } from '../dataset/version.ts';
import { toPipelineError } from '../errors.ts';
import { problemOf } from '../outcome.ts';
import { noSamples } from '../report/samples.ts';
import { attempt, fail, type LabelRun, openLabels, type Run, warn } from '../run.ts';
import { readSpecFile } from '../spec/file.ts';
import { parseSpec } from '../spec/read.ts';
import { type LabelSpec, targetName } from '../spec/spec.ts';

const PUBLISHED = 'published'; // names the spec in the metadata of the target's head

/**
 * Find what a dry run compares with, before a row is read: the version of --against, and the spec of --compare-config, which each label
 * gets beside its own. A label that the base does not have is new, and has none.
 *
 * @throws SpecError with all problems of the base; PipelineError SPEC_NOT_FOUND
 */
export async function openComparison(run: Run): Promise<void> {
  const { against, compareConfig } = run.options;
  if (against !== undefined) await findVersion(run, against);
  if (compareConfig === PUBLISHED) await openPublishedBases(run);
  else if (compareConfig !== undefined) openBases(run, compareConfig, await readBase(run, compareConfig));
}

/** Each label has versions of its own: one that lacks the version is not compared, unless all lack it. */
async function findVersion(run: Run, version: string): Promise<void> {
  const labels = openLabels(run);
  const problems = new Map<LabelRun, unknown>();
  for (const label of labels)
    await attempt(run, label, () =>
      requireVersion(label, version, '--against').catch((thrown) => void problems.set(label, thrown)),
    );
  for (const [label, problem] of problems) {
    if (problems.size === labels.length) fail(run, label, problem);
    else warn(run, `there is no version ${version} to compare with`, label.spec.name);
  }
}

function openBases(run: Run, file: string, base: Map<string, LabelSpec>): void {
  for (const label of openLabels(run)) {
    const spec = base.get(label.spec.name);
    if (!spec) continue;
    label.base = openBase(label, spec);
    const before = targetName(spec.target);
    if (before !== label.report.target && !run.options.demo)
      warn(run, `it publishes to ${label.report.target} instead of ${before}, which gets no new version`, spec.name);
  }
  const names = run.spec.labels.map(({ name }) => name);
  const removed = [...base.keys()].filter((name) => !names.includes(name));
  if (removed.length > 0 && run.options.labels.length === 0)
    warn(run, `${file} has ${removed.join(', ')}, which this spec has not: nothing new is published there`);
}

async function openPublishedBases(run: Run): Promise<void> {
  for (const label of openLabels(run)) {
    const spec = await readPublishedSpec(run, label).catch(refuse(run, label));
    if (spec) label.base = openBase(label, spec);
    else if (!label.report.attribution) warn(run, 'no published spec to compare with', label.spec.name);
  }
}

/** A published spec that cannot be read any more, e.g. for a variable that is gone: the report says so, and the label goes on. */
function refuse({ world }: Run, { report }: LabelRun): (thrown: unknown) => undefined {
  return (thrown) => {
    world.signal.throwIfAborted();
    report.attribution = { base: PUBLISHED, problem: problemOf(toPipelineError(thrown)), measures: [] };
    return undefined;
  };
}

async function readBase({ world }: Run, file: string): Promise<Map<string, LabelSpec>> {
  const text = await readSpecFile(file, world.cwd, `name a YAML, or write --compare-config ${PUBLISHED}`);
  return new Map(parseSpec(file, text, world.env).labels.map((spec) => [spec.name, spec]));
}

/** The spec that the published version was made with: its metadata has it, with variables by name. */
async function readPublishedSpec({ world }: Run, label: LabelRun): Promise<LabelSpec | undefined> {
  const head = await label.target.readHead();
  const template = head.state === 'absent' ? undefined : parseMetadata(label, head.metadata)?.spec;
  if (!template) return undefined;
  const { name } = label.spec;
  const text = stringify({
    version: 1,
    database: { url: 'postgres://nobody@localhost/unused' },
    labels: { [name]: template },
  });
  return parseSpec(`the spec of ${label.target.name}`, text, world.env).labels[0];
}

function openBase({ spec, target, report }: LabelRun, base: LabelSpec): LabelRun {
  const name = `${spec.name} (base)`; // no label of a spec can have this name
  return {
    spec: { ...base, name },
    target,
    sent: [],
    samples: noSamples(),
    report: { label: name, target: report.target, classes: base.classes, seconds: {} },
  };
}
