import type { Source } from '../events.ts';
import type { ChangeKind, DropReason } from './report.ts';

/**
 * Rows' text, for the terminal and the local report.html only: never part of the report's data. Texts are cut to an excerpt, and e-mail
 * addresses and telephone numbers in them are masked unless --raw-samples. All of it is hostile: a renderer escapes it.
 */
export interface LabelSamples {
  dropped: { reason: DropReason; key: string; source: Source; value: string | null; text: string | null }[];
  /** What each cleaning step did to some texts. */
  cleaning: { step: string; key: string; parts: TextPart[] }[];
  conflicts: {
    text: string;
    winner: string | null;
    classes: { name: string; reviewed: number; unreviewed: number }[];
  }[];
  changes: ChangeSample[];
  /** Rows that a query of `checks.sql` returned, as text. */
  checks: { check: string; columns: string[]; rows: string[][] }[];
}

/** A piece of a text before and after: what went, what came, what stayed. `…` alone stands for what was cut out. */
export interface TextPart {
  kind: 'same' | 'removed' | 'added';
  text: string;
}

export interface ChangeSample {
  kind: ChangeKind;
  /** Of the text now, or before where it is gone; before and after where it was re-cleaned. */
  parts: TextPart[];
  before?: { class: string; split: string };
  after?: { class: string; split: string };
}

export function noSamples(): LabelSamples {
  return { dropped: [], cleaning: [], conflicts: [], changes: [], checks: [] };
}
