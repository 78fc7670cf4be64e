import { inert } from '../report/markdown/text.ts';
import { DROP_REASONS, type LabelReport } from '../report/report.ts';
import { formatDecimal } from '../spec/decimal.ts';
import type { LabelSpec } from '../spec/spec.ts';
import { formatFrontMatter, parseFrontMatter } from './front-matter.ts';
import type { Draft } from './metadata.ts';

const START = '<!-- prepare-dataset:start -->';
const END = '<!-- prepare-dataset:end -->';
/** The body that the Python service generated whole; nobody's own words are in it. */
const GENERATED = /_Last updated automatically by the pipeline on /;

export interface CardFacts {
  spec: LabelSpec;
  report: LabelReport;
  draft: Draft;
  /** Bytes of the Parquet shards. */
  downloadSize: number;
  targetName: string;
}

/**
 * README.md of a version: the Hub's YAML and our marked block. What a person wrote outside the block, and YAML keys that are not
 * ours, are kept from the previous card.
 */
export function planCard(facts: CardFacts, previous: string | undefined): string {
  const { yaml, body } = parseCard(previous ?? '');
  return formatCard({ ...yaml, ...planFrontMatter(facts) }, placeBlock(body, planBlock(facts)));
}

export function formatCard(yaml: Record<string, unknown>, body: string): string {
  return `---\n${formatFrontMatter(yaml)}---\n\n${body}`;
}

export function parseCard(card: string): { yaml: Record<string, unknown>; body: string } {
  const [whole, front = ''] = /^\uFEFF?---\r?\n(?:([\s\S]*?)\r?\n)?---[ \t]*(?:\r?\n|$)/.exec(card) ?? [''];
  return { yaml: parseFrontMatter(front), body: card.slice(whole.length).replace(/^\s+/, '') };
}

/** Where our block stands in a text; undefined where there is none. */
export function findBlock(text: string): { start: number; end: number } | undefined {
  const start = text.indexOf(START);
  const end = text.indexOf(END, start);
  return start === -1 || end === -1 ? undefined : { start, end: end + END.length };
}

/** Put our block where the last one was, else above what people wrote. */
export function placeBlock(body: string, block: string): string {
  const found = findBlock(body);
  if (found) return body.slice(0, found.start) + block + body.slice(found.end);
  const rest = GENERATED.test(body) ? '' : body.trim();
  return rest ? `${block}\n\n${rest}\n` : `${block}\n`;
}

/** Keys and values that the Hub and `datasets` read. */
function planFrontMatter({ spec, draft, downloadSize }: CardFacts): Record<string, unknown> {
  const { card, columns, classes } = spec;
  const rows = draft.splits.reduce((total, split) => total + split.rows, 0);
  const string = (name: string) => ({ name, dtype: 'string' });
  const features = [
    string(columns.text),
    {
      name: columns.label,
      dtype: { class_label: { names: Object.fromEntries(classes.map((name, id) => [String(id), name])) } },
    },
    ...(columns.source === undefined ? [] : [string(columns.source)]),
  ];
  return {
    ...(card.license ? { license: card.license } : {}),
    ...(card.language.length > 0 ? { language: card.language } : {}),
    ...(card.prettyName ? { pretty_name: card.prettyName } : {}),
    ...(card.tags.length > 0 ? { tags: card.tags } : {}),
    task_categories: ['text-classification'],
    task_ids: ['multi-class-classification'],
    size_categories: [sizeCategory(rows)],
    dataset_info: {
      features,
      splits: draft.splits.map(({ split, rows: num_examples, arrowBytes }) => ({
        name: split,
        num_bytes: arrowBytes,
        num_examples,
      })),
      download_size: downloadSize,
      dataset_size: draft.splits.reduce((total, { arrowBytes }) => total + arrowBytes, 0),
    },
    configs: planConfigs(draft.splits.map(({ split }) => split)),
  };
}

export function planConfigs(splits: string[]): unknown[] {
  return [{ config_name: 'default', data_files: splits.map((split) => ({ split, path: `data/${split}-*` })) }];
}

/** The Hub's size category. Source: datasets `utils/resources/size_categories.json`. */
export function sizeCategory(rows: number): string {
  const names = ['1K', '10K', '100K', '1M', '10M', '100M', '1B', '10B', '100B', '1T'];
  const index = names.findIndex((_, power) => rows < 1000 * 10 ** power);
  if (index === -1) return 'n>1T';
  return index === 0 ? 'n<1K' : `${names[index - 1]}<n<${names[index]}`;
}

function planBlock(facts: CardFacts): string {
  const { spec, report, targetName } = facts;
  const { card } = spec;
  const sections = [
    `# ${inert(card.prettyName ?? targetName)}`,
    inert(card.description ?? `Dataset for ${spec.name} classification.`),
    planLoad(spec, facts.draft.version),
    ['## Splits and classes', '', ...planClassTable(facts)].join('\n'),
    ['## Where the rows come from', '', ...planSources(facts)].join('\n'),
    ['## Dropped rows', '', ...planDrops(report)].join('\n'),
    ['## Version', '', ...planVersion(facts)].join('\n'),
  ];
  return formatBlock(sections);
}

export function formatBlock(sections: string[]): string {
  return [START, ...sections, END].join('\n\n');
}

export function planLoad({ target }: Pick<LabelSpec, 'target'>, version: string): string {
  const where = target.kind === 'hub' ? `"${target.repo}", revision="${version}"` : inPython(target.path);
  return [
    '## Load',
    '',
    '```python',
    'from datasets import load_dataset',
    '',
    `dataset = load_dataset(${where})`,
    '```',
  ].join('\n');
}

/** A string of Python that cannot end our block, whose marks are comments of HTML. */
function inPython(text: string): string {
  return JSON.stringify(text).replaceAll('<', '\\u003c');
}

function planClassTable({ spec, report }: CardFacts): string[] {
  const splits = report.split?.splits ?? [];
  const total = (id: number) => splits.reduce((sum, { classes }) => sum + (classes[id] ?? 0), 0);
  const rows = spec.classes.map((name, id) => [
    String(id),
    inert(name),
    ...splits.map(({ classes }) => String(classes[id] ?? 0)),
    String(total(id)),
  ]);
  const sums = ['', '**all**', ...splits.map((split) => `**${split.rows}**`), `**${report.kept?.total ?? 0}**`];
  return table(['id', 'class', ...splits.map(({ name }) => name), 'all'], [...rows, sums]);
}

function planSources({ spec, report }: CardFacts): string[] {
  const { fetched, kept } = report;
  return [
    ...table(
      ['source', 'label by', 'fetched', 'kept'],
      [
        ['misclassified', 'a reviewer', String(fetched?.misclassified ?? 0), String(kept?.misclassified ?? 0)],
        ['correct', 'the model, unreviewed', String(fetched?.correct ?? 0), String(kept?.correct ?? 0)],
      ],
    ),
    '',
    `Sampled with seed ${spec.seed}: ${formatDecimal(spec.ratios.misclassified)} of the mistakes, ${formatDecimal(spec.ratios.correct)} correct records for each (${fetched?.asked ?? 0} asked for).`,
  ];
}

function planDrops({ dropped = {} }: LabelReport): string[] {
  const rows = DROP_REASONS.flatMap((reason) => (dropped[reason] ? [[reason, String(dropped[reason])]] : []));
  return rows.length === 0 ? ['None.'] : table(['reason', 'rows'], rows);
}

function planVersion({ spec, draft }: CardFacts): string[] {
  const shares = spec.split.map(({ name, share }) => `${name} ${formatDecimal(share)}`).join(', ');
  return [
    ...planTagLines(draft),
    `- Split: ${shares}, stratified by class. A text is in one split only, and stays there in every later version.`,
    ...(spec.card.author ? [`- Maintainer: ${inert(spec.card.author)}`] : []),
    '- Details: `dataset_metadata.json`',
  ];
}

/** When a version was made, and after which. */
export function planTagLines({
  version,
  previousVersion,
  createdAt,
}: Pick<Draft, 'version' | 'previousVersion' | 'createdAt'>): string[] {
  return [
    `- Tag: \`${version}\`${previousVersion ? `, after \`${previousVersion}\`` : ''}`,
    `- Made at: ${createdAt.toISOString()}`,
  ];
}

function table(header: string[], rows: string[][]): string[] {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)];
}
