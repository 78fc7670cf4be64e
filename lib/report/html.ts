import { fitSamples } from './html/budget.ts';
import { checksSection } from './html/checks.ts';
import { classesSection, conflictSection, personalSection } from './html/classes.ts';
import { code, type Section } from './html/components.ts';
import { attributionSection, differenceSection } from './html/difference.ts';
import { type Html, html } from './html/escape.ts';
import { renderFigures, renderHeader, renderNav, renderOverview } from './html/overview.ts';
import { renderFile } from './html/page.ts';
import { planSection } from './html/plan.ts';
import { loadPlotter, type Plotter } from './html/plot.ts';
import { cleaningSection, lengthSection, querySection, rowsSection } from './html/rows.ts';
import { findings, verdict, verdictBadge } from './html/verdict.ts';
import type { LabelReport, RunReport } from './report.ts';
import type { LabelSamples } from './samples.ts';
import { countOf, nameAction } from './words.ts';

/**
 * The report as one page, without script, below 2 MB.
 *
 * @param samples by label; what is not there is not shown, and what does not fit is left out
 */
export async function renderHtml(report: RunReport, samples: ReadonlyMap<string, LabelSamples>): Promise<string> {
  const plotter = await loadPlotter();
  const fitted = fitSamples(samples);
  const parts = report.labels.map((label) => renderLabel(label, plotter, { samples: fitted.samples.get(label.label) }));
  const left =
    fitted.limit !== undefined &&
    html`<p class="note">Examples are cut to ${countOf(fitted.limit, 'example')} of a kind, so that this page stays small.</p>`;
  return renderFile({
    title: titleOf(report),
    header: renderHeader(report),
    nav: renderNav(parts),
    main: [renderOverview(report, left), parts.map(({ article }) => article)],
    footer: html`<p>prepare-dataset ${report.version}, report ${report.reportVersion}. The same figures, without any row’s text, are in <code>report.json</code> and <code>report.md</code>.</p>`,
  });
}

export const titleOf = (report: RunReport): string => `${nameAction(report)} ${report.config}`;

/** A label's part of a page, and what leads to it. */
export interface LabelPart {
  label: LabelReport;
  sections: Section[];
  article: Html;
}

/** @param about `running`: what is not there may still come */
export function renderLabel(
  label: LabelReport,
  plotter: Plotter,
  { samples, running = false }: { samples?: LabelSamples | undefined; running?: boolean },
): LabelPart {
  const sections = sectionsOf(label, samples, plotter);
  return { label, sections, article: renderArticle(label, sections, running) };
}

/** In the order in which a reviewer asks. */
function sectionsOf(label: LabelReport, samples: LabelSamples | undefined, plotter: Plotter): Section[] {
  return [
    checksSection(label, samples),
    differenceSection(label, samples, plotter),
    attributionSection(label),
    planSection(label),
    rowsSection(label, samples, plotter),
    cleaningSection(label, samples),
    classesSection(label, plotter),
    lengthSection(label, plotter),
    conflictSection(label, samples),
    personalSection(label),
    querySection(label),
  ].filter((section) => section !== undefined);
}

function renderArticle(label: LabelReport, sections: Section[], running: boolean): Html {
  const id = `label-${label.label}`;
  return html`<article aria-labelledby="${id}">
<h2 id="${id}">${label.label} ${verdictBadge(label.outcome, running)}</h2>
<p class="target">${code(label.target)} · ${countOf(label.classes.length, 'class', 'classes')}${label.previousVersion && html` · published ${code(label.previousVersion)}`}</p>
${verdict(label, running)}
${findings(label)}
${renderFigures(label)}
${sections.map((section) => html`<section><h3 id="${section.id}">${section.title}</h3>\n${section.body}</section>\n`)}
</article>\n`;
}
