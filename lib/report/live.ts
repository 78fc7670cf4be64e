import type { Event, Subscriber } from '../events.ts';
import type { Job } from '../run.ts';
import { cut, cutWords, type Paint, padEnd, painter, plain, type Style, widthOf, wrap } from './layout.ts';
import { lineOf } from './log.ts';
import { type Mark, Progress, type Row, SIGNS } from './progress.ts';
import { formatSeconds } from './words.ts';

const FRAME_MS = 100; // at most ten drawings a second
const MOST_LINES = 20; // a terminal has 24; what is above the screen cannot be drawn again
const INDENT = 2; // cells
const NAMES = 9; // cells: `balance`, indented
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

const STYLES: Record<Mark, Style> = {
  waiting: 'dim',
  running: 'cyan',
  done: 'green',
  stopped: 'yellow',
  success: 'green',
  planned: 'green',
  unchanged: 'cyan',
  skipped_insufficient_data: 'yellow',
  held: 'yellow',
  refused: 'red',
  failed: 'red',
};

/** Events whose line stays above the block: what is gone from the block later. */
const STAYING: Partial<Record<Event['type'], Style>> = {
  warning: 'yellow',
  'checks.failed': 'yellow',
  'space.restarted': 'green',
};

/**
 * Progress as a block of lines at the bottom of a terminal, drawn anew in place. Ends with the run, or when it is disposed.
 *
 * The cursor is never hidden and no signal is listened to, so whatever ends the program leaves the terminal as it was. listr2 is not
 * used: it hides the cursor until some ticks after its tasks are done, while the report is being written; it draws on every change;
 * it looks at process.stdout to decide; and restore-cursor below it listens to every signal.
 */
export class LiveView implements Disposable {
  readonly #run: Pick<Job, 'world' | 'mask'>;
  readonly #paint: Paint;
  readonly #progress = new Progress();
  readonly #timer: ReturnType<typeof setInterval>;
  #drawn: string[] = [];
  #drawnAt = Number.NEGATIVE_INFINITY; // ms
  #frame = 0;
  #ended = false;
  #report: string | undefined;

  constructor(run: Pick<Job, 'world' | 'mask'>) {
    this.#run = run;
    this.#paint = painter(!run.world.env.NO_COLOR);
    this.#timer = setInterval(() => this.#draw(), FRAME_MS).unref(); // spinner and times move without events too
  }

  readonly subscriber: Subscriber = (event, at) => {
    if (this.#ended) return;
    this.#progress.apply(event, at);
    if (event.type === 'report.written') this.#report = event.path; // the last one is for people
    const staying = STAYING[event.type];
    if (event.type === 'run.finished') this.#end(lineOf(event));
    else if (staying) this.#write(this.#wrapped(staying, lineOf(event)), this.#drawn);
    else this.#draw();
  };

  /** What the run left undone is shown as stopped. */
  [Symbol.dispose](): void {
    this.#end();
  }

  #end(lastLine?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    // On a terminal the report itself ends with its path; here it would be lost with what stdout is sent to.
    const report = this.#run.world.stdout.isTTY || !this.#report ? '' : `Report written: ${this.#report}`;
    this.#write([...this.#lines(), ...this.#wrapped('bold', lastLine), ...this.#wrapped('bold', report), ''], []);
  }

  #draw(): void {
    const now = this.#run.world.clock.now().getTime();
    if (now - this.#drawnAt < FRAME_MS) return;
    this.#drawnAt = now;
    this.#frame++;
    this.#write([], this.#lines());
  }

  /** Replace the block by lines that stay and a new block below them. */
  #write(staying: string[], block: string[]): void {
    const { stderr } = this.#run.world;
    const columns = stderr.columns || 80;
    const height = (line: string) => Math.max(1, Math.ceil(widthOf(line) / columns)); // a narrowed terminal has broken lines
    const up = this.#drawn.reduce((rows, line) => rows + height(line), 0);
    const lines = [...staying, ...block].map((line) => `${line}\x1b[K\n`).join('');
    stderr.write(`\r${up > 0 ? `\x1b[${up}A` : ''}${lines}\x1b[J`);
    this.#drawn = block;
  }

  get #width(): number {
    return Math.max(1, (this.#run.world.stderr.columns || 80) - 1); // the last column would break the line on some terminals
  }

  #wrapped(style: Style, text = ''): string[] {
    const lines = text === '' ? [] : wrap(this.#clean(text), this.#width);
    return lines.map((line) => this.#paint(style, cut(line, this.#width)));
  }

  /** Masked before anything is cut: half a secret would not be recognised. */
  #clean(text: string): string {
    return plain(this.#run.mask(text));
  }

  #lines(): string[] {
    const rows = this.#progress.rows(this.#run.world.clock.now(), this.#ended);
    const widest = Math.max(...rows.map(({ level, name }) => widthOf(name) + INDENT * level));
    const names = Math.min(widest, Math.max(NAMES, Math.floor(0.4 * this.#width)));
    const lines = rows.flatMap((row) => this.#row(row, names));
    if (this.#ended || lines.length <= MOST_LINES) return lines;
    const running = rows.findIndex(({ level, mark }) => level === 0 && mark === 'running');
    const first = Math.min(Math.max(0, running - MOST_LINES / 2), lines.length - MOST_LINES);
    return lines.slice(first, first + MOST_LINES);
  }

  #row({ level, mark, name, detail, seconds }: Row, names: number): string[] {
    const paint = this.#paint;
    const sign = (mark === 'running' && SPINNER[this.#frame % SPINNER.length]) || SIGNS[mark];
    const indent = ' '.repeat(INDENT * level);
    const head = `${indent}${paint(STYLES[mark], sign)} ${padEnd(cut(this.#clean(name), names - indent.length), names - indent.length)}`;
    const time = seconds ? paint('dim', `  ${formatSeconds(seconds)}`) : '';
    const text = this.#clean(detail);
    const room = this.#width - widthOf(head) - 2 - widthOf(time);
    if (!this.#ended || widthOf(text) <= room)
      return [`${head}${text ? `  ${cutWords(text, room)}` : ''}${time}`.trimEnd()];
    const below = wrap(text, this.#width - 2 * INDENT).map(
      (line) => ' '.repeat(2 * INDENT) + cut(line, this.#width - 2 * INDENT),
    );
    return [`${head}${time}`, ...below];
  }
}
