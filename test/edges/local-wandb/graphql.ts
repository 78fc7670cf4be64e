import { type LocalRun, newRun, Refusal, type WandbState } from './runs.ts';

type Variables = Record<string, unknown>;
type Operation = (state: WandbState, variables: Variables) => unknown;

/** What the server can do, and the words that a query of it may use: anything else is not in the schema. */
const OPERATIONS: Record<string, { run: Operation; words: string }> = {
  Viewer: { run: viewer, words: 'viewer id entity username email flags teams edges node name' },
  ServerFeaturesQuery: {
    run: () => ({ serverInfo: { features: [] } }),
    words: 'serverInfo features name isEnabled',
  },
  UpsertBucket: {
    run: upsertBucket,
    words:
      'upsertBucket input id name groupName modelName entityName description displayName notes config commit host debug jobProgram ' +
      'jobRepo jobType state sweep tags summaryMetrics bucket sweepName project entity historyLineCount inserted',
  },
  NotifyScriptableRunAlert: {
    run: notify,
    words: 'notifyScriptableRunAlert input entityName projectName runName title text severity waitDuration success',
  },
  CreateRunFiles: {
    run: createRunFiles,
    words: 'createRunFiles input entityName projectName runName files runID uploadHeaders name uploadUrl',
  },
  OrganizationCoreWeaveOrganizationID: {
    run: () => ({ entity: { organization: null } }),
    words: 'entity name entityName organization coreWeaveOrganizationId',
  },
};

export function operationName({ operationName: given, query }: { operationName?: unknown; query?: unknown }): string {
  return typeof given === 'string' ? given : (/\b(?:query|mutation)\s+(\w+)/.exec(String(query))?.[1] ?? '');
}

/** @returns `data`; undefined where there is no such operation */
export function answer(state: WandbState, body: { query?: unknown; variables?: unknown }): unknown {
  const name = operationName(body);
  const operation = OPERATIONS[name];
  if (!operation) return undefined;
  const variables = (body.variables ?? {}) as Variables;
  checkQuery(String(body.query), name, operation.words, variables);
  return operation.run(state, variables);
}

/** As the server would against its schema: fields that it does not have, variables of another type or undeclared. */
function checkQuery(query: string, name: string, words: string, variables: Variables): void {
  const declared = new Map(
    [...query.matchAll(/\$(\w+):\s*([[\]\w!]+)/g)].map(([, each = '', type = '']) => [each, type]),
  );
  const allowed = new Set(['query', 'mutation', name, 'INFO', ...words.split(' ')]);
  const body = query.replace(/#.*$/gm, '').replace(/\$\w+:\s*[[\]\w!]+|\$\w+/g, '');
  for (const [word] of body.matchAll(/\w+/g))
    if (!allowed.has(word)) throw new Refusal(400, `Cannot query field "${word}" in ${name}`);
  for (const [each, value] of Object.entries(variables)) {
    const type = declared.get(each);
    if (type === undefined) throw new Refusal(400, `Variable "${each}" is not declared in ${name}`);
    if (value !== null && !hasType(value, type.replace(/!$/, '')))
      throw new Refusal(400, `Variable "${each}" of ${name} is no ${type}`);
  }
  for (const [each, type] of declared)
    if (type.endsWith('!') && variables[each] == null)
      throw new Refusal(400, `Variable "${each}" of ${name} is missing`);
}

function hasType(value: unknown, type: string): boolean {
  switch (type) {
    case 'String':
      return typeof value === 'string';
    case 'Boolean':
      return typeof value === 'boolean';
    case 'Duration':
      return Number.isInteger(value);
    case 'AlertSeverity':
      return ['INFO', 'WARN', 'ERROR'].includes(String(value));
    case '[String!]':
      return Array.isArray(value) && value.every((each) => typeof each === 'string');
    case 'JSONString':
      return typeof value === 'string' && isJsonObject(value);
    default:
      return false;
  }
}

function isJsonObject(text: string): boolean {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function viewer({ entity }: WandbState): unknown {
  return {
    viewer: {
      id: 'VXNlcjox',
      entity,
      username: entity,
      email: 'tester@example.org',
      flags: '{}',
      teams: { edges: [{ node: { name: entity } }] },
    },
  };
}

function upsertBucket(state: WandbState, variables: Variables): unknown {
  const text = (name: string) => (typeof variables[name] === 'string' ? (variables[name] as string) : undefined);
  const entity = text('entity') ?? state.entity;
  if (!state.entities.has(entity)) throw new Refusal(404, `entity ${entity} not found`);
  const project = text('project') ?? 'uncategorized';
  if (project.length > 128 || /[/\\#?%:]/.test(project)) throw new Refusal(400, 'invalid project name');
  const id = text('name') ?? `run${state.runs.size}`;
  if (/[:;,#?/']/.test(id)) throw new Refusal(400, 'invalid run name');
  const known = state.runs.get(id);
  const inserted = known === undefined || known.complete; // without resuming, a run of the same id is written over
  const run = inserted ? newRun(id, project, entity) : known;
  state.runs.set(id, run);
  run.displayName = text('displayName') ?? run.displayName;
  for (const name of ['jobType', 'notes', 'groupName', 'host', 'program', 'commit', 'repo'] as const)
    run[name] = text(name) ?? run[name];
  run.tags = tagsOf(variables.tags) ?? run.tags;
  if (text('config') !== undefined) run.config = configOf(text('config') ?? '');
  return {
    upsertBucket: {
      bucket: {
        id: Buffer.from(`Run:v1:${id}:${project}:${entity}`).toString('base64'),
        name: id,
        displayName: run.displayName,
        description: null,
        config: JSON.stringify(run.config),
        sweepName: null,
        project: { id: 'UHJvamVjdDox', name: project, entity: { id: 'RW50aXR5OjE=', name: entity } },
        historyLineCount: run.history.length,
      },
      inserted,
    },
  };
}

function tagsOf(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  if (value.some((tag) => tag.length < 1 || tag.length > 64)) throw new Refusal(400, 'a tag has 1 to 64 characters');
  return value;
}

function configOf(text: string): Record<string, unknown> {
  const config = JSON.parse(text) as Record<string, unknown>;
  for (const [key, entry] of Object.entries(config))
    if (typeof entry !== 'object' || entry === null || !('value' in entry))
      throw new Refusal(400, `config ${key} has no value`);
  return config;
}

function notify(state: WandbState, variables: Variables): unknown {
  const run = findRun(state, variables.entityName, variables.projectName, variables.runName);
  const { title, text, severity = 'INFO', waitDuration } = variables as Record<string, string>;
  if (String(title).length >= 64) throw new Refusal(400, 'a title has less than 64 characters');
  run.alerts.push({
    title: String(title),
    text: String(text),
    severity,
    waitDuration: waitDuration == null ? undefined : Number(waitDuration),
  });
  return { notifyScriptableRunAlert: { success: true } };
}

function createRunFiles(state: WandbState, variables: Variables): unknown {
  const run = findRun(state, variables.entity, variables.project, variables.run);
  const files = (variables.files as string[]).map((name) => {
    const path = `/storage/${run.id}/${name}`;
    state.uploads.set(path, { run, name });
    return { name, uploadUrl: `${state.url}${path}?signature=local` };
  });
  return { createRunFiles: { runID: run.id, uploadHeaders: [UPLOAD_HEADER], files } };
}

/** Storage of a self-hosted server may ask for headers; an upload without it is refused. */
export const UPLOAD_HEADER = 'X-Local-Storage:1';

export function findRun(state: WandbState, entity: unknown, project: unknown, id: unknown): LocalRun {
  const run = state.runs.get(String(id));
  if (!run || run.entity !== entity || run.project !== project) throw new Refusal(404, 'run not found');
  return run;
}
