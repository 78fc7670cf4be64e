import type { Output } from '../../lib/world.ts';

const ESCAPE = '\x1b';
const TOKENS = new RegExp(`${ESCAPE}\\[(\\d*)([A-Za-z])|[\\r\\n]|[^${ESCAPE}\\r\\n]+|.`, 'g');

/** A terminal of enough lines: what is on it after all that was written. An escape that it does not know throws. */
export class Screen implements Output {
  readonly isTTY = true;
  columns: number | undefined;
  readonly writes: string[] = [];
  readonly #lines: string[] = [''];
  #row = 0;
  #column = 0; // UTF-16 units: a line is only ever written from its start

  constructor(columns?: number) {
    this.columns = columns;
  }

  get lines(): string[] {
    return this.#lines;
  }

  /** Where the next character goes. */
  get cursor(): [row: number, column: number] {
    return [this.#row, this.#column];
  }

  write(text: string): void {
    this.writes.push(text);
    for (const [token, count, command] of text.matchAll(TOKENS)) {
      const line = this.#lines[this.#row] ?? '';
      if (token === '\r') this.#column = 0;
      else if (token === '\n') [this.#row, this.#column] = [this.#row + 1, 0];
      else if (command === 'A') this.#row -= Number(count);
      else if (command === 'K') this.#lines[this.#row] = line.slice(0, this.#column);
      else if (command === 'J') this.#lines.splice(this.#row, this.#lines.length, line.slice(0, this.#column));
      else if (command === undefined && !token.startsWith('\x1b')) {
        this.#lines[this.#row] = line.slice(0, this.#column) + token + line.slice(this.#column + token.length);
        this.#column += token.length;
      } else if (command !== 'm') throw new Error(`unknown escape in ${JSON.stringify(text)}`);
      if (this.#row < 0) throw new Error(`the cursor left the screen in ${JSON.stringify(text)}`);
    }
  }
}
