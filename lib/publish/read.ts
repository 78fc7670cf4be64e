import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PipelineError } from '../errors.ts';
import type { Options } from '../options.ts';
import { parseReport } from '../report/json.ts';
import { REPORT_JSON } from '../report/names.ts';
import type { RunReport } from '../report/report.ts';
import { nearest } from '../spec/nearest.ts';
import type { World } from '../world.ts';
import { planProblem } from './plan.ts';

/**
 * Read the plan of an earlier dry run, its report.json.
 *
 * @throws PipelineError PLAN_UNREADABLE
 */
export async function readPlan(directory: string, { cwd }: Pick<World, 'cwd'>): Promise<RunReport> {
  const file = join(directory, REPORT_JSON);
  const refuse = (why: string, cause?: unknown) => {
    return new PipelineError('PLAN_UNREADABLE', `Cannot publish ${directory}: ${why}`, {
      fix: 'name the --out directory of a dry run, as this version of the program wrote it',
      cause,
    });
  };
  const text = await readFile(resolve(cwd, file), 'utf8').catch((cause) => {
    throw refuse(`${REPORT_JSON} cannot be read (${cause.code})`, cause);
  });
  let report: RunReport;
  try {
    report = parseReport(text);
  } catch (cause) {
    throw refuse(`${REPORT_JSON} is no report that this version of the program knows`, cause);
  }
  const problem = planProblem(report);
  if (problem !== undefined) throw refuse(`${REPORT_JSON} cannot be used: ${problem}`);
  return report;
}

/** @throws PipelineError LABEL_UNKNOWN */
export function selectLabels({ labels }: RunReport, { labels: wanted, publish }: Options): RunReport['labels'] {
  const declared = labels.map(({ label }) => label);
  const unknown = wanted.find((name) => !declared.includes(name));
  if (unknown === undefined) return wanted.length === 0 ? labels : labels.filter(({ label }) => wanted.includes(label));
  const meant = nearest(unknown, declared);
  throw new PipelineError(
    'LABEL_UNKNOWN',
    `Cannot publish label "${unknown}": ${publish} holds ${declared.join(', ')}`,
    {
      fix: meant ? `did you mean --label ${meant}?` : 'make a dry run with this label',
    },
  );
}
