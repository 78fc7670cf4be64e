import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { CODES } from '../lib/errors.ts';
import { DROP_REASONS } from '../lib/report/report.ts';
import { NAMED_STEPS } from '../lib/spec/named-steps.ts';
import { OPERATIONS_DEFAULTS } from '../lib/spec/operations.ts';
import { parseSpec } from '../lib/spec/read.ts';
import { DATABASE_DEFAULTS, mergeCommon } from '../lib/spec/resolve.ts';
import { SpecSchema } from '../lib/spec/schema.ts';

const ROOT = resolve(import.meta.dir, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const list = (pattern: string) => [...new Bun.Glob(pattern).scanSync({ cwd: ROOT })].sort();
const PAGES = [...list('*.md'), ...list('docs/**/*.md')];
const SHIPPED = read('pipeline.config.yaml');

/** Lines outside of code blocks: a "#" inside of one is no heading, and what looks like a link is none. */
function prose(text: string): string[] {
  let fenced = false;
  return text.split('\n').filter((line) => {
    const isFence = line.startsWith('```');
    if (isFence) fenced = !fenced;
    return !fenced && !isFence;
  });
}

const headings = (text: string) => prose(text).flatMap((line) => /^#+ (.+)$/.exec(line)?.[1] ?? []);

describe('docs/errors.md', () => {
  test('has one heading for each code, in the order of lib/errors.ts, and no other', () => {
    const codes = prose(read('docs/errors.md')).flatMap((line) => /^## (.+)$/.exec(line)?.[1] ?? []);
    expect(codes).toEqual([...CODES]);
  });

  test('says something about each', () => {
    const sections = prose(read('docs/errors.md')).join('\n').split(/^## /m).slice(1);
    expect(sections.filter((section) => section.split('\n').slice(1).join('').length < 80)).toEqual([]);
  });
});

interface Row {
  key: string;
  standard: string;
  meaning: string;
}

/** Rows of the tables that begin with a column "Key". */
function keyRows(): Row[] {
  return read('docs/spec.md')
    .split(/^\| Key \| Type \| Default \| Meaning \|$/m)
    .slice(1)
    .flatMap((after) => after.trimStart().split('\n\n')[0]?.split('\n').slice(1) ?? [])
    .map((line) => {
      const [key = '', , standard = '', meaning = ''] = line.split(/(?<!\\)\|/).slice(1, -1);
      return { key: key.trim().replace(/^`(.*)`$/, '$1'), standard: standard.trim(), meaning: meaning.trim() };
    });
}

interface Schema {
  type: string;
  entries?: Record<string, Schema>;
  wrapped?: Schema;
  options?: Schema[];
  value?: Schema;
  item?: Schema;
}

/** Paths of all keys; entries of a map by name are `<name>`, items of a list `[]`. */
function keysOf(schema: Schema, path: string, name: string): string[] {
  if (schema.type === 'union') return (schema.options ?? []).flatMap((option) => keysOf(option, path, name));
  if (schema.wrapped) return keysOf(schema.wrapped, path, name);
  if (schema.item) return keysOf(schema.item, `${path}[]`, name);
  if (schema.type === 'record' && schema.value) {
    const entry = `${path}.<${name === 'sql' ? 'query' : name.replace(/s$/, '')}>`;
    return [entry, ...keysOf(schema.value, entry, name)];
  }
  return Object.entries(schema.entries ?? {}).flatMap(([key, child]) => {
    const below = path === '' ? key : `${path}.${key}`;
    return [below, ...keysOf(child, below, key)];
  });
}

const valueAt = (root: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], root);

/** A default as YAML has it on one line; `split` is shown whole, other maps by their entries. */
function written(key: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (key !== 'defaults.split' && typeof value === 'object' && !Array.isArray(value)) return '';
  if (typeof value !== 'object') return String(value);
  const json = JSON.stringify(value);
  return Array.isArray(value)
    ? json
    : json.replaceAll('"', '').replaceAll(':', ': ').replaceAll(',', ', ').replace('{', '{ ').replace('}', ' }');
}

describe('docs/spec.md', () => {
  const rows = keyRows();
  const all = keysOf(SpecSchema as unknown as Schema, '', '');
  const keys = [...new Set(all.map((key) => key.replace(/(?<=\.checks\.)\w+(?=\.(?:limit|severity)$)/, '<check>')))]; // the same for each check

  test('has one row for each key of the schema, and no other', () => {
    const shared = new Set(keys.flatMap((key) => /^defaults\.(.+)$/.exec(key)?.[1] ?? []));
    const own = keys.filter((key) => !shared.has(key.replace('labels.<label>.', '')));
    expect(own.length).toBeGreaterThan(50);
    expect(rows.map(({ key }) => key).sort()).toEqual(own.sort());
    expect(rows.filter(({ meaning }) => meaning === '')).toEqual([]);
  });

  test('says that a label may override every key of `defaults`, which is so', () => {
    const shared = keys.filter((key) => key.startsWith('defaults.'));
    expect(read('docs/spec.md')).toContain('Every key of `defaults` may also stand in a label');
    expect(shared.filter((key) => !keys.includes(key.replace('defaults', 'labels.<label>')))).toEqual([]);
  });

  test('has the defaults of the code', () => {
    const code = { defaults: mergeCommon({}, {}), database: DATABASE_DEFAULTS, ...OPERATIONS_DEFAULTS };
    const wrong = rows.flatMap(({ key, standard }) => {
      const wanted = written(key, valueAt(code, key));
      const fits = wanted === undefined ? ['required', 'none'].includes(standard) : standard === wanted;
      return fits || key === 'database' || key === 'defaults' ? [] : [{ key, standard, wanted }];
    });
    expect(wrong).toEqual([]);
  });

  test('calls required what the schema requires', () => {
    const { database, labels, ...rest } = JSON.parse(read('pipeline.schema.json')).properties;
    expect(Object.keys(rest)).toContain('version');
    const required = [
      ...JSON.parse(read('pipeline.schema.json')).required,
      ...database.required.map((key: string) => `database.${key}`),
      ...labels.additionalProperties.required.map((key: string) => `labels.<label>.${key}`),
    ];
    const called = rows.filter(({ standard }) => standard === 'required').map(({ key }) => key);
    expect(required.filter((key) => !called.includes(key))).toEqual([]);
    // A source may stand in the label or in `defaults`; the map of a pattern or a check has keys of its own; a label is in the map of labels.
    const elsewhere = /^(labels\.<label>$|defaults\.(sources|clean\[\]|checks\.))/;
    expect(called.filter((key) => !required.includes(key) && !elsewhere.test(key))).toEqual([]);
  });

  test('has a row for each named cleaning step and each reason for a drop', () => {
    const named = read('docs/spec.md').match(/(?<=^\| `)\w+(?=` \|)/gm) ?? [];
    for (const name of [...Object.keys(NAMED_STEPS), ...DROP_REASONS]) expect(named).toContain(name);
  });
});

interface JsonSchema {
  type?: string;
  const?: unknown;
  enum?: string[];
  description?: string;
  required?: string[];
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  oneOf?: JsonSchema[];
  anyOf?: JsonSchema[];
}

interface Field {
  types: Set<string>;
  meanings: Set<string>;
  always: boolean;
}

const MOST_VALUES = 9; // a longer list, that of all error codes, stands on its own page

function typeOf({ type, const: constant, enum: values, items, oneOf, anyOf }: JsonSchema): string {
  if (constant !== undefined) return `\`${constant}\``;
  if (values && values.length <= MOST_VALUES) return values.map((value) => `\`${value}\``).join(', ');
  if (anyOf) return anyOf.map(typeOf).join(' or ');
  if (oneOf) return 'object';
  if (items) return `list of ${typeOf(items)}`;
  return ({ string: 'text', integer: 'whole number' } as Record<string, string>)[type ?? ''] ?? type ?? '';
}

/** Every path of the schema; what several variants of an object have is one field. */
function fieldsOf(schema: JsonSchema, path = '', fields = new Map<string, Field>()): Map<string, Field> {
  if (schema.items) fieldsOf(schema.items, `${path}[]`, fields);
  const variants = schema.oneOf ?? [schema];
  for (const { properties = {}, required = [] } of variants) {
    for (const [key, child] of Object.entries(properties)) {
      const below = path === '' ? key : `${path}.${key}`;
      const field = fields.get(below) ?? { types: new Set(), meanings: new Set(), always: true };
      const value = child.const === undefined ? '' : `${child.const}: `;
      field.types.add(typeOf(child));
      field.meanings.add(variants.length > 1 ? value + (child.description ?? '') : (child.description ?? ''));
      field.always = variants.every((variant) => variant.required?.includes(key)) && required.includes(key);
      fields.set(below, field);
      fieldsOf(child, below, fields);
    }
  }
  return fields;
}

describe('docs/report.md', () => {
  const fields = [...fieldsOf(JSON.parse(read('report.schema.json')))];
  const planned = fields.map(([path, { types, meanings, always }]) => {
    const cells = [`\`${path}\``, [...types].join(', '), always ? 'yes' : '', [...meanings].join(' ')];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  const fence = /(?<=<!-- fields.* -->\n)[\s\S]*(?=<!-- \/fields -->)/;

  test('lists every field of report.schema.json with its meaning, and no other (UPDATE_GOLDEN=1 writes the table)', () => {
    const table = `\n| Field | Type | Always | Meaning |\n|---|---|---|---|\n${planned.join('\n')}\n\n`;
    if (process.env.UPDATE_GOLDEN)
      writeFileSync(
        join(ROOT, 'docs/report.md'),
        read('docs/report.md').replace(fence, () => table),
      );
    const rows = fence.exec(read('docs/report.md'))?.[0].split('\n') ?? [];
    const written = rows.filter((row) => row.startsWith('| `'));
    expect(planned.filter((row) => !written.includes(row))).toEqual([]);
    expect(written.filter((row) => !planned.includes(row))).toEqual([]);
    expect(written).toEqual(planned);
  });

  test('has a meaning for each', () => {
    expect(fields.length).toBeGreaterThan(150);
    expect(fields.filter(([, { meanings }]) => meanings.has(''))).toEqual([]);
  });

  test('names only fields that there are in its examples', () => {
    const names = new Set(fields.flatMap(([path]) => path.replaceAll('[]', '').split('.')));
    const examples = [...read('docs/report.md').matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, code = '']) => code);
    const used = examples.flatMap((code) => [...code.matchAll(/(?<=[[\s(.\]|]\.)[a-z_]+/g)].map(([name]) => name));
    expect(used.length).toBeGreaterThan(8);
    expect(used.filter((name) => !names.has(name))).toEqual([]);
  });
});

const ENV = new Proxy({} as Record<string, string>, {
  get: (_, name: string) =>
    ({ POSTGRES_URL: 'postgres://user:secret@localhost/complaints', DATABASE_CA: '' })[name] ??
    (/^(PG|MIN_|SMTP_|WEBHOOK_|ADMIN_|SPACE_)/.test(name) ? undefined : `owner/${name.toLowerCase()}`),
});

describe('YAML in the documentation', () => {
  const blocks = PAGES.flatMap((page) =>
    [...read(page).matchAll(/^```ya?ml\n([\s\S]*?)^```/gm)].map(([, yaml = '']) => [page, yaml] as const),
  );

  test.each(blocks.filter(([, yaml]) => yaml.startsWith('version:')))(
    'is a spec that can be used, in %s',
    (page, yaml) => {
      expect(() => parseSpec(page, yaml, ENV)).not.toThrow();
    },
  );

  test.each(blocks.filter(([, yaml]) => /^ {2}\w+:\n/.test(yaml)))(
    'is a label that can be added to the shipped spec, in %s',
    (page, yaml) => {
      const { labels } = parseSpec(page, SHIPPED + yaml, ENV);
      expect(labels.length).toBe(parseSpec(page, SHIPPED, ENV).labels.length + 1);
    },
  );

  test('is there at all', () => {
    expect(blocks.length).toBeGreaterThan(2);
  });
});

/** The anchor that GitHub gives a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-');

describe('relative links lead somewhere', () => {
  test.each(PAGES)('%s', (page) => {
    const links = [
      ...prose(read(page))
        .join('\n')
        .matchAll(/\]\(([^)\s]+)\)/g),
    ].map(([, link = '']) => link);
    const broken = links.filter((link) => {
      if (/^[a-z]+:/.test(link)) return false;
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? page : join(dirname(page), file);
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !headings(read(target)).map(anchorOf).includes(anchor);
    });
    expect(broken).toEqual([]);
  });
});

describe('the map of files in CONTRIBUTING.md', () => {
  const mapped = [...read('CONTRIBUTING.md').matchAll(/^- `([^`]+)`: (.*)$/gm)].map(([, path = '', text = '']) => ({
    path,
    text,
  }));
  const paths = mapped.map(({ path }) => path);

  test('has every file of lib/ and bench/, and every folder of test/, once', () => {
    const folders = new Set(list('test/*/**').map((file) => file.split('/').slice(0, 2).join('/')));
    expect(
      [...list('lib/**/*.ts'), ...list('bench/*.{ts,py}'), ...[...folders].map((folder) => `${folder}/`)].filter(
        (path) => !paths.includes(path),
      ),
    ).toEqual([]);
    expect(paths.filter((path, index) => paths.indexOf(path) !== index)).toEqual([]);
  });

  test('names only what exists, and says what it is for', () => {
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    expect(mapped.filter(({ text }) => text.length < 15)).toEqual([]);
  });

  test('has a sentence for each folder of lib/', () => {
    const folders = new Set(list('lib/*/*.ts').map((file) => `\`${dirname(file)}/\``));
    const titles = headings(read('CONTRIBUTING.md'));
    expect([...folders].filter((folder) => !titles.includes(folder))).toEqual([]);
  });
});
