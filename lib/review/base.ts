import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { stringify } from 'yaml';
import { parseMetadata } from '../dataset/published.ts';
import { PipelineError } from '../errors.ts';
import { noSamples } from '../report/samples.ts';
import { attempt, type LabelRun, openLabels, type Run } from '../run.ts';
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
  const read = compareConfig === PUBLISHED ? undefined : await readBase(run, compareConfig);
  for (const label of openLabels(run))
    await attempt(run, label, async () => {
      const spec = read ? read.get(label.spec.name) : await readPublishedSpec(run, label);
      if (spec) label.base = openBase(label, spec);
      return undefined;
    });
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
    database: { url: 'postgres://localhost/unused' },
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
