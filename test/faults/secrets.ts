import { readdir } from 'node:fs/promises';
import PostalMime from 'postal-mime';
import type { Surroundings } from './surroundings.ts';

/** A text that somebody else may see, and where it stands. */
export interface Sink {
  where: string;
  text: string;
}

/** A value in the forms in which it could travel: as it is, percent-encoded, escaped for JSON, in hex, and in base64 wherever it begins. */
export function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  const aligned = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    return text.slice(offset === 0 ? 0 : 4, text.length - 4); // without what depends on its neighbours
  });
  const urlSafe = aligned.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  const escaped = JSON.stringify(value).slice(1, -1);
  return [
    ...new Set([
      value,
      encodeURIComponent(value),
      encodeURI(value),
      escaped,
      bytes.toString('hex'),
      ...aligned,
      ...urlSafe,
    ]),
  ];
}

/** Looks for secrets in all that left the program since it last looked. */
export class Search {
  readonly #forms: [string, string[]][];
  #requests = 0;
  #tracked = 0;
  #mails = 0;
  #posts = 0;
  /** Sinks × secrets looked at so far. */
  looks = 0;

  constructor(readonly around: Surroundings) {
    this.#forms = Object.entries(around.secrets).map(([name, value]) => [name, formsOf(value)]);
  }

  /** @param said stdout and stderr of a run. @returns each secret that was found, with its place; never the secret */
  async leaks(said: string): Promise<string[]> {
    const sinks = [{ where: 'its output', text: said }, ...(await this.#sinks())];
    this.looks += sinks.length * this.#forms.length;
    return sinks.flatMap(({ where, text }) =>
      this.#forms.flatMap(([name, forms]) =>
        forms.some((form) => text.includes(form)) ? [`${name} stands in ${where}`] : [],
      ),
    );
  }

  async #sinks(): Promise<Sink[]> {
    const { hub, wandb, mail, posts, tmpdir } = this.around;
    const requests = hub.requests.slice(this.#requests);
    const tracked = wandb.requests.slice(this.#tracked);
    const mails = mail.deliveries.slice(this.#mails);
    const posted = posts.slice(this.#posts);
    this.#requests = hub.requests.length;
    this.#tracked = wandb.requests.length;
    this.#mails = mail.deliveries.length;
    this.#posts = posts.length;
    const parsed = await Promise.all(mails.map(({ raw }) => PostalMime.parse(raw)));
    const names = await readdir(tmpdir, { recursive: true });
    return [
      ...requests.map(({ method, path, headers, body }) => ({
        where: `Hub ${method} ${path}`,
        text: `${path}\n${JSON.stringify(headers)}\n${texts(body).join('\n')}`,
      })),
      ...tracked.map(({ method, path, headers, text }) => ({
        where: `W&B ${method} ${path}`,
        text: `${path}\n${JSON.stringify(headers)}\n${text}`,
      })),
      ...mails.map(({ raw }) => ({ where: 'an e-mail, as it is sent', text: raw })),
      ...parsed.map(({ subject, text, html }) => ({ where: 'an e-mail', text: [subject, text, html].join('\n') })),
      ...posted.map((text) => ({ where: 'the webhook', text })),
      { where: 'names of files', text: names.join('\n') },
    ];
  }
}

/** What a commit carries, its files in base64 decoded too. */
function texts(body: unknown): string[] {
  if (!Array.isArray(body)) return [typeof body === 'string' ? body : JSON.stringify(body ?? '')];
  return body.flatMap((line) => {
    const { content } = (line as { value?: { content?: string } }).value ?? {};
    return [JSON.stringify(line), ...(content === undefined ? [] : [Buffer.from(content, 'base64').toString()])];
  });
}
