import type { Outcome } from '../../outcome.ts';
import { describeAlarms, formatDrift, formatInstant, nameDrift } from '../figures.ts';
import type { LabelReport } from '../report.ts';
import { countOf, formatCount, HOLDS, nameStatus, TONES, type Tone } from '../words.ts';
import { badge, callout, capitalize, code, linked } from './components.ts';
import { type Html, html, type Value } from './escape.ts';

/** What came of a label, and what of it a reviewer has to look at first. */

/** @param running what has no outcome may still get one */
const toneOf = (outcome: Outcome | undefined, running: boolean): Tone =>
  outcome ? TONES[outcome.status] : running ? 'quiet' : 'warn';

export function verdictBadge(outcome: Outcome | undefined, running = false): Html {
  return badge(
    toneOf(outcome, running),
    outcome ? nameStatus(outcome.status) : running ? 'not yet known' : 'not finished',
  );
}

/** The verdict in a sentence or two. */
export function verdict({ outcome, target }: LabelReport, running = false): Html {
  if (!outcome)
    return callout(
      toneOf(outcome, running),
      html`<p>${running ? 'What is known of it so far; the run goes on.' : 'The run ended before this label did.'}</p>`,
    );
  return callout(toneOf(outcome, running), sentenceOf(outcome, target));
}

function sentenceOf(outcome: Outcome, target: string): Html {
  switch (outcome.status) {
    case 'success':
      return html`<p>Published as ${code(outcome.version)} to ${linked(outcome.url, target)}.</p>`;
    case 'planned':
      return html`<p>A real run would publish ${code(outcome.version)} to ${code(target)}. The files are in ${code(outcome.directory)}.</p>`;
    case 'unchanged':
      if (outcome.hold) return html`<p>${code(outcome.version)}: ${HOLDS[outcome.hold]}.</p>`;
      return html`<p>${outcome.version ? code(outcome.version) : 'The published version'} holds the same rows. Nothing is written.</p>`;
    case 'skipped_insufficient_data':
      return html`<p>Too few rows ${outcome.stage}: ${formatCount(outcome.rows)}, where <code>min_samples</code> is ${formatCount(outcome.minimum)}. Nothing is published.</p>`;
    case 'held':
      return html`<p>Held at ${code(outcome.version)} since ${formatInstant(outcome.since)}, until <code>--unhold</code>: ${outcome.reason}</p>`;
    default: {
      const { code: name, message, fix } = outcome.problem;
      return html`<p><b>${code(name)}</b></p><p class="message">${message}</p>${fix && html`<p class="message"><b>Fix:</b> ${fix}</p>`}`;
    }
  }
}

interface Finding {
  tone: Tone;
  text: Value;
  /** Which has the numbers. */
  section: keyof typeof SECTIONS;
}

const SECTIONS = {
  checks: 'Checks',
  difference: 'Difference',
  attribution: 'Spec or data?',
  plan: 'Plan',
  rows: 'Rows',
  classes: 'Classes and splits',
  personal: 'Personal data',
};

/** What is wrong, unusual, or must be known before this is signed; the worst first. */
export function findings(label: LabelReport): Html | undefined {
  const all = [...checksOf(label), ...alarmsOf(label), ...dataOf(label), ...planOf(label)];
  if (all.length === 0) return undefined;
  const ranked = (['bad', 'warn', 'quiet'] as const).flatMap((tone) => all.filter((each) => each.tone === tone));
  const words = { bad: 'stop', warn: 'look', quiet: 'note', good: '' };
  return html`<ul class="findings" aria-label="To look at before signing, ${label.label}">${ranked.map(
    ({ tone, text, section }) =>
      html`<li>${badge(tone, words[tone])}<span>${text} <a href="#label-${label.label}-${section}">${SECTIONS[section]}<span class="spoken"> of ${label.label}</span></a></span></li>\n`,
  )}</ul>`;
}

function checksOf({ checks = [] }: LabelReport): Finding[] {
  return checks
    .filter(({ status }) => status === 'failed')
    .map(({ name, severity }) => ({
      tone: severity === 'refuse' ? 'bad' : 'warn',
      text: html`Check ${code(name)} failed.`,
      section: 'checks',
    }));
}

function alarmsOf(label: LabelReport): Finding[] {
  return describeAlarms(label).map(({ severe, text, of }) => {
    const sentence = html`<bdi>${capitalize(text)}.</bdi>`;
    return { tone: severe ? 'bad' : 'warn', text: severe ? html`<b>${sentence}</b>` : sentence, section: of };
  });
}

function dataOf({
  split,
  fetched,
  difference,
  unknownClasses = [],
  personalData = [],
  attribution,
}: LabelReport): Finding[] {
  const found = (tone: Tone, section: Finding['section'], count: number, text: Html): Finding[] =>
    count > 0 ? [{ tone, text, section }] : [];
  const sum = (rows: number[]) => rows.reduce((total, each) => total + each, 0);
  const unknown = sum(unknownClasses.map(({ rows }) => rows));
  const personal = sum(personalData.map(({ any }) => any));
  const fewer = fetched ? fetched.asked - fetched.correct : 0;
  const small = split?.smallClasses.length ?? 0;
  const drift = difference?.drift ?? 0;
  return [
    ...found(
      nameDrift(drift) === 'a shift' ? 'warn' : 'quiet',
      'difference',
      nameDrift(drift) === 'stable' ? 0 : 1,
      html`Class shares drifted: PSI ${formatDrift(drift)}, ${nameDrift(drift)}.`,
    ),
    ...found(
      'warn',
      'rows',
      unknown,
      html`${countOf(unknown, 'row')} dropped for a class that the spec does not name.`,
    ),
    ...found('warn', 'classes', small, html`${countOf(small, 'class', 'classes')} with too few texts for every split.`),
    ...found('quiet', 'rows', fewer, html`${countOf(fewer, 'correct row')} fewer than the ratio asks for.`),
    ...found(
      'quiet',
      'personal',
      personal,
      html`${countOf(personal, 'row')} with an e-mail address or a telephone number.`,
    ),
    ...found('warn', 'attribution', attribution?.problem ? 1 : 0, html`The base spec could not be planned.`),
  ];
}

function planOf({ plan }: LabelReport): Finding[] {
  if (!plan) return [];
  const { createsRepo, private: isPrivate, deletions, restarts } = plan;
  const found = (tone: Tone, holds: boolean, text: Html): Finding[] => (holds ? [{ tone, text, section: 'plan' }] : []);
  return [
    ...found('warn', createsRepo && !isPrivate, html`Creates a <b>public</b> repo.`),
    ...found('quiet', createsRepo && isPrivate, html`Creates a private repo.`),
    ...found(
      'quiet',
      deletions.length > 0,
      html`${countOf(deletions.length, 'file')} of the published version deleted.`,
    ),
    ...found('quiet', restarts.length > 0, html`${countOf(restarts.length, 'Space')} to restart.`),
  ];
}
