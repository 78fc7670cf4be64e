import { type LabelRows, type Mark, type Row, SIGNS } from '../progress.ts';
import { formatSeconds, nameStatus, TONES, type Tone } from '../words.ts';
import { badge, spoken } from './components.ts';
import { type Html, html, type Value } from './escape.ts';

/** Where a run is: the database, every label with its steps, and who is being told. Details are the brief ones. */
export interface Shown {
  database: Row | undefined;
  labels: LabelRows[];
  effect: Row | undefined;
}

export function progressList({ database, labels, effect }: Shown): Html {
  return html`<section aria-labelledby="progress"><h2 id="progress">Progress</h2>
<ol class="steps">
${database && stepItem(database)}
${labels.map(labelItem)}
${effect && stepItem(effect)}
</ol>
</section>`;
}

function labelItem({ label, steps }: LabelRows): Html {
  const word = wordOf(label.mark);
  const badged = html`<b>${label.name}</b> ${badge(toneOf(label.mark), word)}`;
  // The badge says the first word of it already.
  const detail = label.brief.startsWith(word) ? label.brief.slice(word.length).replace(/^,? /, '') : label.brief;
  return html`<li data-key="${label.name}">${line(undefined, badged, { ...label, brief: detail })}
${steps.length > 0 && html`<ol>${steps.map(stepItem)}</ol>`}</li>\n`;
}

function stepItem(row: Row): Html {
  const { mark, name } = row;
  const sign = html`<span class="mark ${mark} ${toneOf(mark)}">${spoken(SIGNS[mark], `${wordOf(mark)}: `)}</span>`;
  return html`<li data-key="${name}">${line(sign, name, row)}</li>\n`;
}

function line(sign: Value, name: Value, { brief, seconds }: Row): Html {
  return html`<div class="line${sign === undefined && ' of-label'}">${sign}<span class="name">${name}</span>${
    brief !== '' && html`<span class="detail"><bdi>${brief}</bdi></span>`
  }<span class="time">${seconds !== undefined && seconds > 0 && formatSeconds(seconds)}</span></div>`;
}

function toneOf(mark: Mark): Tone {
  if (mark === 'done') return 'good';
  if (mark === 'stopped') return 'warn';
  return mark === 'waiting' || mark === 'running' ? 'quiet' : TONES[mark];
}

function wordOf(mark: Mark): string {
  return mark in TONES ? nameStatus(mark as keyof typeof TONES) : mark;
}
