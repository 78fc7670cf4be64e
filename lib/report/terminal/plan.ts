import {
  formatBytes,
  formatEffect,
  formatEstimate,
  formatHead,
  formatInstant,
  formatRestart,
  formatShipping,
  shorten,
} from '../figures.ts';
import { type Paint, wrap } from '../layout.ts';
import type { LabelReport, RunReport } from '../report.ts';
import { renderTable } from './table.ts';
import { define, hang, heading, reveal } from './text.ts';

/** What a real run would do for a label. */
export function renderPlan({ plan, target, outcome }: LabelReport, width: number, paint: Paint): string[] {
  if (!plan) return [];
  const repo = plan.createsRepo
    ? `${target} (created, ${plan.private ? 'private' : 'PUBLIC'})`
    : `${target} (exists${plan.head ? `, head ${formatHead(plan.head)}` : ''})`;
  const files = plan.files.map(({ path, size, sha256 }) => ({
    name: path,
    cells: [formatBytes(size), shorten(sha256)],
  }));
  const header = { name: 'file', cells: ['size', 'sha256'] };
  return [
    ...heading(`${outcome?.status === 'planned' ? '' : 'not now, but ready: '}what a real run publishes`, width, paint),
    ...define('to', repo, width),
    ...define('tag', plan.version, width),
    ...define('commit', plan.message, width),
    ...(plan.deletions.length > 0 ? define('delete', plan.deletions.join(', '), width) : []),
    ...(plan.restarts.length > 0 ? define('restart', plan.restarts.join(', '), width) : []),
    ...(files.length > 0 ? renderTable({ header, rows: files, words: [1], wholeNames: true }, width, paint) : []),
  ];
}

/** Spaces that were restarted, and those that could not be. */
export function renderRestarts({ restarts = [] }: LabelReport, width: number, paint: Paint): string[] {
  return restarts.flatMap((restart) => {
    const lines = define('restart', formatRestart(restart), width);
    return restart.status !== 'done' ? lines.map((line) => paint('yellow', line)) : lines;
  });
}

/** What a real run does besides publishing. */
export function renderEffects({ effects, dryRun }: RunReport, width: number, paint: Paint): string[] {
  if (effects.length === 0) return [];
  return [
    ...heading(`besides publishing${dryRun ? ', a real run does' : ''}`, width, paint),
    ...effects.flatMap((effect) => {
      const lines = hang(`  ${effect.kind.padEnd(8)}`, formatEffect(effect), width, 11);
      return effect.status === 'failed' ? lines.map((line) => paint('yellow', line)) : lines;
    }),
  ];
}

/** The SQL that runs, as compiled; long lines are broken between words, which SQL does not mind. */
export function renderQueries({ queries = [] }: LabelReport, width: number, paint: Paint): string[][] {
  return queries.map(({ source, sql, estimate }) => {
    return [
      ...heading(`SQL of ${source}${estimate ? `: ${formatEstimate(estimate)}` : ''}`, width, paint),
      ...sql.split('\n').flatMap((line) => breakLine(line, width)),
    ];
  });
}

function breakLine(line: string, width: number): string[] {
  const indent = ' '.repeat(Math.min(8, /^\s*/.exec(line)?.[0].replaceAll('\t', '  ').length ?? 0));
  const [first = '', ...more] = wrap(reveal(line.trim()), width - indent.length - 4);
  return [`  ${indent}${first}`, ...more.map((each) => `    ${indent}${each}`)].map((each) => each.trimEnd());
}

/** What a reviewer approves, and how to publish just that. */
export function renderDigest(report: RunReport, width: number): string[] {
  const command = formatShipping(report);
  if (command === undefined || report.planDigest === undefined) return [];
  return [...hang('plan digest', report.planDigest, width, 2), ...hang('to ship it:', command, width, 2)];
}

/** When the snapshot was taken that all figures are of. */
export function renderSnapshot({ database }: RunReport, width: number): string[] {
  if (!database) return [];
  return hang('figures of', `${formatInstant(database.takenAt)}, PostgreSQL ${database.server}`, width, 2);
}
