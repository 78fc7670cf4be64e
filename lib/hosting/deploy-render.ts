import type { CheckSummary } from '../check/render.ts';
import { spacePage } from '../edges/hub-access.ts';
import { painter, plain, type Style, wrap } from '../report/layout.ts';
import { formatCount } from '../report/words.ts';
import { targetName } from '../spec/spec.ts';
import type { World } from '../world.ts';
import type { Change, DeployPlan } from './deploy-plan.ts';
import type { SpaceSettings } from './settings.ts';

const WIDTH = 80;
const NARROWEST = 40;
const HEAD = 12; // cells of the first column
const FEW = 4; // names of files that are shown of each kind

const STYLES: Record<Change, Style> = { new: 'green', changed: 'yellow', removed: 'red', same: 'dim' };

interface Look {
  colour: boolean;
  columns: number | undefined;
  /** All files that change, before the plan: however many they are, the plan stays in sight. */
  all: boolean;
}

/** The plan as text: names only, never a value. */
export function renderPlan(
  plan: DeployPlan,
  { spec, config }: SpaceSettings,
  tokenSource: string,
  { colour, columns = WIDTH, all }: Look,
): string {
  const paint = painter(colour);
  const width = Math.max(NARROWEST, Math.min(columns, WIDTH));
  const row = (head: string, text: string): string[] => {
    const [first = '', ...more] = wrap(text, width - HEAD);
    return [`  ${head.padEnd(HEAD - 2)}${first}`, ...more.map((line) => ' '.repeat(HEAD) + line)];
  };
  const rows = (head: string, texts: string[]): string[] =>
    texts.flatMap((text, index) => row(index === 0 ? head : '', text));
  const listed = (change: Change, what: string, names: readonly string[], most = names.length) => {
    if (names.length === 0) return [];
    const more = names.length > most ? ` … ${formatCount(names.length - most)} more` : '';
    return [
      `${paint(STYLES[change], `${formatCount(names.length)} ${what}`)}: ${names.slice(0, most).map(plain).join(', ')}${more}`,
    ];
  };
  const { files, variables, secrets, secretsRemoved, secretsLeft, unread, notes } = plan;
  const namesOf = (change: Change) => [...variables].flatMap(([name, each]) => (each === change ? [name] : []));
  const secretsOf = (kind: 'new' | 'again') => [...secrets].flatMap(([name, each]) => (each === kind ? [name] : []));
  const each = (sign: string, change: Change, names: readonly string[]) =>
    names.map((name) => `  ${paint(STYLES[change], sign)} ${plain(name)}`);
  const listing = all
    ? [...each('+', 'new', files.added), ...each('~', 'changed', files.changed), ...each('-', 'removed', files.removed)]
    : [];
  return `${[
    ...listing,
    ...(listing.length > 0 ? [''] : []),
    paint('bold', `Plan for ${plan.space}`),
    ...row(plan.before ? 'update' : 'create', describeSpace(plan)),
    ...row('token', tokenSource),
    ...rows('spec', [config, ...spec.labels.map(({ name, target }) => `${name} → ${targetName(target)}`)]),
    ...rows('files', [
      ...listed('new', 'new', files.added, FEW),
      ...listed('changed', 'changed', files.changed, FEW),
      ...listed('removed', 'removed', files.removed, FEW),
      ...(files.same > 0 ? [`${formatCount(files.same)} the same`] : []),
      ...(files.keepsCard ? ['README.md stays as it is there'] : []),
    ]),
    ...rows('variables', [
      ...listed('new', 'new', namesOf('new')),
      ...listed('changed', 'changed', namesOf('changed')),
      ...listed('removed', 'removed, which the file does not have as such', namesOf('removed')),
      ...listed('same', 'the same', namesOf('same')),
    ]),
    ...rows('secrets', [
      ...listed('new', 'new', secretsOf('new')),
      ...listed('changed', 'written again, since they cannot be read', secretsOf('again')),
      ...listed('removed', 'removed, now variables', secretsRemoved),
      ...listed('same', 'only there, and left alone', secretsLeft),
    ]),
    ...(unread.length > 0 ? row('unread', `${unread.join(', ')}: in the file, read by nothing, not sent`) : []),
    ...notes.flatMap((note) => row(paint('yellow', 'note'.padEnd(HEAD - 2)), note)),
    ...row('then', '--check runs there, and the Space is paused; nothing is published'),
  ].join('\n')}\n\n`;
}

function describeSpace({ before, pauses }: DeployPlan): string {
  if (!before) return 'a private Docker Space, on the Hub’s basic hardware';
  const { stage = 'stage not told', hardware } = before;
  const kept = hardware ? `; ${plain(hardware)}, as it is` : '';
  return `private${kept}; ${plain(stage)}${pauses ? ': paused first, which ends a run that is under way' : ''}`;
}

/** How the check ended there, and what is left. */
export function renderChecked(space: string, { broken }: CheckSummary, env: World['env']): string {
  const page = spacePage(space, env);
  if (broken.length > 0) return `\n${space} is paused, with the new files and settings: ${page}\n`;
  return `
${space} is ready, and paused.
Start its first run, and watch it: ${page}
Every night: docs/deploy.md#restarting-it, or as a Job: docs/jobs.md#schedules
`;
}
