import { NONE } from '../figures.ts';
import type { ChangeKind } from '../report.ts';
import { CHANGE_KINDS, DROP_REASONS } from '../report.ts';
import type { ChangeSample, LabelSamples, TextPart } from '../samples.ts';
import { countOf } from '../words.ts';
import { code, fold, named, table } from './components.ts';
import { type Html, html, rowText, type Value } from './escape.ts';

/** Rows' texts, folded. All of it is hostile: every text goes through rowText(). */

function list(items: Html[]): Html {
  return html`<ul class="examples">${items}</ul>`;
}

function example(about: Value[], text: Html): Html {
  const parts = about.filter((part) => part !== undefined && part !== false);
  return html`<li><p class="about">${parts.map((part, index) => html`${index > 0 && ' · '}${part}`)}</p>${text}</li>\n`;
}

/** In the direction that the text itself has; only white space is drawn, so that it can be seen. */
function plainText(text: string | null): Html {
  if (text === null) return html`<p class="text none">text not fetched</p>`;
  return html`<p class="text" dir="auto">${text.trim() === '' ? drawnSpace(text) : rowText(text)}</p>`;
}

/** A text before and after at once: strokes and signs say what went and what came, colour repeats it. */
function markedText(parts: TextPart[]): Html {
  const marked = ({ kind, text }: TextPart) => {
    if (kind === 'same') return rowText(text);
    const drawn = /^\s+$|[\n\t\u00a0]/.test(text) ? drawnSpace(text) : rowText(text);
    return kind === 'removed' ? html`<del>${drawn}</del>` : html`<ins>${drawn}</ins>`;
  };
  return html`<p class="text" dir="auto">${parts.map(marked)}</p>`;
}

/** White space as signs: `␣` a space, `⇥` a tab, `↵` a line feed. */
function drawnSpace(text: string): Html {
  const signs: Record<string, string> = { ' ': '␣', '\t': '⇥', '\n': '↵' };
  const runs = text.match(/\s+|\S+/g) ?? [];
  const drawn = (run: string) =>
    [...run].map((each) => signs[each] ?? `\\u{${(each.codePointAt(0) ?? 0).toString(16)}}`).join('');
  return html`${runs.map((run) => (/\s/.test(run) ? html`<span class="invisible">${drawn(run)}</span>` : rowText(run)))}`;
}

export function droppedExamples({ dropped }: LabelSamples): Html[] {
  return DROP_REASONS.flatMap((reason) => {
    const rows = dropped.filter((row) => row.reason === reason);
    if (rows.length === 0) return [];
    return fold(html`${countOf(rows.length, 'example')} of ${code(reason)}`, list(rows.map(droppedExample)));
  });
}

function droppedExample({ key, source, value, text }: LabelSamples['dropped'][number]): Html {
  return example([html`key ${named(key)}`, source, value === null ? 'no class' : named(value)], plainText(text));
}

export function cleaningExamples({ cleaning }: LabelSamples): Html[] {
  const steps = [...new Set(cleaning.map(({ step }) => step))];
  return steps.map((step) => {
    const rows = cleaning.filter((row) => row.step === step);
    return fold(html`${countOf(rows.length, 'example')} of ${code(step)}`, list(rows.map(cleaningExample)));
  });
}

function cleaningExample({ key, parts }: LabelSamples['cleaning'][number]): Html {
  return example([html`key ${named(key)}`], markedText(parts));
}

export function conflictExamples({ conflicts }: LabelSamples): Html | undefined {
  if (conflicts.length === 0) return undefined;
  return fold(html`${countOf(conflicts.length, 'example')} of conflicts`, list(conflicts.map(conflictExample)));
}

function conflictExample({ text, winner, classes }: LabelSamples['conflicts'][number]): Html {
  const votes = classes.map(
    ({ name, reviewed, unreviewed }) =>
      html`<li>${named(name)}: ${countOf(reviewed, 'row')} reviewed, ${unreviewed} unreviewed</li>`,
  );
  const kept = winner === null ? 'none is kept' : html`kept as ${named(winner)}`;
  return example([kept], html`${plainText(text)}<ul class="votes">${votes}</ul>`);
}

export function changeExamples({ changes }: LabelSamples): Html[] {
  const names: Record<ChangeKind, string> = {
    added: 'rows added',
    removed: 'rows removed',
    relabelled: 'rows relabelled',
    recleaned: 'rows re-cleaned',
    moved: 'rows moved between splits',
  };
  return CHANGE_KINDS.flatMap((kind) => {
    const rows = changes.filter((row) => row.kind === kind);
    if (rows.length === 0) return [];
    return fold(html`${countOf(rows.length, 'example')} of ${names[kind]}`, list(rows.map(changeExample)));
  });
}

function changeExample({ parts, before, after }: ChangeSample): Html {
  const fromTo = (was: string | undefined, is: string | undefined) =>
    was !== undefined && is !== undefined && was !== is ? html`${named(was)} → ${named(is)}` : named(is ?? was ?? NONE);
  return example([fromTo(before?.class, after?.class), fromTo(before?.split, after?.split)], markedText(parts));
}

export function checkExamples({ checks }: LabelSamples, label: string): Html[] {
  return checks
    .filter(({ rows }) => rows.length > 0)
    .map(({ check, columns, rows }) =>
      fold(
        html`${countOf(rows.length, 'row')} returned by ${code(check)}`,
        table({
          caption: `Rows returned by ${check}`,
          of: label,
          columns: columns.map((head) => ({ head: named(head) })),
          rows: rows.map((cells) => cells.map((cell) => html`<span class="text" dir="auto">${rowText(cell)}</span>`)),
        }),
      ),
    );
}
