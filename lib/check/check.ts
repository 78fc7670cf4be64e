import { hasColour } from '../report/layout.ts';
import { escapeJson } from '../report/terminal/text.ts';
import { planMask } from '../secrets.ts';
import type { Spec } from '../spec/spec.ts';
import type { StatusPage } from '../status/page.ts';
import type { World } from '../world.ts';
import { planDatabaseHops } from './database-hops.ts';
import { planDirectoryHop } from './directory-hops.ts';
import { HOP_MS, type Hop, mild, runHops } from './hops.ts';
import { planRepoHops, planTokenHop } from './hub-hops.ts';
import { planNoticeHops } from './notice-hops.ts';
import { planQueryHops } from './query-hops.ts';
import { renderJson, renderResult, renderSummary } from './render.ts';
import { planSourceHops } from './source-hops.ts';
import { needsToken, planRunsHops, planSpaceHops } from './space-hops.ts';
import { planSpecHops } from './spec-hops.ts';
import { planScopesHop } from './token-hop.ts';

export interface CheckOptions {
  /** An array of results instead of lines. */
  json: boolean;
  /** Milliseconds for each hop. */
  hopMs?: number;
}

/**
 * Try everything that a run needs, hop by hop, without reading a row's text and without writing anything.
 *
 * @returns the exit code: 1 when a hop is broken; warnings are allowed
 */
export async function check(
  spec: Spec,
  world: World,
  { json, hopMs = HOP_MS }: CheckOptions = { json: false },
  page?: StatusPage,
): Promise<number> {
  const { stdout, env } = world;
  const mask = planMask(env);
  const hops = planHops(spec, world);
  const idWidth = Math.max(...hops.map(({ id }) => id.length));
  const colour = hasColour(world);
  const show = page?.check(hops.map(({ id }) => id));
  const results = await runHops(
    hops,
    world,
    (result) => {
      show?.(result);
      if (!json) stdout.write(mask(renderResult(result, idWidth, colour)));
    },
    hopMs,
  );
  stdout.write(mask(json ? escapeJson(renderJson(results)) : renderSummary(results)));
  return results.some(({ status }) => status === 'fail') ? 1 : 0;
}

/** Plan all hops, in the order in which they depend on each other. */
function planHops(spec: Spec, world: World): Hop[] {
  const { hop: token, identity } = planTokenHop(world);
  const absent = new Set<string>(); // repos that a run will create
  const isOnHub = spec.labels.some(({ target }) => target.kind === 'hub');
  return [
    ...planSpecHops(spec, world),
    ...planQueryHops(spec),
    ...planDatabaseHops(spec.database, world, spec.operations.space?.id),
    ...spec.labels.flatMap((label) => planSourceHops(label, spec.database)),
    ...(isOnHub ? [token] : needsToken(spec) ? [mild(token)] : []),
    ...spec.labels.flatMap((label) =>
      label.target.kind === 'hub'
        ? planRepoHops(label, label.target.repo, identity, absent, world)
        : [planDirectoryHop(label.name, label.target.path, world)],
    ),
    ...planSpaceHops(spec, identity, world),
    ...planRunsHops(spec, identity, absent, world),
    ...planScopesHop(spec, identity, absent, world),
    ...planNoticeHops(spec.operations, world),
  ];
}
