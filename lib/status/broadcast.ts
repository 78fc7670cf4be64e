/** A part of the page that is sent by itself when it changed. */
export interface Part {
  id: string;
  markup: string;
}

/** What is to be seen at a moment. */
export interface View {
  title: string;
  /** In their order on the page. */
  parts: readonly Part[];
  /** Nothing is going to change any more. */
  over: boolean;
}

export interface Limits {
  /** Listeners at a time. */
  most: number;
  /** Milliseconds between two drawings. */
  frameMs: number;
  /** Milliseconds between two drawings while nothing happens but that time passes. */
  tickMs: number;
  /** Ticks without a change until a heartbeat is sent. */
  heartbeatTicks: number;
}

export const LIMITS: Limits = { most: 256, frameMs: 250, tickMs: 1000, heartbeatTicks: 15 };

const RETRY_MS = 2000; // before a browser connects again
const HEARTBEAT = encode(': still here\n\n');

interface Listener {
  /** The newest version that it was sent; 0: nothing yet. */
  seen: number;
  /** Takes the next chunk; undefined while the connection is busy with the one before. */
  take: ((chunk: Uint8Array | undefined) => void) | undefined;
}

interface Drawn {
  markup: string;
  hash: string;
  /** When it last changed. */
  version: number;
}

/**
 * The page as server-sent events. It is drawn once for all listeners, while there are any; each gets what changed since it last took
 * something, so a slow one skips states instead of filling a buffer. Whoever connects gets everything, so nothing is ever sent again.
 */
export class Broadcast {
  readonly #draw: () => Promise<View>;
  readonly #limits: Limits;
  readonly #listeners = new Set<Listener>();
  readonly #parts = new Map<string, Drawn>();
  /** Of this version, by the version that a listener has. */
  readonly #frames = new Map<number, Uint8Array>();
  #view: View = { title: '', parts: [], over: false };
  #version = 0;
  #stale = true;
  #isRecent = false;
  #drawing: Promise<void> | undefined;
  #frame: Timer | undefined;
  #ticks: Timer | undefined;
  #quiet = 0;
  #ended = false;

  constructor(draw: () => Promise<View>, limits: Limits = LIMITS) {
    this.#draw = draw;
    this.#limits = limits;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** What is to be seen now. */
  async view(): Promise<View> {
    if (!this.#isRecent) this.#stale = true; // times move although nothing happens
    await this.#refresh();
    return this.#view;
  }

  /** Something happened: listeners are told soon, together with what follows. */
  changed(): void {
    this.#stale = true;
    if (this.#listeners.size === 0 || this.#frame !== undefined) return;
    this.#frame = setTimeout(() => {
      this.#frame = undefined;
      void this.#send();
    }, this.#limits.frameMs);
  }

  /** @returns a stream of events; undefined where there are too many listeners */
  listen(): ReadableStream<Uint8Array> | undefined {
    if (this.#listeners.size >= this.#limits.most) return undefined;
    const listener: Listener = { seen: 0, take: undefined };
    this.#listeners.add(listener);
    this.#ticks ??= setInterval(() => this.#tick(), this.#limits.tickMs);
    return new ReadableStream<Uint8Array>(
      {
        pull: (controller) => this.#pull(listener, controller),
        cancel: () => this.#leave(listener),
      },
      { highWaterMark: 0 }, // asked for what it can take, and not before
    );
  }

  /** Send what is to be seen now, and end all streams. Whoever connects later gets the same, once. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#stale = true;
    await this.#send();
  }

  async #pull(listener: Listener, controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    if (listener.seen === 0) await this.#refresh();
    const chunk = this.#news(listener) ?? (await this.#next(listener));
    if (chunk) controller.enqueue(chunk);
    if (!this.#ended || listener.seen < this.#version) return;
    controller.close();
    this.#leave(listener);
  }

  /** What a listener has not seen. */
  #news(listener: Listener): Uint8Array | undefined {
    if (listener.seen === this.#version) return undefined;
    const chunk = this.#frameSince(listener.seen);
    listener.seen = this.#version;
    return chunk;
  }

  #next(listener: Listener): Promise<Uint8Array | undefined> | undefined {
    if (this.#ended) return undefined;
    return new Promise((resolve) => {
      listener.take = resolve;
    });
  }

  #leave(listener: Listener): void {
    listener.take?.(undefined);
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    clearInterval(this.#ticks);
    clearTimeout(this.#frame);
    this.#ticks = undefined;
    this.#frame = undefined;
  }

  /** Times move although nothing happens. */
  #tick(): void {
    this.#stale = true;
    void this.#send();
  }

  async #send(): Promise<void> {
    const before = this.#version;
    await this.#refresh();
    if (this.#version > before) this.#quiet = 0;
    else this.#quiet++;
    const isDue = this.#quiet >= this.#limits.heartbeatTicks;
    if (isDue) this.#quiet = 0;
    for (const listener of this.#listeners) {
      const { take } = listener;
      if (!take) continue; // it asks by itself when it can take more
      const chunk = this.#news(listener) ?? (isDue ? HEARTBEAT : undefined);
      if (!chunk && !this.#ended) continue;
      listener.take = undefined;
      take(chunk);
    }
  }

  /** Draw anew where something may have changed; one drawing at a time. */
  async #refresh(): Promise<void> {
    while (this.#drawing) await this.#drawing;
    if (!this.#stale) return;
    this.#stale = false;
    this.#isRecent = true;
    setTimeout(() => {
      this.#isRecent = false;
    }, this.#limits.frameMs).unref();
    this.#drawing = this.#draw()
      .then((view) => this.#compare(view))
      .catch(() => {}) // what cannot be drawn stays as it was: the page never breaks a run
      .finally(() => {
        this.#drawing = undefined;
      });
    await this.#drawing;
  }

  #compare(view: View): void {
    const next = this.#version + 1;
    const ids = view.parts.map(({ id }) => id);
    let isNew = this.#version === 0 || view.title !== this.#view.title || view.over !== this.#view.over;
    for (const id of this.#parts.keys()) if (!ids.includes(id)) isNew = this.#parts.delete(id);
    for (const { id, markup } of view.parts) {
      if (this.#parts.get(id)?.markup === markup) continue;
      this.#parts.set(id, { markup, hash: hashOf(markup), version: next });
      isNew = true;
    }
    this.#view = view;
    if (!isNew) return;
    this.#version = next;
    this.#frames.clear();
  }

  #frameSince(seen: number): Uint8Array {
    const known = this.#frames.get(seen);
    if (known) return known;
    const { title, parts, over } = this.#view;
    const state = {
      title,
      over,
      parts: parts.map(({ id }) => {
        const { markup, hash, version } = this.#parts.get(id) as Drawn;
        return version > seen ? { id, hash, markup } : { id, hash };
      }),
    };
    const frame = encode(`${seen === 0 ? `retry: ${RETRY_MS}\n` : ''}event: state\ndata: ${JSON.stringify(state)}\n\n`);
    this.#frames.set(seen, frame);
    return frame;
  }
}

/** By which a browser tells whether it shows this already. */
export const hashOf = (markup: string): string => Bun.hash(markup).toString(36);

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
