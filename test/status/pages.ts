import { type BOUNDS, type PageServer, servePage } from '../../lib/edges/page-server.ts';
import { EventStream } from '../../lib/events.ts';
import type { EffectReport, LabelReport, RunReport } from '../../lib/report/report.ts';
import type { Run } from '../../lib/run.ts';
import { readAssets } from '../../lib/status/assets.ts';
import type { Limits } from '../../lib/status/broadcast.ts';
import { type Place, StatusPage } from '../../lib/status/page.ts';
import { HEADERS, planRoutes } from '../../lib/status/routes.ts';
import { runReport } from '../report/reports.ts';
import { type TestWorld, testWorld } from '../run/world.ts';

/** A page whose run is what a test says, served on a port of its own. */
export interface TestPage extends AsyncDisposable {
  page: StatusPage;
  server: PageServer;
  world: TestWorld;
  events: EventStream;
  /** What the report of the run says; to be changed before an event is emitted. */
  labels: LabelReport[];
  warnings: string[];
  follow(): void;
}

export interface TestPageOptions {
  labels?: LabelReport[];
  place?: Place;
  port?: number;
  /** Faster than for people: nothing of a test waits for a frame of a quarter of a second. */
  limits?: Partial<Limits>;
  effects?: EffectReport[];
  bounds?: typeof BOUNDS;
  env?: Record<string, string>;
  now?: () => Date;
}

export async function openTestPage({
  labels = [],
  place = 'space',
  port = 0,
  limits = {},
  effects = [],
  bounds,
  env = { SPACE_ID: 'acme/prepare' },
  now = () => new Date(),
}: TestPageOptions = {}): Promise<TestPage> {
  const world = testWorld({ env, clock: { now, sleep: () => Promise.resolve() } });
  const all = { most: 256, frameMs: 5, tickMs: 1000, heartbeatTicks: 15, ...limits };
  const page = new StatusPage({ config: 'pipeline.config.yaml' }, world, place, all);
  const server = await servePage({ host: '127.0.0.1', port }, planRoutes(page, await readAssets()), {
    headers: HEADERS,
    ...(bounds && { bounds }),
  });
  page.serve(server);
  const events = new EventStream(now);
  const warnings: string[] = [];
  const startedAt = now();
  const operations = {
    wandb: effects.some(({ kind }) => kind === 'tracking') ? { project: 'grievances' } : undefined,
    email: effects.some(({ kind }) => kind === 'email') ? { when: 'always', to: ['a@example.org'] } : undefined,
    runs: effects.some(({ kind }) => kind === 'history') ? { kind: 'hub', repo: 'acme/runs' } : undefined,
    space: effects.some(({ kind }) => kind === 'pause') ? { id: 'acme/prepare', pause: 'always' } : undefined,
  };
  const run = {
    version: '0.1.0',
    options: { dryRun: false },
    spec: { operations },
    events,
    startedAt,
    get labels() {
      return labels.map((report) => ({ report }));
    },
  } as unknown as Run;
  const report = (done: EffectReport[]): RunReport => ({
    ...runReport(structuredClone(labels), [...warnings]),
    startedAt: startedAt.toISOString(),
    seconds: (now().getTime() - startedAt.getTime()) / 1000,
    effects: done,
  });
  return {
    page,
    server,
    world,
    events,
    labels,
    warnings,
    follow: () => page.follow(run, report),
    async [Symbol.asyncDispose]() {
      world.interrupt();
      await page[Symbol.asyncDispose]();
    },
  };
}
