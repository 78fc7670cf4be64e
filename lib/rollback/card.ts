import {
  findBlock,
  formatBlock,
  formatCard,
  parseCard,
  placeBlock,
  planConfigs,
  planLoad,
  planTagLines,
} from '../dataset/card.ts';
import { splitOfShard } from '../dataset/files.ts';
import { formatInstant } from '../report/figures.ts';
import { code, inert, sentence } from '../report/markdown/text.ts';
import type { LabelSpec } from '../spec/spec.ts';
import type { Rollback } from './metadata.ts';

const HELD = '<!-- prepare-dataset:held -->';
const HELD_END = '<!-- prepare-dataset:held-end -->';
const NOTICE = new RegExp(`${HELD}[\\s\\S]*?${HELD_END}\\s*`, 'g');

/** Keys of a card's YAML that are about the data; the others are about the repo, and stay as they are. */
const DATA_KEYS = ['size_categories', 'dataset_info', 'configs'];

/**
 * README.md of a rollback. Our block and what the YAML says of the data are those of the version that it goes back to, with the new
 * version's name and a notice; the rest of the YAML, and what people wrote, are the head's.
 *
 * @param cards of the head, and of that version
 */
export function planRollbackCard(
  { spec }: { spec: Pick<LabelSpec, 'target'> },
  rollback: Rollback,
  cards: Record<'from' | 'to', string | undefined>,
): string {
  const from = parseCard(cards.from ?? '');
  const to = parseCard(cards.to ?? '');
  const splits = [...new Set(rollback.shards.flatMap(({ path }) => splitOfShard(path) ?? []))];
  const data: Record<string, unknown> = { configs: planConfigs(splits), ...to.yaml };
  const yaml = { ...from.yaml };
  for (const key of DATA_KEYS) {
    if (data[key] === undefined)
      delete yaml[key]; // the head's would be wrong, and loading holds the data against it
    else yaml[key] = data[key];
  }
  return formatCard(yaml, placeBlock(from.body, planBlock(spec, rollback, to.body)));
}

/** The card without the notice, when the hold has ended. */
export function planUnheldCard(card: string): string {
  const found = findBlock(card);
  if (!found) return card;
  const { start, end } = found;
  return card.slice(0, start) + card.slice(start, end).replace(NOTICE, '') + card.slice(end);
}

const HEADING = '## Version\n\n';
const TAG_LINES = new RegExp(`(?<=\n${HEADING})- Tag: .*\n- Made at: .*`);
const LOADED = /(?<=^dataset = load_dataset\("[^"\n]*", revision=")[^"\n]*/m;

/** Names and texts of the spec are escaped in a block and have one line each, so no other place looks like these. */
function planBlock({ target }: Pick<LabelSpec, 'target'>, rollback: Rollback, body: string): string {
  const found = findBlock(body);
  const lines = planLines(rollback).join('\n');
  if (!found)
    return formatBlock([
      planNotice(rollback),
      planTitle(target),
      planLoad({ target }, rollback.version),
      HEADING + lines,
    ]);
  return body
    .slice(found.start, found.end)
    .replace(NOTICE, '')
    .replace(LOADED, () => rollback.version)
    .replace(TAG_LINES, () => lines)
    .replace(/-->\s*/, () => `-->\n\n${planNotice(rollback)}\n\n`); // behind the comment that begins it
}

/** Of a version of the Python service, whose card is a text of its own. */
function planTitle(target: LabelSpec['target']): string {
  return `# ${inert(target.kind === 'hub' ? target.repo : target.path)}`;
}

function planLines(rollback: Rollback): string[] {
  return [...planTagLines(rollback), `- Rows: those of ${code(rollback.tag)}, to which the dataset was rolled back.`];
}

/** Whoever comes by must see it. A blank line ends a comment's block, so what follows is Markdown again. */
function planNotice({ tag, reason, createdAt, previousVersion }: Rollback): string {
  const after = previousVersion === undefined ? '' : ` from ${code(previousVersion)}`;
  return [
    HELD,
    '',
    `> **Rolled back** on ${formatInstant(createdAt.toISOString())}${after} to the rows of ${code(tag)}: ${sentence(reason)}`,
    '>',
    '> No new version is published until a person ends this hold.',
    '',
    HELD_END,
  ].join('\n');
}
