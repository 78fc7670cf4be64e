import { PipelineError } from '../errors.ts';
import type { World } from '../world.ts';
import { readDocument } from './document.ts';
import { readSpecFile } from './file.ts';
import { SpecError } from './problems.ts';
import type { TargetSpec } from './spec.ts';
import { parseTarget } from './target.ts';

/**
 * Where a YAML keeps the history of runs. Nothing else of it is looked at: at a desk most of its variables are not set.
 *
 * @throws PipelineError SPEC_NOT_FOUND, HISTORY_MISSING; SpecError where `runs` cannot be read or is no name
 */
export async function readRuns(config: string, { cwd, env }: Pick<World, 'cwd' | 'env'>): Promise<TargetSpec> {
  const text = await readSpecFile(config, cwd);
  const document = readDocument(text, env);
  const [start, end] = document.valueRange(['runs']);
  const { runs } = (document.value ?? {}) as { runs?: unknown };
  const { runs: template } = (document.template ?? {}) as { runs?: unknown };
  const missing = document.missing.some(({ path }) => path[0] === 'runs');
  if (typeof template !== 'string' || missing || typeof runs !== 'string' || runs.trim() === '') {
    if (template === undefined && document.problems.length > 0) throw new SpecError(config, text, document.problems);
    throw historyMissing(config, template);
  }
  const target = parseTarget(runs.trim());
  if (!('problem' in target)) return target;
  const message = `Cannot use runs ${JSON.stringify(runs)}: ${target.problem}`;
  throw new SpecError(config, text, [{ code: 'REPO_NAME', message, start, end }]);
}

function historyMissing(config: string, template: unknown): PipelineError {
  const variable = typeof template === 'string' ? /\$\{([A-Za-z_]\w*)/.exec(template)?.[1] : undefined;
  return variable === undefined
    ? new PipelineError('HISTORY_MISSING', `Cannot find a history of runs: ${config} keeps none`, {
        fix: 'write runs: owner/name (a private dataset repo) or runs: ./folder',
      })
    : new PipelineError('HISTORY_MISSING', `Cannot find the history of runs: ${variable} is not set`, {
        fix: `set ${variable} to owner/name of the private dataset repo, or to the directory, that keeps it`,
      });
}
