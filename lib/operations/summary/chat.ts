import { shorten } from './bounded.ts';
import { type Digest, type DigestLink, describeDataset } from './digest.ts';
import { renderText } from './text.ts';

/**
 * A summary as a message of a chat. Slack shows the blocks; Mattermost, and Discord by /slack, the text alone. In the blocks, what comes
 * from a report is plain text; in `text` it is a block of code: nothing in it is a link, an image, or a mention that rings somebody.
 */

const MOST_TEXT = 1900; // characters; Discord refuses more than 2,000
const MOST_URLS = 600;
const MOST_HEADER = 150; // characters, as the next two: Slack's reference of Block Kit
const MOST_SECTION = 3000;
const MOST_BLOCKS = 50;
const NARROW = 60; // characters of a line

interface ChatBlock {
  type: 'header' | 'section';
  text: { type: 'plain_text'; text: string; emoji: false } | { type: 'mrkdwn'; text: string };
}

export interface ChatMessage {
  text: string;
  blocks: ChatBlock[];
}

export function renderMessage(digest: Digest): ChatMessage {
  const { headline, about, rows, moreRows, problems, remarks, links, command } = digest;
  const labels = rows.map((row) => {
    const parts = [row.word, describeDataset(row), row.splits].filter((part) => part !== '');
    return `${row.label}: ${parts.join(', ')}`;
  });
  return message(headline, renderText({ ...digest, links: [] }, NARROW), links, [
    ...sections(about),
    ...sections(moreRows > 0 ? [...labels, `and ${moreRows} more`] : labels),
    ...problems.flatMap(({ title, severity, lines }) =>
      sections([`${severity === 'ERROR' ? 'ERROR ' : ''}${title}`, ...lines]),
    ),
    ...sections(remarks),
    ...sections(command === undefined ? [] : [`The report of this run, later: ${command}`]),
  ]);
}

/** A title and a few lines. */
export function renderNoticeMessage(title: string, lines: string[]): ChatMessage {
  return message(title, [title, '', ...lines].join('\n'), [], sections(lines));
}

function message(title: string, body: string, links: DigestLink[], blocks: ChatBlock[]): ChatMessage {
  const header: ChatBlock = { type: 'header', text: plainText(escapeSlack(title, MOST_HEADER)) };
  const linked = linkSections(links);
  const room = MOST_BLOCKS - 1 - linked.length;
  return { text: codeWithLinks(body, links), blocks: [header, ...blocks.slice(0, room), ...linked] };
}

const plainText = (text: string) => ({ type: 'plain_text' as const, text, emoji: false as const });

/** Lines as plain text, in as few sections as hold them. */
function sections(lines: string[]): ChatBlock[] {
  return pack(lines.map((line) => escapeSlack(line))).map((text) => ({ type: 'section', text: plainText(text) }));
}

function linkSections(links: DigestLink[]): ChatBlock[] {
  const lines = links.map(({ text, url }) => `<${escapeSlack(url)}|${escapeSlack(text)}>`);
  return pack(lines).map((text) => ({ type: 'section', text: { type: 'mrkdwn', text } }));
}

/** @param lines escaped, none of them longer than a section */
function pack(lines: string[]): string[] {
  const packed: string[] = [];
  for (const line of lines) {
    const last = packed.at(-1);
    if (last !== undefined && last.length + 1 + line.length <= MOST_SECTION)
      packed[packed.length - 1] = `${last}\n${line}`;
    else packed.push(line);
  }
  return packed;
}

/** A fence that nothing inside can end, and URLs behind it, as many as there is room for. */
function codeWithLinks(body: string, links: DigestLink[]): string {
  let used = 0;
  const urls = links
    .map(({ url }) => escapeSlack(url))
    .filter((url) => {
      used += url.length + 1;
      return used <= MOST_URLS;
    });
  const room = MOST_TEXT - '```\n\n```\n'.length - urls.join('\n').length;
  const fenced = escapeSlack(body.trimEnd().replaceAll('`', 'ˋ'), room); // looks like it, and ends no fence
  return ['```', fenced, '```', ...urls].join('\n');
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/**
 * The three characters of which mentions and links are made; Slack turns these entities, and no others, back in plain text too.
 *
 * @param most characters of the result; no entity is cut
 */
function escapeSlack(text: string, most = MOST_SECTION): string {
  const escaped = text.replace(/[&<>]/g, (character) => ENTITIES[character] ?? '');
  return escaped.length <= most
    ? escaped
    : `${shorten(escaped, most)
        .slice(0, -1)
        .replace(/&[a-z]*$/, '')}…`;
}
