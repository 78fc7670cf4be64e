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
  /** Instead of the real answer: another one, a closed connection, or a connection that closes in the middle. Without it the real answer is sent. */
  answer?: FaultAnswer | 'drop' | 'cut';
}

/** Called when a request has come, and when it was served but not answered; what it returns is awaited. */
export type Passing = (stage: 'before' | 'after', request: { method: string; path: string }) => void | Promise<void>;

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

export function faultResponse(answer: FaultAnswer | 'drop' | 'cut'): Response {
  if (answer === 'drop') return new Response(closingStream());
  if (answer === 'cut') return new Response(closingStream('{"'), { headers: { 'Content-Type': 'application/json' } });
  const { status, headers = {}, body } = answer;
  if (body === undefined || typeof body === 'string') return new Response(body ?? null, { status, headers });
  return Response.json(body, { status, headers });
}

/** Bun closes the connection when a body fails; it has sent nothing when that comes before the first byte. */
function closingStream(begin?: string): ReadableStream<Uint8Array> {
  let begun = false;
  return new ReadableStream({
    async pull(controller) {
      if (begin === undefined || begun) return controller.error();
      begun = true;
      controller.enqueue(new TextEncoder().encode(begin));
    },
  });
}
