import { SPACE_PORTS, SPACE_REACHES } from '../check/space-ports.ts';
import type { SpaceRepo, SpaceVariable } from '../edges/space.ts';
import type { RemoteFiles } from '../edges/space-files.ts';
import { PipelineError } from '../errors.ts';
import { isLocal } from '../spec/database-tls.ts';
import { type Spec, targetName } from '../spec/spec.ts';
import { isSameName } from '../spec/target.ts';
import { type FileChanges, type Files, planFiles } from './checkout.ts';
import type { SpaceSettings } from './settings.ts';
import type { FoundToken } from './token.ts';

/** What will be there, all of it from this machine. */
export interface Wanted {
  id: string;
  settings: SpaceSettings;
  files: Files;
  token: FoundToken;
}

/** A Space as it is before. */
export interface FoundSpace extends SpaceRepo {
  files: RemoteFiles;
  variables: ReadonlyMap<string, SpaceVariable>;
  secretNames: readonly string[];
}

export type Change = 'new' | 'changed' | 'same' | 'removed';

export interface DeployPlan {
  space: string;
  before: SpaceRepo | undefined;
  /** It runs, or may: it is paused before anything else changes. */
  pauses: boolean;
  files: FileChanges;
  /** By name; values are never shown. */
  variables: Map<string, Change>;
  /** By name; whether a value is the same cannot be known. */
  secrets: Map<string, 'new' | 'again'>;
  /** Secrets that become variables: one name cannot be both. */
  secretsRemoved: string[];
  /** Secrets of the Space that the file does not have. They stay: their values could not be given back. */
  secretsLeft: string[];
  /** Names of the file that nothing reads. */
  unread: string[];
  /** What somebody should know before. */
  notes: string[];
}

/** Set for the check, and removed after it; the file may hold one of its own. */
export const CHECK = 'CHECK';

/**
 * Plan a deployment.
 *
 * @throws PipelineError TARGET_PUBLIC, USAGE for a Space that cannot be deployed to
 */
export function planDeploy(
  space: string,
  settings: SpaceSettings,
  local: Files,
  before: FoundSpace | undefined,
): DeployPlan {
  if (before) refuseSpace(space, before);
  const { variables, secrets, unread, spec } = settings;
  const known = before?.secretNames ?? [];
  return {
    space,
    before,
    pauses: before !== undefined && !AT_REST.has(before.stage ?? ''),
    files: planFiles(local, before?.files),
    variables: planVariables(settings, before?.variables ?? new Map()),
    secrets: new Map([...secrets.keys()].map((name) => [name, known.includes(name) ? 'again' : 'new'])),
    secretsRemoved: known.filter((name) => variables.has(name)),
    secretsLeft: known.filter((name) => !variables.has(name) && !secrets.has(name)),
    unread,
    notes: planNotes(space, spec, settings),
  };
}

/** Stages in which no machine runs, and none is made ready. */
const AT_REST: ReadonlySet<string> = new Set(['PAUSED', 'STOPPED', 'NO_APP_FILE']);

function refuseSpace(space: string, { private: isPrivate, sdk }: FoundSpace): void {
  if (sdk !== 'docker')
    throw new PipelineError('USAGE', `Cannot deploy to ${space}: it is a Space of ${sdk ?? 'no SDK'}, must be docker`, {
      fix: 'name another Space; one that does not exist is created',
    });
  if (!isPrivate)
    throw new PipelineError(
      'TARGET_PUBLIC',
      `Cannot deploy to ${space}: the Space is public, and so are its page, its YAML and its variables`,
      { fix: 'make it private in its settings, or name another Space' },
    );
}

/** The file is the truth for what the program reads; what others have set there, it leaves alone. */
function planVariables(
  { variables, secrets, read }: SpaceSettings,
  there: ReadonlyMap<string, SpaceVariable>,
): Map<string, Change> {
  const changes = new Map<string, Change>();
  for (const [name, value] of variables) {
    const found = there.get(name);
    changes.set(name, !found ? 'new' : found.value === value ? 'same' : 'changed');
  }
  for (const name of there.keys())
    if (!variables.has(name) && name !== CHECK && (read.has(name) || secrets.has(name))) changes.set(name, 'removed');
  return changes;
}

function planNotes(space: string, { database, labels, operations }: Spec, { secrets }: SpaceSettings): string[] {
  const { hosts } = database.address;
  const isHere = hosts.some(({ host }) => isLocal(host));
  const closed = hosts.filter(({ port }) => !SPACE_PORTS.includes(port)).map(({ port }) => port);
  const onHub = labels.filter(({ target }) => target.kind === 'hub').map(({ name }) => name);
  const lost = labels.filter(({ target }) => target.kind === 'directory');
  const { runs, space: paused } = operations;
  const directories = [
    ...lost.map(({ name, target }) => `${name} (${targetName(target)})`),
    ...(runs?.kind === 'directory' ? [`runs (${targetName(runs)})`] : []),
  ];
  const note = (when: boolean, text: string) => (when ? [text] : []);
  return [
    ...note(
      isHere,
      'The database’s address is localhost or a socket: in the Space that is the Space itself, not this machine.',
    ),
    ...note(
      !isHere && closed.length > 0,
      `The database listens on ${[...new Set(closed)].join(', ')}; ${SPACE_REACHES}. A Job may reach more (--submit).`,
    ),
    ...note(
      onHub.length > 0 && !secrets.has('HF_TOKEN'),
      `The file has no HF_TOKEN, and ${onHub.join(', ')} go to the Hub: a Space gets no token by itself.`,
    ),
    ...note(
      directories.length > 0,
      `A Space loses its disk when it is paused, and with it what is written there: ${directories.join(', ')}.`,
    ),
    ...note(
      paused !== undefined && !isSameName(paused.id, space),
      `A run pauses ${paused?.id}, not this Space: space.id says so.`,
    ),
  ];
}
