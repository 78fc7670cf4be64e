import type { Outcome } from '../../outcome.ts';
import { formatInstant, formatRows, NONE } from '../../report/figures.ts';
import type { EffectReport, LabelReport, RestartReport, RunReport } from '../../report/report.ts';
import { describeRollback, formatCount, formatSeconds, TONES, type Tone } from '../../report/words.ts';
import type { Notice } from '../notice.ts';
import { capped, line } from './bounded.ts';
import { headline, verdictWord } from './headline.ts';
import { type Block, planProblems } from './problems.ts';

export interface SummaryFacts {
  report: RunReport;
  notices: Notice[];
  /** Page of the run in W&B. */
  trackingUrl: string | undefined;
}

/** What a summary says, before it is text, HTML or a chat's message. Every text is one clean line, and every list is short. */
export interface Digest {
  headline: string;
  /** Which run it was. */
  about: string[];
  rows: DigestRow[];
  /** Labels that have no row. */
  moreRows: number;
  problems: Block[];
  /** Spaces that were restarted, and warnings, also of who was not told. */
  remarks: string[];
  links: DigestLink[];
  /** Prints the report of this run later. */
  command: string | undefined;
}

export interface DigestRow {
  label: string;
  target: string;
  /** What came of it in a word. */
  word: string;
  tone: Tone;
  /** That was published, or that the target holds; empty where nothing is known. */
  version: string;
  /** `2,560 → 2,674`, `412 of 1,000`; empty where nothing was counted. */
  rows: string;
  splits: string;
}

export interface DigestLink {
  text: string;
  /** https. */
  url: string;
}

/** Bounds: a mail above 100 kB is cut by Gmail. */
const MOST_ROWS = 50;
const MOST_REMARKS = 12;
const MOST_SPLITS = 8;
const NAME = 60; // characters
const SENTENCE = 500;
const MOST_URL = 500;

export function planDigest({ report, notices, trackingUrl }: SummaryFacts): Digest {
  const { labels } = report;
  return {
    headline: headline(report),
    about: aboutRun(report),
    rows: labels.slice(0, MOST_ROWS).map((label) => rowOf(label, report)),
    moreRows: Math.max(0, labels.length - MOST_ROWS),
    problems: planProblems(labels, notices),
    remarks: capped(remarksOf(report), MOST_REMARKS, (left) => `and ${left} more`),
    links: [
      ...labels.slice(0, MOST_ROWS).flatMap(({ label, outcome }) => linkTo(line(label, NAME), urlOf(outcome))),
      ...linkTo('Weights & Biases', trackingUrl),
    ],
    command: report.effects.some(isRemembered) ? showCommand(report) : undefined,
  };
}

function aboutRun(report: RunReport): string[] {
  const { run, version, config, startedAt, seconds, exitCode, action, reason } = report;
  const rollback = describeRollback(report);
  const what = { run: 'Run', publish: 'Publishing', rollback: 'Rollback', unhold: 'End of a hold' }[action];
  return [
    `${what} ${line(run, NAME)} of ${line(config, SENTENCE)}, started ${formatInstant(line(startedAt, NAME))}, took ${formatSeconds(seconds)}, exit code ${exitCode}, Prepare Dataset ${line(version, NAME)}.`,
    ...(rollback === undefined ? [] : [line(`Back ${rollback}.`, SENTENCE)]),
    ...(reason === undefined ? [] : [`Reason: ${line(reason, SENTENCE)}`]),
  ];
}

function rowOf(label: LabelReport, { action }: RunReport): DigestRow {
  const { outcome, target, split } = label;
  const splits = (split?.splits ?? []).map(({ name, rows }) => `${line(name, NAME)} ${formatCount(rows)}`);
  return {
    label: line(label.label, NAME),
    target: line(target, NAME),
    word: verdictWord(label, action),
    tone: outcome ? TONES[outcome.status] : 'bad',
    version: outcome && 'version' in outcome ? line(outcome.version, NAME) : '',
    rows:
      outcome?.status === 'skipped_insufficient_data'
        ? `${formatCount(outcome.rows)} of ${formatCount(outcome.minimum)}`
        : formatRows(label).replace(NONE, ''),
    splits: capped(splits, MOST_SPLITS, (left) => `${left} more`).join(', '),
  };
}

function remarksOf({ labels, warnings }: RunReport): string[] {
  return [
    ...labels.flatMap(({ restarts = [] }) => restarts.filter(({ status }) => status === 'done').map(describeRestart)),
    ...warnings.map((warning) => `Warning: ${line(warning, SENTENCE)}`),
  ];
}

function describeRestart({ space, version }: RestartReport): string {
  return `Restarted ${line(space, NAME)} to train on ${line(version, NAME)}.`;
}

function urlOf(outcome: Outcome | undefined): string | undefined {
  return outcome?.status === 'success' ? outcome.url : undefined; // a directory's is a path
}

/** A link that mail clients and chats may make clickable: https, and nothing in it that ends it or that a chat reads as a mention. */
function linkTo(text: string, url: string | undefined): DigestLink[] {
  if (url === undefined || url.length > MOST_URL || !URL.canParse(url)) return [];
  const { protocol, username, password, href } = new URL(url);
  if (protocol !== 'https:' || username !== '' || password !== '') return [];
  return [{ text, url: href.replace(/[|`@]/g, encodeURIComponent) }];
}

const isRemembered = ({ kind, status }: EffectReport) =>
  kind === 'history' && (status === 'planned' || status === 'done');

function showCommand({ run, config }: RunReport): string | undefined {
  if (!/^[\w-]+$/.test(run)) return undefined;
  const isDefault = config === 'pipeline.config.yaml' || !/^[\w./-]+$/.test(config); // what a shell would read is left out
  return `bun pipeline.ts${isDefault ? '' : ` --config ${config}`} --show ${run}`;
}

/** `v20250131_093015, 2,674 rows`: what is known of a dataset, in a few words. */
export function describeDataset({ version, rows }: DigestRow): string {
  return [version, rows && `${rows} rows`].filter((part) => part !== '').join(', ');
}
