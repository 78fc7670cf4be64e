import { isLocal, isSocket } from '../spec/database-tls.ts';
import { spaceOf } from '../spec/operations.ts';
import type { World } from '../world.ts';
import { type Place, placeName } from './tcp.ts';

export const SPACE_PORTS: readonly number[] = [80, 443, 8080]; // huggingface.co/docs/hub/spaces-overview, "Networking"

export const SPACE_REACHES = `a Space reaches only the ports ${SPACE_PORTS.join(', ')}`;

/** What the network says where a policy forbids a port: nothing, as a rule; or it refuses, or has no route. */
const BY_POLICY = /^(ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|EACCES|EPERM)$/;

/** Whether it is by the Space's limits, as far as one can tell, that a port cannot be reached. The Hub documents none for Jobs. */
export function isBlocked({ host, port }: Place, code: string, env: World['env']): boolean {
  return spaceOf(env) !== undefined && !isSocket(host) && !SPACE_PORTS.includes(port) && BY_POLICY.test(code);
}

/** That a Space which is to run this cannot reach what can be reached here. */
export function unreachableFor(space: string | undefined, place: Place, env: World['env']): string[] {
  const isElsewhere = space !== undefined && spaceOf(env) === undefined && !isLocal(place.host);
  if (!isElsewhere || SPACE_PORTS.includes(place.port)) return [];
  return [`${space} may not reach ${placeName(place)}: ${SPACE_REACHES}; a Job may (--submit)`];
}
