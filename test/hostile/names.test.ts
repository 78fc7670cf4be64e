import { beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import PostalMime, { type Email } from 'postal-mime';
import { parseDocument } from 'yaml';
import { findBlock } from '../../lib/dataset/card.ts';
import { plain } from '../../lib/report/layout.ts';
import { main } from '../../pipeline.ts';
import { type LocalHub, startLocalHub } from '../edges/local-hub.ts';
import { startLocalWandb } from '../edges/local-wandb.ts';
import { makeTestCa } from '../edges/postgres-server.ts';
import { type MailServer, PASSWORD, startMailServer, USER } from '../edges/smtp-server.ts';
import { Site } from '../run/site.ts';
import { NAMES } from './alphabet.ts';
import { fillRecords, type Record, specOf } from './records.ts';

/**
 * Names, keys, texts and descriptions that are hostile, in everything that a run leaves behind. The same run with harmless ones says what may
 * be there: no kind of element, attribute or link comes of the others.
 */

setDefaultTimeout(60_000);

const REPO = 'tester/names';
const ROWS = 3; // of each class
const OBEYED = /[^\P{Cc}\n]|[\p{Bidi_Control}\u2028\u2029]/u;

interface Names {
  classes: string[];
  unknown: string[];
  text(index: number): string;
  key(index: number): string;
  /** Of the card. */
  prose: string;
  tags: string[];
}
const numbered = (kind: string) => (_: unknown, index: number) => `${kind} ${String(index).padStart(3, '0')}`;
const HARMLESS: Names = {
  classes: NAMES.map(numbered('class')),
  unknown: NAMES.map(numbered('unknown')),
  text: (index) => `text|<b>${index}</b> of me@example.org \u200b https://example.org/${index}  x`,
  key: (index) => `key ${index}`,
  prose: 'A description.',
  tags: ['tag'],
};
const HOSTILE: Names = {
  classes: [...NAMES],
  unknown: NAMES.map((name) => `${name.slice(0, 190)} ?`),
  text: (index) =>
    `${NAMES[index % NAMES.length]} <b>${index}</b> of me@example.org \u200b ${NAMES[(index * 7) % NAMES.length]}  x`,
  key: (index) => `${NAMES[index % NAMES.length]}${index}`,
  prose: `- ${NAMES.join(' ')}`,
  tags: NAMES.slice(0, 40),
};

/** What one run leaves behind. */
interface Left {
  card: string;
  front: { [key: string]: unknown };
  markdown: string;
  html: string;
  page: string;
  json: string;
  terminal: string;
  mails: Email[];
  posts: { text: string; blocks: { text: { type: string; text: string } }[] }[];
  wandb: { path: string; text: string; body: unknown }[];
}

async function leave(names: Names): Promise<Left> {
  await using site = await Site.open('');
  await using hub: LocalHub = await startLocalHub();
  await using wandb = await startLocalWandb();
  const authority = await makeTestCa(join(site.folder, 'ca'));
  await using mail: MailServer = await startMailServer(await authority.issue('localhost', '127.0.0.1'));
  const posts: Left['posts'] = [];
  const webhook = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: async (request) => {
      posts.push((await request.json()) as Left['posts'][number]);
      return new Response('ok');
    },
  });
  const labels = [...names.classes.flatMap((name) => Array<string>(ROWS).fill(name)), ...names.unknown];
  await fillRecords(
    site,
    labels.map((label, index): Record => ({ key: names.key(index), text: names.text(index), label })),
  );
  const yaml = specOf(
    {
      repo: REPO,
      classes: names.classes,
      split: { train: 0.5, test: 0.5 },
      clean: ['urls', 'html', 'whitespace', { pattern: '[<>`|]+', replace: ' ' }],
      card: {
        pretty_name: names.prose,
        author: names.prose,
        description: names.prose,
        tags: names.tags,
        license: names.tags.at(-1),
      },
    },
    {
      tracking: { wandb: { api_key: '${WANDB_API_KEY}', project: 'names' } },
      notify: {
        email: { smtp: '${SMTP_URL}', to: 'admin@example.org', when: 'always' },
        webhook: { url: '${HOOK}', when: 'always' },
      },
    },
  );
  const env = {
    HF_ENDPOINT: hub.url,
    HF_TOKEN: hub.token,
    WANDB_API_KEY: wandb.key,
    WANDB_BASE_URL: wandb.url,
    SMTP_URL: `smtp://${encodeURIComponent(USER)}:${encodeURIComponent(PASSWORD)}@localhost:${mail.port}`,
    SMTP_CA: readFileSync(authority.caFile, 'utf8'),
    HOOK: `http://127.0.0.1:${webhook.port}/`,
  };
  const { exitCode, report, world } = await site.run(['--verbose'], { yaml, env });
  expect([exitCode, report?.labels[0]?.outcome?.status], world.stderr.text).toEqual([0, 'success']);
  const planned = site.world({ env: { ...env, SERVE: '127.0.0.1:0' } });
  const page = Promise.withResolvers<string>();
  const { write } = planned.stderr;
  planned.stderr.write = (text) => {
    write(text);
    const url = /^Status page: (\S+)$/m.exec(planned.stderr.text)?.[1] ?? '';
    if (text.startsWith('The status page stays')) fetch(url).then((answer) => page.resolve(answer.text()), page.reject);
  };
  const ended = main(['--dry-run', '--force', '--verbose'], planned);
  ended.then(() => page.reject(new Error(planned.stderr.text)), page.reject);
  const served = await page.promise;
  planned.interrupt();
  await ended;
  await webhook.stop(true);
  const out = (name: string) => readFileSync(join(site.folder, 'out', name), 'utf8');
  const readme = hub.repos.get(`datasets/${REPO}`)?.head('main').files.get('README.md')?.content;
  const [whole, front = ''] = /^---\n([\s\S]*?)\n---\n/.exec(Buffer.from(readme ?? '').toString()) ?? [''];
  return {
    card: Buffer.from(readme ?? '')
      .toString()
      .slice(whole.length),
    front: parseDocument(front).toJS(),
    markdown: out('report.md'),
    html: out('report.html'),
    page: served,
    json: world.stdout.text,
    terminal: world.stderr.text + planned.stderr.text + planned.stdout.text,
    mails: await Promise.all(mail.deliveries.map(({ raw }) => PostalMime.parse(raw))),
    posts,
    wandb: wandb.requests.filter(({ known }) => known),
  };
}

let harmless: Left;
let hostile: Left;
beforeAll(async () => {
  harmless = await leave(HARMLESS);
  hostile = await leave(HOSTILE);
});

/** Each kind of element with its attributes, and each address that the page leads to or loads. */
function kindsOf(page: string): Set<string> {
  const { document } = parseHTML(page);
  const kinds = [...document.querySelectorAll('*')].map((element) => {
    const attributes = [...element.attributes].map(({ name, value }) =>
      /^(href|src|action|on\w+)$/.test(name) ? `${name}=${value.startsWith('#') ? '#' : value}` : name,
    );
    return `${element.tagName.toLowerCase()} ${attributes.sort().join(' ')}`;
  });
  return new Set(kinds);
}

const rendered = (markdown: string) =>
  `<html><body>${Bun.markdown.html(markdown, { tables: true, strikethrough: true, autolinks: true })}</body></html>`;

/** What differs from one run to the next, whatever the names. */
const steady = (kinds: Set<string>) =>
  new Set([...kinds].map((kind) => kind.replace(/v\d{8}_\d{6}|127\.0\.0\.1:\d+|\/[0-9a-z]{8}\b/g, '…')));

const added = (before: string, after: string) => {
  const known = steady(kindsOf(before));
  return [...steady(kindsOf(after))].filter((kind) => !known.has(kind));
};

/** Rows of each table, with the number of their cells; items of each list. */
function shapeOf(page: string) {
  const { document } = parseHTML(page);
  return {
    tables: [...document.querySelectorAll('table')].map((table) =>
      [...table.querySelectorAll('tr')].map(({ children }) => children.length),
    ),
    blocks: [...document.querySelectorAll('body > *')].map(({ tagName }) => tagName),
    items: document.querySelectorAll('li').length,
  };
}

describe('hostile names', () => {
  test('make nothing in the card, whose block ends where it ends', () => {
    const [before, after] = [rendered(harmless.card), rendered(hostile.card)];
    expect(added(before, after)).toEqual([]);
    expect(shapeOf(after)).toEqual(shapeOf(before));
    const { document } = parseHTML(after);
    const cells = [...(document.querySelector('table')?.querySelectorAll('tbody tr td:nth-child(2)') ?? [])];
    const shown = (name: string) => plain(name).replace(/\s+/g, ' ');
    expect(cells.slice(0, -1).map(({ textContent }) => textContent)).toEqual(HOSTILE.classes.map(shown));
    expect(findBlock(hostile.card)?.end).toBe(hostile.card.trimEnd().length);
    expect(hostile.card).not.toMatch(OBEYED);
  });

  test('are in the card’s YAML what they are', () => {
    const { card: _, ...front } = hostile.front;
    expect(front).toMatchObject({ pretty_name: HOSTILE.prose, tags: HOSTILE.tags, license: HOSTILE.tags.at(-1) });
    const { features } = front.dataset_info as { features: { dtype: { class_label: { names: object } } }[] };
    expect(Object.values(features[1]?.dtype.class_label.names ?? {})).toEqual(HOSTILE.classes);
  });

  test('make nothing in the comment of a pull request', () => {
    const [before, after] = [rendered(harmless.markdown), rendered(hostile.markdown)];
    expect(added(before, after)).toEqual([]);
    expect(shapeOf(after).blocks).toEqual(shapeOf(before).blocks);
    expect(hostile.markdown).not.toMatch(OBEYED);
  });

  test.each(['html', 'page'] as const)('make nothing in a page: %s', (which) => {
    const lines = ['tspan x y', 'tspan dy x']; // of a long name in a chart
    expect(added(harmless[which], hostile[which]).filter((kind) => !lines.includes(kind))).toEqual([]);
    expect(hostile[which].replaceAll('\t', ' ')).not.toMatch(OBEYED);
    expect(hostile[which].match(/<script/g)).toEqual(harmless[which].match(/<script/g));
    expect(shapeOf(hostile[which]).tables.length).toBe(shapeOf(harmless[which]).tables.length);
  });

  test('stand in the JSON as they are, and it moves no cursor', () => {
    expect(hostile.json).not.toMatch(OBEYED);
    const [label] = JSON.parse(hostile.json).labels;
    expect(label.classes).toEqual(HOSTILE.classes);
    for (const { value } of label.unknown_classes) expect(HOSTILE.unknown).toContain(value);
  });

  test('move no cursor of a terminal', () => {
    expect(hostile.terminal).not.toMatch(OBEYED);
  });

  test('make nothing in a mail, in none of its parts', () => {
    expect(hostile.mails.length).toBe(harmless.mails.length);
    for (const [index, { subject, text, html, headers, from, to, attachments }] of hostile.mails.entries()) {
      const before = harmless.mails[index] as Email;
      expect(headers.map(({ key }) => key)).toEqual(before.headers.map(({ key }) => key));
      expect([from, to, attachments]).toEqual([before.from, before.to, before.attachments]);
      expect(`${subject}${text}`).not.toMatch(OBEYED);
      expect(added(before.html ?? '', html ?? '')).toEqual([]);
    }
  });

  test('make no link in a chat, and ring nobody', () => {
    expect(hostile.posts.length).toBe(harmless.posts.length);
    for (const { text, blocks } of hostile.posts)
      for (const part of [text, ...blocks.map((block) => block.text.text)]) {
        expect(part.replace(/<https:\/\/[^\s<>|`@]+\|[^<>\n]+>/g, '')).not.toMatch(/[<>]/);
        expect(part).not.toMatch(OBEYED);
      }
  });

  test('reach W&B as JSON that names the same things, and moves no cursor of its log', () => {
    const operations = ({ wandb }: Left) => [
      ...new Set(wandb.map(({ path }) => path.replace(/\d[\w-]{7,}|_[0-9a-f]{20}/g, '…'))),
    ];
    expect(operations(hostile).sort()).toEqual(operations(harmless).sort());
    const strings = (value: unknown): string[] =>
      typeof value === 'string'
        ? [value]
        : typeof value === 'object' && value !== null
          ? Object.entries(value).flatMap(([key, each]) => [key, ...strings(each)])
          : [];
    const said = hostile.wandb.flatMap(({ body }) => strings(body)).filter((each) => !each.startsWith('{')); // the config is the spec
    expect(said.length).toBeGreaterThan(100);
    expect(said.filter((each) => each.includes('\x1b') || /[\x9b\u202e]/.test(each))).toEqual([]);
  });
});
