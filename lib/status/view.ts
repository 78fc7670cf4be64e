import type { Finding } from '../check/hops.ts';
import { formatInstant, NONE } from '../report/figures.ts';
import { badge, callout, code, facts, linked, table } from '../report/html/components.ts';
import { type Html, html } from '../report/html/escape.ts';
import { renderHeader, renderNav, renderOverview } from '../report/html/overview.ts';
import { loadPlotter } from '../report/html/plot.ts';
import { progressList } from '../report/html/progress.ts';
import type { LabelPart } from '../report/html.ts';
import { renderLabel, titleOf } from '../report/html.ts';
import type { RunReport } from '../report/report.ts';
import { countOf, formatSeconds, nameStatus, TONES, type Tone } from '../report/words.ts';
import type { Part, View } from './broadcast.ts';
import { type Doing, isChecked, type State } from './state.ts';

/** Of the time of a run under way, one part in so many is for drawing its labels: their charts are made by the thread that the run needs. */
const SHARE = 20;

/**
 * Draws the page of a state; a label is drawn anew only where its report is another one, and while the run is under way not too often. All
 * else is drawn each time.
 */
export class Drawing {
  readonly #now: () => Date;
  readonly #labels = new Map<string, { of: string; part: LabelPart }>();
  /** Milliseconds since 1970 from which on a label that changes may be drawn again. */
  #dueAt = 0;

  constructor(now: () => Date) {
    this.#now = now;
  }

  async draw(state: State): Promise<View> {
    const { doing, over } = state;
    const report = 'report' in doing ? doing.report : undefined;
    const labels = report ? await this.#drawLabels(report) : [];
    const part = (id: string, content: Html | undefined | false): Part[] =>
      content ? [{ id, markup: content.markup }] : [];
    return {
      title: `${wordOf(state)} · ${report ? titleOf(report) : state.config}`,
      over,
      parts: [
        ...part('header', headerOf(state)),
        ...part('nav', navOf(doing, labels)),
        ...part('now', nowOf(state)),
        ...part('progress', doing.kind === 'running' && progressList(doing.progress)),
        ...part('hops', doing.kind === 'checking' && hopTable(doing.hops)),
        ...part('overview', report && renderOverview(report)),
        ...labels.flatMap(({ label, article }) => part(`label ${label.label}`, article)),
      ],
    };
  }

  /** Charts take a while to load, and only a page that is looked at needs them. */
  async #drawLabels(report: RunReport): Promise<LabelPart[]> {
    const plotter = await loadPlotter();
    const running = report.running === true;
    const start = this.#now().getTime();
    let isDrawn = false;
    const parts = report.labels.map((label) => {
      const of = JSON.stringify([running, label]);
      const known = this.#labels.get(label.label);
      if (known?.of === of || (known && running && !label.outcome && start < this.#dueAt)) return known.part;
      const part = renderLabel(label, plotter, { running });
      this.#labels.set(label.label, { of, part });
      isDrawn = true;
      return part;
    });
    const end = this.#now().getTime();
    if (isDrawn) this.#dueAt = end + (end - start) * SHARE;
    return parts;
  }
}

function headerOf({ doing, config, version, trackingUrl }: State): Html {
  if ('report' in doing && doing.report) {
    return renderHeader(doing.report, [trackingUrl !== undefined && ['W&B', linked(trackingUrl, 'the run')]]);
  }
  return html`<h1>${doing.kind === 'checking' ? 'Check of' : 'Run of'} <span class="file">${config}</span></h1>
${facts([['Program', html`prepare-dataset ${version}`]])}`;
}

function navOf(doing: Doing, labels: LabelPart[]): Html | undefined {
  if (labels.length === 0) return undefined;
  return renderNav(labels, doing.kind === 'running');
}

/** The one line that is read aloud when it changes, so it changes seldom. */
function nowOf(state: State): Html {
  return html`<div class="callout ${toneOf(state)}"><p role="status">${sentenceOf(state)}${pauseOf(state)}</p></div>`;
}

function sentenceOf({ doing, over }: State): Html {
  switch (doing.kind) {
    case 'starting':
      return over
        ? html`<b>Stopped.</b> The program ended before a run began; its log says why.`
        : html`<b>Starting.</b> Nothing is fetched yet.`;
    case 'checking':
      return checkSentence(doing.hops, over);
    case 'resting': {
      const { record, due } = doing.rest;
      return html`<b>Nothing to do yet.</b> Run ${code(record.run)} ended well at ${instant(endOf(record))}. A start from ${instant(due)} on runs again (${code('space.min_interval')}).${doing.report && ' What follows is the report of that run.'}`;
    }
    case 'running':
      return doing.stage === 'ended' ? endedSentence(doing.report) : runningSentence(doing);
  }
}

function checkSentence(hops: Extract<Doing, { kind: 'checking' }>['hops'], over: boolean): Html {
  if (!isChecked(hops))
    return over ? html`The check was stopped.` : html`<b>Checking</b> what a run needs, hop by hop.`;
  const words = (Object.keys(HOPS) as (keyof typeof HOPS)[]).flatMap((status) => {
    const count = hops.filter((hop) => hop.status === status).length;
    return count > 0 ? [`${count} ${HOPS[status].word}`] : [];
  });
  return html`<b>Checked.</b> ${words.join(', ')}.`;
}

function runningSentence({ stage, report, progress }: Extract<Doing, { kind: 'running' }>): Html {
  const open = report.labels.filter(({ outcome }) => !outcome);
  if (stage === 'stopped')
    return html`<b>Stopped.</b> ${open.length > 0 ? html`The run ended before ${countOf(open.length, 'label')} did.` : 'Every label has its outcome, but the run did not come to its end.'} The log says why.`;
  const active = progress.labels.find(({ label }) => label.mark === 'running')?.label.name;
  const at = report.labels.findIndex(({ label }) => label === active);
  if (active !== undefined)
    return html`<b>Running.</b> ${active}, label ${String(at + 1)} of ${String(report.labels.length)}.`;
  return open.length === 0 ? html`<b>Running.</b> Every label has its outcome.` : html`<b>Running.</b>`;
}

function endedSentence({ labels, exitCode, seconds }: RunReport): Html {
  const words = labels.map(({ label, outcome }) => `${label} ${outcome ? nameStatus(outcome.status) : 'not finished'}`);
  return html`<b>Ended</b> with exit code ${String(exitCode)} after ${formatSeconds(seconds)}: ${words.join(', ')}.`;
}

const PAUSES = {
  'under way': ' The Space is being paused, and this page with it.',
  done: ' The Space is paused.',
  failed: ' The Space could not be paused: it goes on running, and may be billed.',
};
const pauseOf = ({ pause }: State) => pause !== undefined && PAUSES[pause];

/** The most urgent of all that it says: a label that failed stands out, also where the pause failed too. */
function toneOf({ doing, over, pause }: State): Tone {
  const tones = tonesOf(doing, over);
  if (pause === 'failed') tones.push('warn');
  return URGENCY.findLast((tone) => tones.includes(tone)) ?? 'quiet';
}

const URGENCY: readonly Tone[] = ['quiet', 'good', 'warn', 'bad'];

function tonesOf(doing: Doing, over: boolean): Tone[] {
  switch (doing.kind) {
    case 'starting':
      return [over ? 'warn' : 'quiet'];
    case 'resting':
      return ['good'];
    case 'checking':
      if (!isChecked(doing.hops)) return [over ? 'warn' : 'quiet'];
      return ['good', ...doing.hops.map(({ status }) => HOPS[status].tone)];
    case 'running': {
      if (doing.stage === 'under way') return ['quiet'];
      const { labels, warnings } = doing.report;
      const isWell = doing.stage === 'ended' && warnings.length === 0;
      return [isWell ? 'good' : 'warn', ...labels.map(({ outcome }) => (outcome ? TONES[outcome.status] : 'warn'))];
    }
  }
}

function wordOf({ doing, over }: State): string {
  if (doing.kind === 'resting') return 'Resting';
  if (doing.kind === 'checking') return isChecked(doing.hops) ? 'Checked' : over ? 'Stopped' : 'Checking';
  if (doing.kind === 'starting') return over ? 'Stopped' : 'Starting';
  if (doing.stage !== 'ended') return over ? 'Stopped' : 'Running';
  return doing.report.exitCode === 0 ? 'Done' : `Ended with ${doing.report.exitCode}`;
}

const HOPS: Record<Finding['status'] | 'waiting', { word: string; tone: Tone }> = {
  ok: { word: 'ok', tone: 'good' },
  warn: { word: 'warn', tone: 'warn' },
  fail: { word: 'fail', tone: 'bad' },
  skipped: { word: 'skipped', tone: 'quiet' },
  waiting: { word: 'waiting', tone: 'quiet' },
};

function hopTable(hops: Extract<Doing, { kind: 'checking' }>['hops']): Html {
  return html`<section aria-labelledby="hops"><h2 id="hops">Hops</h2>
${table({
  caption: 'What a run needs, in order',
  of: 'the check',
  columns: [{ head: 'Hop' }, { head: 'Status' }, { head: 'Code' }, { head: 'Time', numeric: true }],
  rows: hops.map((hop) => [
    code(hop.id),
    badge(HOPS[hop.status].tone, HOPS[hop.status].word),
    'code' in hop && hop.code !== undefined ? code(hop.code) : NONE,
    'seconds' in hop ? formatSeconds(hop.seconds) : NONE,
  ]),
})}
${hops.some(({ status }) => status === 'fail' || status === 'warn') && callout('quiet', html`<p>What was found and how to mend it stands in the log: it names hosts and users.</p>`)}
</section>`;
}

function endOf({ started_at, seconds }: { started_at: string; seconds: number }): Date {
  return new Date(Date.parse(started_at) + seconds * 1000);
}

const instant = (at: Date) => html`<time datetime="${at.toISOString()}">${formatInstant(at.toISOString())}</time>`;
