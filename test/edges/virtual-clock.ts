import type { Clock } from '../../lib/world.ts';

interface Sleeper {
  at: number;
  wake: () => void;
}

/**
 * A clock for code that waits for servers: time stands still while a request is under way, and jumps to the next one who wakes when
 * there is none. Hours pass in milliseconds; nothing is mocked but the waiting.
 */
export class VirtualClock implements Clock, Disposable {
  /** Time stands still whatever happens. */
  frozen = false;
  readonly #sleepers = new Set<Sleeper>();
  readonly #timer: ReturnType<typeof setInterval>;
  #time = Date.parse('2026-11-23T04:26:11.739Z');
  #underWay = 0;
  #held = 0;

  constructor() {
    this.#timer = setInterval(() => this.#jump(), 1);
  }

  now = (): Date => new Date(this.#time);

  sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper = { at: this.#time + ms, wake: resolve };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason);
      });
    });
  };

  fetch = Object.assign(
    async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
      this.#underWay++;
      const letGo = () => {
        this.#held = Math.max(0, this.#held - 1); // at once: the rejection comes later
      };
      init?.signal?.addEventListener('abort', letGo);
      try {
        const answer = await fetch(input, init);
        return new Response(await answer.arrayBuffer(), answer);
      } finally {
        init?.signal?.removeEventListener('abort', letGo);
        this.#underWay--;
      }
    },
    { preconnect: () => {} },
  ) as typeof fetch;

  /** For a server that took a request and says nothing, ever: time goes on. */
  hold = (): Promise<never> => {
    this.#held++;
    return new Promise(() => {});
  };

  /** Somebody sleeps, and no request is under way. */
  get isIdle(): boolean {
    return this.#sleepers.size > 0 && this.#underWay <= this.#held;
  }

  #jump(): void {
    if (this.frozen || !this.isIdle) return;
    const [next] = [...this.#sleepers].sort((a, b) => a.at - b.at);
    if (!next) return;
    this.#time = Math.max(this.#time, next.at);
    this.#sleepers.delete(next);
    next.wake();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
