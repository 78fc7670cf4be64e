export interface FaultAnswer {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
}

/** What goes wrong, and when. Rules are tried in the order they were given; the first that fits is used up. */
export interface FaultRule {
  method?: string;
  /** Searched in the path with its query. */
  path: RegExp;
  /** Fitting requests to let through first; default 0. */
  after?: number;
  /** Requests to spoil; default 1. */
  times?: number;
  /** Apply the request first, then lose its answer. */
  land?: boolean;
  /** Runs before the request is served, e.g. to let someone else commit. */
  before?: () => void | Promise<void>;
  /** Instead of the real answer: another one, or a closed connection. Without it the real answer is sent. */
  answer?: FaultAnswer | 'drop';
}

export interface Fault {
  /** Requests spoilt so far. */
  readonly hits: number;
}

interface ActiveFault {
  rule: FaultRule;
  passed: number;
  hits: number;
}

export class Faults {
  private readonly active: ActiveFault[] = [];

  add(rule: FaultRule): Fault {
    const fault = { rule, passed: 0, hits: 0 };
    this.active.push(fault);
    return fault;
  }

  take(method: string, path: string): FaultRule | undefined {
    for (const fault of this.active) {
      const { rule } = fault;
      if ((rule.method ?? method) !== method || path.search(rule.path) < 0) continue;
      if (fault.hits >= (rule.times ?? 1)) continue;
      if (fault.passed++ < (rule.after ?? 0)) continue;
      fault.hits++;
      return rule;
    }
    return undefined;
  }
}

export function faultResponse(answer: FaultAnswer | 'drop'): Response {
  if (answer === 'drop') return new Response(closingStream());
  const { status, headers = {}, body } = answer;
  if (body === undefined || typeof body === 'string') return new Response(body ?? null, { status, headers });
  return Response.json(body, { status, headers });
}

// Bun closes the connection, sending nothing, when a body fails before its first byte.
const closingStream = () => new ReadableStream({ pull: (controller) => controller.error() });
