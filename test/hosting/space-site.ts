import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { main } from '../../pipeline.ts';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { onHub, SHIPPED, type Site } from '../run/site.ts';
import { clockOf, PROJECT, type TestWorld, type TestWorldOptions } from '../run/world.ts';

export const SPACE = 'tester/prepare';

/** What the Dockerfile copies, so what the image has. */
function imageFiles(): Record<string, string> {
  const paths = [
    ...new Bun.Glob('lib/**/*').scanSync({ cwd: PROJECT }),
    ...['package.json', 'pipeline.ts', 'pipeline.config.yaml', 'pipeline.schema.json', 'Dockerfile'],
  ];
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(PROJECT, path), 'utf8')]));
}

let image: Record<string, string> | undefined;

/**
 * A local Hub that has the program as a Space.
 *
 * @param program another pipeline.ts, for tests of what is about the Job and not of what it does
 */
export async function startHubWithSpace(program?: string): Promise<LocalHub> {
  const hub = await startLocalHub({ namespaces: ['tester'] });
  hub.createSpace(SPACE).stage = 'PAUSED';
  image ??= imageFiles();
  const other = program === undefined ? undefined : { 'pipeline.ts': program, 'pipeline.config.yaml': SHIPPED };
  hub.commit(`spaces/${SPACE}`, other ?? image);
  return hub;
}

export interface Submitted {
  exitCode: number;
  world: TestWorld;
  /** All that a person saw. */
  seen: string;
}

/** A world of somebody at a desk who has this Space. */
export function deskWorld(site: Site, hub: LocalHub, { env, ...more }: TestWorldOptions = {}): TestWorld {
  return site.world({
    clock: clockOf(100),
    ...more,
    env: {
      PREPARE_DATASET_SPACE_ID: SPACE,
      ...onHub(hub),
      HF_HUB_DISABLE_XET: '1',
      ...env,
    },
  });
}

export async function submit(
  site: Site,
  hub: LocalHub,
  argv: string[] = [],
  { yaml = SHIPPED, ...options }: TestWorldOptions & { yaml?: string; during?: (world: TestWorld) => void } = {},
): Promise<Submitted> {
  await Bun.write(join(site.folder, 'pipeline.config.yaml'), yaml);
  const world = deskWorld(site, hub, options);
  options.during?.(world);
  const exitCode = await main(['--submit', ...argv], world);
  return { exitCode, world, seen: world.stdout.text + world.stderr.text };
}

/** Method, path, answer and body of each request about Jobs, secrets masked; a poll that is repeated stands there once. */
export function jobRequests(hub: LocalHub): string[] {
  const lines = hub.requests
    .filter(({ path }) => /^\/api\/(scheduled-)?jobs|\/resolve\/main\/pipeline\.config/.test(path))
    .map(({ method, path, status, body }) => `${method} ${path} → ${status}${showBody(body)}`);
  return lines.filter((line, index) => line !== lines[index - 1]);
}

function showBody(body: unknown): string {
  if (body === undefined) return '';
  return `\n${JSON.stringify(body, (key, value) => (key === 'secrets' ? maskValues(value) : value), 2)}`;
}

const maskValues = (secrets: object) => Object.fromEntries(Object.keys(secrets).map((name) => [name, '***']));

/** With SHOW_JOBS=1, what the Hub was asked. */
export function show(title: string, lines: string[]): void {
  if (process.env.SHOW_JOBS) console.log([`\n# ${title}`, ...lines].join('\n'));
}
