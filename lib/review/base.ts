import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { stringify } from 'yaml';
import { parseMetadata } from '../dataset/published.ts';
import { PipelineError, toPipelineError } from '../errors.ts';
import { problemOf } from '../outcome.ts';
import { noSamples } from '../report/samples.ts';
import { type LabelRun, openLabels, type Run } from '../run.ts';
import { parseSpec } from '../spec/read.ts';
import type { LabelSpec } from '../spec/spec.ts';

const PUBLISHED = 'published'; // names the spec in the metadata of the target's head

/**
 * Give each label the spec of --compare-config beside its own. A label that the base does not have is new, and has none.
 *
 * @throws SpecError with all problems of the base; PipelineError SPEC_NOT_FOUND
 */
export async function openBases(run: Run): Promise<void> {
  const { compareConfig } = run.options;
  if (compareConfig === undefined) return;
  const base = compareConfig === PUBLISHED ? undefined : await readBase(run, compareConfig);
  for (const label of openLabels(run)) {
    const spec = base ? base.get(label.spec.name) : await readPublishedSpec(run, label).catch(refuse(run, label));
    if (spec) label.base = openBase(label, spec);
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
  const text = await readFile(resolve(world.cwd, file), 'utf8').catch((cause) => {
    throw new PipelineError('SPEC_NOT_FOUND', `Cannot read ${file}: ${cause.code}`, {
      fix: `name a YAML, or write --compare-config ${PUBLISHED}`,
      cause,
    });
  });
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
    sentVersions: [],
    samples: noSamples(),
    report: { label: name, target: report.target, classes: base.classes, seconds: {} },
  };
}
