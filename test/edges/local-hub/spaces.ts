import * as v from 'valibot';
import { requireWrite } from './accounts.ts';
import { flag, jsonBody, type RepoContext } from './context.ts';
import { check, HubError, notSignedIn, repoNotFound } from './errors.ts';
import type { SpaceMachine } from './space-machine.ts';
import { timeOf } from './store.ts';

/** The stages of huggingface_hub `SpaceStage` that the local hub knows. */
type Stage =
  | 'NO_APP_FILE'
  | 'CONFIG_ERROR'
  | 'BUILDING'
  | 'BUILD_ERROR'
  | 'APP_STARTING'
  | 'RUNNING'
  | 'RUNTIME_ERROR'
  | 'PAUSED';

export interface SpaceVariable {
  value: string;
  description?: string;
  /** ISO 8601. */
  updatedAt: string;
}

/** What a Space has besides its files. */
export interface SpaceState {
  readonly sdk: string;
  stage: Stage;
  /** Every stage that it had, in order. */
  readonly stages: Stage[];
  readonly variables: Map<string, SpaceVariable>;
  /** They can be written and never read again. */
  readonly secrets: Map<string, string>;
  /** Of a hub whose Spaces are real: what builds and runs it. */
  machine?: SpaceMachine;
}

export function newSpace(sdk: string, stage: Stage): SpaceState {
  return { sdk, stage, stages: [stage], variables: new Map(), secrets: new Map() };
}

export function enter(space: SpaceState, stage: Stage): void {
  space.stage = stage;
  space.stages.push(stage);
}

export function spaceOf({ hub, repo }: RepoContext): SpaceState {
  const space = repo.type === 'spaces' ? hub.spaces.get(repo.id) : undefined;
  if (!space) throw repoNotFound();
  return space;
}

/** As the real Hub answered: huggingface_hub tests/cassettes/TestSpaceAPIProduction. A static Space has no hardware. */
export function describeRuntime({ sdk, stage }: SpaceState, id: string) {
  const hardware = { current: stage === 'RUNNING' ? 'cpu-basic' : null, requested: 'cpu-basic' };
  if (sdk === 'static')
    return {
      stage,
      hardware: { current: null, requested: null },
      storage: null,
      replicas: { requested: 1, current: 1 },
    };
  return {
    stage,
    hardware,
    storage: null,
    gcTimeout: 172800,
    replicas: { requested: 1 },
    devMode: false,
    domains: [{ domain: `${id.replace('/', '-')}.hf.space`, stage: 'READY' }],
  };
}

export function runtime(context: RepoContext): Response {
  return Response.json(describeRuntime(spaceOf(context), context.repo.id));
}

export function pause(context: RepoContext): Response {
  const space = withMachine(context, 'pause');
  enter(space, 'PAUSED');
  void space.machine?.stop();
  return runtime(context);
}

/** The token of a login (OAuth) may pause and not restart: https://github.com/huggingface/huggingface_hub/issues/4972 */
export function restart(context: RepoContext): Response {
  if (context.token?.oauth) throw notSignedIn();
  flag(context, 'factory');
  const space = withMachine(context, 'restart');
  rebuild(space);
  return runtime(context);
}

function withMachine(context: RepoContext, verb: string): SpaceState {
  const space = spaceOf(context);
  if (space.sdk === 'static') throw new HubError(400, `Cannot ${verb} a static Space`);
  return space;
}

const Key = v.pipe(v.string(), v.regex(/^[A-Za-z][A-Za-z0-9_]*$/, 'is no name of a variable'));
const Setting = v.strictObject({ key: Key, value: v.string(), description: v.optional(v.string()) });
const Named = v.strictObject({ key: Key });

const listVariables = ({ variables }: SpaceState) => Response.json(Object.fromEntries(variables));

export function variables(context: RepoContext): Response {
  return listVariables(spaceOf(context));
}

export function setVariable(context: RepoContext): Response {
  const space = spaceOf(context);
  const { key, value, ...given } = check(Setting, jsonBody(context), 'variable');
  const description = given.description ?? space.variables.get(key)?.description; // kept, as the real Hub does
  const updatedAt = timeOf(context.hub.sequence.next());
  space.variables.set(key, { value, ...(description !== undefined && { description }), updatedAt });
  changed(space);
  return listVariables(space);
}

export function deleteVariable(context: RepoContext): Response {
  const space = spaceOf(context);
  const { key } = check(Named, jsonBody(context), 'variable');
  if (space.variables.delete(key)) changed(space);
  return listVariables(space);
}

export function setSecret(context: RepoContext): Response {
  const space = spaceOf(context);
  const { key, value } = check(Setting, jsonBody(context), 'secret');
  space.secrets.set(key, value);
  changed(space);
  return Response.json({});
}

export function secrets(context: RepoContext): Response {
  const names = [...spaceOf(context).secrets.keys()];
  return Response.json(Object.fromEntries(names.map((key) => [key, { updatedAt: timeOf(0) }])));
}

export function deleteSecret(context: RepoContext): Response {
  const space = spaceOf(context);
  if (space.secrets.delete(check(Named, jsonBody(context), 'secret').key)) changed(space);
  return Response.json({});
}

/** A Space that runs is started anew with its new environment. */
function changed(space: SpaceState): void {
  if (space.stage === 'RUNNING' || space.stage === 'APP_STARTING') rebuild(space);
}

function rebuild(space: SpaceState): void {
  if (space.machine) space.machine.rebuild();
  else enter(space, 'BUILDING');
}

/** A commit builds a Space, but for one that is paused: who paused it starts it. */
export function committed(space: SpaceState | undefined): void {
  if (space?.machine && space.stage !== 'PAUSED') space.machine.rebuild();
}

/** Server-sent events, as huggingface_hub reads them; the stream ends with the program. */
export function logs(context: RepoContext): Response {
  const { machine } = spaceOf(context);
  const kind = context.params.kind === 'build' ? 'build' : 'run';
  async function* events() {
    yield 'data:\n\n'; // a keep-alive
    for await (const line of machine?.log(kind) ?? []) yield `data: ${JSON.stringify(line)}\n\n`;
  }
  return new Response(events(), { headers: { 'Content-Type': 'text/event-stream' } });
}

/** Only who may write a Space may see and change how it runs. */
export const ofSpace = (answer: (context: RepoContext) => Response) => (context: RepoContext) => {
  spaceOf(context);
  requireWrite(context, context.repo.namespace, context.repo);
  return answer(context);
};
