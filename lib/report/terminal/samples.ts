import type { Paint, Style } from '../layout.ts';
import type { ChangeSample, LabelSamples, TextPart } from '../samples.ts';
import { hang, hangWords, heading, paintWords, quote, reveal } from './text.ts';

const STYLES: Record<TextPart['kind'], Style | undefined> = {
  same: undefined,
  removed: ['red', 'strikethrough'],
  added: 'green',
};

/** Rows' texts, each kind under a heading. All of it is hostile. */
export function renderSamples(samples: LabelSamples | undefined, width: number, paint: Paint): string[][] {
  if (!samples) return [];
  const block = (title: string, items: string[][]) =>
    items.length === 0 ? [] : [...heading(`samples: ${title}`, width, paint), ...items.flat()];
  return [
    block(
      'dropped rows',
      samples.dropped.map((each) => renderDropped(each, width)),
    ),
    block(
      'cleaning, [-removed-] and {+added+}',
      samples.cleaning.map((each) => renderCleaned(each, width, paint)),
    ),
    block(
      'texts with more than one class',
      samples.conflicts.map((each) => renderConflict(each, width)),
    ),
    block(
      'changes',
      samples.changes.map((each) => renderChange(each, width, paint)),
    ),
    ...samples.checks.map((each) => block(`rows of ${each.check}`, renderCheck(each, width))),
  ];
}

/** Of a row: what it is, and its text below. */
function item(head: string, text: string, width: number): string[] {
  return [...hang('-', head, width, 2), ...hangWords('   ', text, width, 4)];
}

function renderDropped({ reason, key, source, value, text }: LabelSamples['dropped'][number], width: number): string[] {
  const label = value === null ? 'no label' : quote(value);
  const head = `${reason}: key ${quote(key)}, ${source}, ${label}`;
  return item(head, text === null ? '(no text)' : quote(text), width);
}

function renderCleaned({ step, key, parts }: LabelSamples['cleaning'][number], width: number, paint: Paint): string[] {
  return item(`${step}: key ${quote(key)}`, renderParts(parts, paint), width);
}

/** Changes as `git diff --word-diff` marks them; where the text itself has such a mark, a backslash stands in front of it. */
function renderParts(parts: TextPart[], paint: Paint): string {
  return parts
    .map(({ kind, text }) => {
      const clean = reveal(text).replace(/\[-|-\]|\{\+|\+\}/g, '\\$&');
      const marked = kind === 'removed' ? `[-${clean}-]` : kind === 'added' ? `{+${clean}+}` : clean;
      const style = STYLES[kind];
      return style ? paintWords(paint, style, marked) : marked;
    })
    .join('');
}

function renderConflict({ text, winner, classes }: LabelSamples['conflicts'][number], width: number): string[] {
  const said = classes.map(({ name, reviewed, unreviewed }) => {
    const by = [
      ...(reviewed > 0 ? [`${reviewed} reviewed`] : []),
      ...(unreviewed > 0 ? [`${unreviewed} unreviewed`] : []),
    ];
    return `${name} (${by.join(', ')})`;
  });
  return item(`${said.join(' | ')} → ${winner ?? 'all dropped'}`, quote(text), width);
}

function renderChange({ kind, parts, before, after }: ChangeSample, width: number, paint: Paint): string[] {
  const place = (at: { class: string; split: string }) => `${at.class}, ${at.split}`;
  const places = [before, after].flatMap((at) => (at ? [place(at)] : []));
  return item(`${kind}: ${[...new Set(places)].join(' → ')}`, renderParts(parts, paint), width);
}

function renderCheck({ columns, rows }: LabelSamples['checks'][number], width: number): string[][] {
  return rows.map((row) => {
    const cells = row.map((cell, index) => `${reveal(columns[index] ?? '')} ${quote(cell)}`);
    return hangWords('-', cells.join(', '), width, 2);
  });
}
