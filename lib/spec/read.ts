import { LineCounter } from 'yaml';
import { PipelineError } from '../errors.ts';
import type { Options } from '../options.ts';
import type { World } from '../world.ts';
import { check } from './check.ts';
import { type DatabaseAddress, parseDatabaseUrl } from './database-url.ts';
import { type LocatedDocument, readDocument } from './document.ts';
import { readSpecFile } from './file.ts';
import { nearest } from './nearest.ts';
import { checkOperations, resolveJob, resolveOperations } from './operations.ts';
import { SpecError, type SpecProblem } from './problems.ts';
import { DATABASE_DEFAULTS, LEAST_MEMORY_MB, mergeCommon, resolveDatabase, resolveLabel } from './resolve.ts';
import type { RawCommon, RawSpec } from './schema.ts';
import type { Spec } from './spec.ts';
import { parseDuration, parseMegabytes } from './units.ts';
import { validate } from './validate.ts';

const VARIABLES_OF_A_RUN = 'in the environment, in the Space’s secrets, or in a .env file beside pipeline.ts';

/**
 * Read pipeline.config.yaml.
 *
 * @param settable where its variables can be set, for who lacks one
 * @throws SpecError with all problems at once; PipelineError SPEC_NOT_FOUND, LABEL_UNKNOWN
 */
export async function readSpec(
  { config, labels }: Pick<Options, 'config' | 'labels'>,
  world: Pick<World, 'cwd' | 'env'>,
  settable?: string,
): Promise<Spec> {
  const text = await readSpecFile(config, world.cwd);
  const spec = parseSpec(config, text, world.env, settable);
  const declared = spec.labels.map(({ name }) => name);
  const unknown = labels.find((name) => !declared.includes(name));
  if (unknown === undefined)
    return labels.length === 0 ? spec : { ...spec, labels: spec.labels.filter(({ name }) => labels.includes(name)) };
  const meant = nearest(unknown, declared);
  throw new PipelineError('LABEL_UNKNOWN', `Cannot run label "${unknown}": ${config} declares ${declared.join(', ')}`, {
    fix: meant ? `did you mean --label ${meant}?` : 'declare it under labels:',
  });
}

/** The same from a text; pure. */
export function parseSpec(
  file: string,
  text: string,
  env: Record<string, string | undefined>,
  settable = VARIABLES_OF_A_RUN,
): Spec {
  const document = readDocument(text, env);
  const usable = document.problems.every(({ code }) => code === 'VARIABLE_SYNTAX' || code === 'VALUE_INVALID'); // else the YAML has no values to check
  const raw = usable ? validate(document) : undefined;
  if (usable) {
    check(document);
    checkOperations(document);
  }
  if (document.missing.length > 0) document.problems.push(missingVariables(document, settable));
  const database = usable ? readDatabase(document, env) : undefined;
  if (document.problems.length > 0 || !raw || !database) throw new SpecError(file, text, document.problems);
  return {
    file,
    database: database(raw),
    labels: resolveLabels(raw, document),
    operations: resolveOperations(raw, env),
    job: resolveJob(raw),
  };
}

function resolveLabels(raw: RawSpec, document: LocatedDocument): Spec['labels'] {
  const template = document.template as RawSpec;
  const defaults = raw.defaults ?? {};
  return Object.entries(raw.labels).map(([name, label]) => {
    const unfilled = mergeCommon(template.defaults ?? {}, template.labels[name] as RawCommon);
    return resolveLabel(name, defaults, label, unfilled as Record<string, unknown>);
  });
}

/** All missing variables in one problem, each with the lines that need it. */
function missingVariables({ missing, text }: LocatedDocument, settable: string): SpecProblem {
  const lines = new Map<string, Set<number>>();
  const counter = new LineCounter();
  for (const { index } of text.matchAll(/^/gm)) counter.addNewLine(index);
  for (const { name, start } of missing)
    lines.set(name, (lines.get(name) ?? new Set()).add(counter.linePos(start).line));
  const listed = [...lines].map(([name, at]) => `  ${name} (line ${[...at].join(', ')})`);
  const [first] = missing;
  return {
    code: 'VARIABLE_MISSING',
    message: [`Cannot fill in ${lines.size} variable${lines.size === 1 ? '' : 's'}: not set, or empty`, ...listed].join(
      '\n',
    ),
    start: first?.start ?? 0,
    end: first?.end ?? 1,
    fix: `set them ${settable}`,
  };
}

function readDatabase(
  document: LocatedDocument,
  env: Record<string, string | undefined>,
): ((raw: RawSpec) => Spec['database']) | undefined {
  const raw = (document.value as Partial<RawSpec> | null)?.database as Record<string, unknown> | undefined;
  const report = (key: string, problem: Omit<SpecProblem, 'start' | 'end'>) => {
    const [start, end] = document.valueRange(['database', key]);
    document.problems.push({ ...problem, start, end });
  };
  const address = readAddress(raw?.url, env, report);
  const timeout = parseDuration(String(raw?.statement_timeout ?? DATABASE_DEFAULTS.statement_timeout));
  if (timeout === undefined)
    report('statement_timeout', {
      code: 'VALUE_INVALID',
      message: `Cannot use database.statement_timeout: found "${raw?.statement_timeout}", must be a duration`,
      fix: 'e.g. 90s or 10m',
    });
  const memory = parseMegabytes(String(raw?.memory_limit ?? DATABASE_DEFAULTS.memory_limit));
  if (memory === undefined || memory < LEAST_MEMORY_MB)
    report('memory_limit', {
      code: 'VALUE_INVALID',
      message: `Cannot use database.memory_limit: found "${raw?.memory_limit}", must be at least ${LEAST_MEMORY_MB}MB`,
      fix: 'e.g. 256MB',
    });
  if (!address || timeout === undefined || memory === undefined) return undefined;
  const ca = env.DATABASE_CA?.trim();
  if (ca && !ca.includes('-----BEGIN CERTIFICATE-----'))
    report('url', {
      code: 'DATABASE_CA',
      message: 'Cannot use DATABASE_CA: must be the text of a PEM certificate, -----BEGIN CERTIFICATE-----…',
      fix: 'paste the file’s content, or put its path in the URL as sslrootcert=PATH',
    });
  return (spec) => resolveDatabase(spec.database, address, timeout, memory, ca || undefined);
}

function readAddress(
  url: unknown,
  env: Record<string, string | undefined>,
  report: (key: string, problem: Omit<SpecProblem, 'start' | 'end'>) => void,
): DatabaseAddress | undefined {
  if (typeof url !== 'string' || url === '') return undefined; // the schema reports it, or the missing variable
  const parsed = parseDatabaseUrl(url, env);
  if ('address' in parsed) return parsed.address;
  for (const problem of parsed.problems) report('url', problem);
  return undefined;
}
