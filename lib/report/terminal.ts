import { type Paint, painter, plain } from './layout.ts';
import type { LabelReport, RunReport } from './report.ts';
import type { LabelSamples } from './samples.ts';
import { renderAttribution, renderDifference } from './terminal/difference.ts';
import {
  renderDigest,
  renderEffects,
  renderPlan,
  renderQueries,
  renderRestarts,
  renderSnapshot,
} from './terminal/plan.ts';
import {
  renderClasses,
  renderCleaning,
  renderConflicts,
  renderPersonalData,
  renderRows,
  renderShape,
  renderSplit,
  renderTimes,
  renderUnknown,
} from './terminal/rows.ts';
import { renderSamples } from './terminal/samples.ts';
import { hang, stack } from './terminal/text.ts';
import { renderAlarms, renderChecks, renderOutcome, renderSummary } from './terminal/verdict.ts';
import { describeRollback } from './words.ts';

export interface TerminalOptions {
  colour: boolean;
  /** Width of the terminal in cells; undefined in a pipe. */
  columns: number | undefined;
}

/** Width where there is no terminal, in cells. */
export const PIPE_COLUMNS = 120;
export const NARROWEST = 40; // cells

/**
 * The run report as text. Of a dry run: all that a reviewer asks, what decides first and samples last. Of a real run: what came of each
 * label, its rows and its splits.
 *
 * @param samples by label; what is not there is not shown
 */
export function renderReport(
  report: RunReport,
  samples: ReadonlyMap<string, LabelSamples>,
  { colour, columns }: TerminalOptions,
): string {
  const paint = painter(colour);
  const width = Math.max(NARROWEST, columns ?? PIPE_COLUMNS);
  const { labels, dryRun, warnings, reason } = report;
  const rollback = describeRollback(report);
  const sections = [
    ...labels.map((label) => renderLabel(label, dryRun ? 'dry' : 'real', samples.get(label.label), width, paint)),
    [
      ...(rollback === undefined ? [] : hang('rollback:', rollback, width, 2)),
      ...(reason === undefined ? [] : hang('reason:', reason, width, 2)),
    ],
    renderEffects(report, width, paint),
    dryRun ? renderSnapshot(report, width) : [],
    dryRun && labels.length > 1 ? renderSummary(labels, width, paint) : [], // at the end, which has not scrolled away
    renderDigest(report, width),
    warnings.flatMap((warning) => hang(`${paint('yellow', 'warning')}:`, warning, width, 2)),
  ];
  return `${stack(sections).join('\n')}\n`;
}

function renderLabel(
  label: LabelReport,
  run: 'dry' | 'real',
  samples: LabelSamples | undefined,
  width: number,
  paint: Paint,
): string[] {
  const inner = width - 2;
  const blocks = run === 'dry' ? planDry(label, samples, inner, paint) : planReal(label, inner, paint);
  return [
    ...hang(`${paint('bold', plain(label.label))} →`, label.target, width, 4),
    ...stack(blocks).map((line) => (line === '' ? '' : `  ${line}`)),
  ];
}

/** The verdict; what decides: checks, difference, plan; what explains: rows, cleaning, classes; details. */
function planDry(label: LabelReport, samples: LabelSamples | undefined, width: number, paint: Paint): string[][] {
  return [
    [...renderOutcome(label.outcome, width, paint), ...renderAlarms(label, width, paint)],
    renderChecks(label, width, paint),
    ...renderDifference(label, width, paint),
    renderAttribution(label, width, paint),
    renderPlan(label, width, paint),
    [...renderRows(label, width), ...renderUnknown(label, width)],
    renderCleaning(label, width, paint),
    renderConflicts(label, width, paint),
    renderClasses(label, width, paint),
    [...renderSplit(label, width), ...renderShape(label, width)],
    renderPersonalData(label, width, paint),
    renderTimes(label, width),
    ...renderQueries(label, width, paint),
    ...renderSamples(samples, width, paint),
  ];
}

function planReal(label: LabelReport, width: number, paint: Paint): string[][] {
  return [
    [
      ...renderOutcome(label.outcome, width, paint),
      ...renderRestarts(label, width, paint),
      ...renderAlarms(label, width, paint),
      ...renderRows(label, width),
      ...renderUnknown(label, width),
    ],
    renderChecks(label, width, paint),
    renderClasses(label, width, paint),
    [...renderSplit(label, width), ...renderTimes(label, width)],
  ];
}
