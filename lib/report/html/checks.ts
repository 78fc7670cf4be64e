import { formatFound, formatLimit, NONE } from '../figures.ts';
import type { CheckReport, LabelReport } from '../report.ts';
import type { LabelSamples } from '../samples.ts';
import type { Tone } from '../words.ts';
import { badge, code, type Section, section, table } from './components.ts';
import { html } from './escape.ts';
import { checkExamples } from './examples.ts';

/** The spec's checks, those that failed first. */
export function checksSection(label: LabelReport, samples: LabelSamples | undefined): Section | undefined {
  const { checks = [] } = label;
  if (checks.length === 0) return undefined;
  const ranked = (['failed', 'skipped', 'passed'] as const).flatMap((status) =>
    checks.filter((check) => check.status === status).sort((a, b) => a.severity.localeCompare(b.severity)),
  );
  return section(
    label.label,
    'checks',
    'Checks',
    table({
      caption: 'Checks of the spec',
      titled: true,
      of: label.label,
      columns: [
        { head: 'Check' },
        { head: 'Result' },
        { head: 'Found', numeric: true },
        { head: 'Limit', numeric: true },
        { head: 'If it fails' },
        { head: 'Where' },
      ],
      rows: ranked.map((check) => [
        code(check.name),
        badge(toneOf(check), check.status),
        formatFound(check),
        formatLimit(check),
        check.severity,
        html`<bdi>${check.detail ?? NONE}</bdi>`,
      ]),
    }),
    ranked.some(({ status }) => status === 'skipped') &&
      html`<p class="note">Skipped: there is nothing to compare with.</p>`,
    samples && checkExamples(samples, label.label),
  );
}

export function toneOf({ status, severity }: CheckReport): Tone {
  if (status === 'passed') return 'good';
  if (status === 'skipped') return 'quiet';
  return severity === 'refuse' ? 'bad' : 'warn';
}
