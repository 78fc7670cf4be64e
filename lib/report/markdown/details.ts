import {
  ATTRIBUTION,
  formatAsked,
  formatAttribution,
  formatBytes,
  formatEstimate,
  formatHead,
  formatNumber,
  formatPoints,
  formatShare,
  NONE,
  planImbalance,
  shorten,
} from '../figures.ts';
import type { AttributionReport, LabelReport, PlanReport, SplitReport } from '../report.ts';
import { formatCount, formatTimes } from '../words.ts';
import { boundedList, boundedTable, type Section } from './section.ts';
import { code, details, fence, table, text } from './text.ts';

/** What explains a label's verdict, folded; in the order of reading, with a rank for where there is no room. */
export function planDetails(label: LabelReport, attribution: AttributionReport | undefined): Section[] {
  const { plan, split, conflicts, queries = [] } = label;
  const section = (title: string, rank: number, summary: string, body: string): Section[] =>
    body === '' ? [] : [{ title, rank, markdown: details(summary, body) }];
  return [
    ...(attribution
      ? section('spec or data', 4, `Spec or data? Base: ${text(attribution.base)}`, planAttribution(attribution))
      : []),
    ...(plan ? section('what would be published', 5, summarizePlan(plan), planPlan(plan)) : []),
    ...section('rows', 6, summarizeRows(label), planRows(label)),
    ...(split ? section('classes × splits', 7, 'Classes × splits', planSplits(label, split)) : []),
    ...(conflicts && conflicts.texts > 0
      ? section(
          'conflicts',
          8,
          `Conflicts: ${formatCount(conflicts.texts)} texts with more than one class`,
          planConflicts(conflicts.groups),
        )
      : []),
    ...section('text lengths and personal data', 9, 'Text lengths and personal data', planTexts(label)),
    ...section('SQL', 10, 'SQL and times', [...queries.map(planQuery), planTimes(label)].filter(Boolean).join('\n\n')),
  ];
}

function planAttribution({ problem, measures }: AttributionReport): string {
  if (problem) return `⚠️ The base could not be planned: ${code(problem.code)}: ${text(problem.message)}`;
  return boundedTable(['rows', ...ATTRIBUTION], measures, (measure) => [
    measure.group === measure.name ? measure.group : `${measure.group}: ${text(measure.name)}`,
    ...formatAttribution(measure),
  ]);
}

function summarizePlan({ files, deletions, createsRepo, private: hidden }: PlanReport): string {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const repo = createsRepo ? ` into a new ${hidden ? 'private' : '<b>public</b>'} repo` : '';
  const gone = deletions.length > 0 ? `, ${formatCount(deletions.length)} deleted` : '';
  return `What a real run publishes: ${formatCount(files.length)} files, ${formatBytes(bytes)}${gone}${repo}`;
}

function planPlan({ head, version, message, files, deletions, restarts }: PlanReport): string {
  const facts = [
    `on top of ${head === null ? 'nothing: the repo does not exist' : code(formatHead(head))}`,
    `tag ${code(version)}`,
    `commit ${code(message)}`,
    ...deletions.map((path) => `deletes ${code(path)}`),
    ...restarts.map((space) => `restarts ${code(space)}`),
  ];
  const row = ({ path, size, sha256 }: PlanReport['files'][number]) => [
    code(path),
    formatBytes(size),
    code(shorten(sha256)),
  ];
  return [boundedList(facts, String), boundedTable(['file', 'size', 'sha256'], files, row, [0, 2])].join('\n\n');
}

function summarizeRows({ fetched, kept }: LabelReport): string {
  const parts = [
    ...(fetched ? [`${formatCount(fetched.total)} fetched`] : []),
    ...(kept ? [`${formatCount(kept.total)} kept`] : []),
  ];
  return parts.length > 0 ? `Rows: ${parts.join(' → ')}` : 'Rows';
}

function planRows({ fetched, kept, dropped, unknownClasses = [], cleaning = [] }: LabelReport): string {
  const fewer =
    fetched && fetched.correct < fetched.asked
      ? [`The ratio asks for ${formatCount(fetched.asked)} correct rows; there are fewer.`]
      : [];
  const drops = Object.entries(dropped ?? {});
  return [
    ...(fetched || kept ? [planSources(fetched, kept)] : []),
    ...fewer,
    ...(drops.length > 0
      ? [boundedTable(['dropped', 'rows'], drops, ([reason, rows]) => [reason, formatCount(rows ?? 0)])]
      : []),
    ...(unknownClasses.length > 0 ? [planUnknown(unknownClasses)] : []),
    ...(cleaning.length > 0
      ? [boundedTable(['cleaning step', 'rows changed'], cleaning, ({ step, rows }) => [code(step), formatCount(rows)])]
      : []),
  ].join('\n\n');
}

function planSources(fetched: LabelReport['fetched'], kept: LabelReport['kept']): string {
  return boundedTable(['source', 'fetched', 'kept'], ['misclassified', 'correct'] as const, (source) => [
    source,
    fetched ? formatCount(fetched[source]) : NONE,
    kept ? formatCount(kept[source]) : NONE,
  ]);
}

function planUnknown(classes: NonNullable<LabelReport['unknownClasses']>): string {
  const list = boundedList(
    classes,
    ({ value, rows, nearest }) =>
      `${code(value)}: ${formatCount(rows)} rows${nearest === undefined ? '' : `; did the data mean ${code(nearest)}?`}`,
  );
  return `Classes that the spec does not name:\n\n${list}`;
}

function planSplits(label: LabelReport, split: SplitReport): string {
  const { classes, kept } = label;
  const total = kept?.total ?? 0;
  const { splits } = split;
  const row = (name: string, id: number) => {
    const counts = splits.map((each) => each.classes[id] ?? 0);
    return [text(name), ...[...counts, counts.reduce((sum, count) => sum + count, 0)].map(formatCount)];
  };
  const sums = [
    ['**all**', ...splits.map(({ rows: count }) => formatCount(count)), formatCount(total)],
    ['share', ...splits.map(({ rows: count }) => formatShare(count, total)), ''],
    ['asked', ...splits.map(({ share }) => formatAsked(share)), ''],
    [
      'deviation',
      ...splits.map(({ rows: count, share }) => formatPoints(count / Math.max(1, total) - Number(share))),
      '',
    ],
  ];
  const imbalance = planImbalance(label);
  return [
    boundedTable(['class', ...splits.map(({ name }) => text(name)), 'all'], classes, row, [0], sums),
    boundedList(
      [
        `${formatCount(split.remembered)} texts remembered, ${formatCount(split.assigned)} new, ${formatCount(split.merged)} merged`,
        ...(imbalance?.ratio
          ? [`largest class ${formatNumber(imbalance.ratio)} times the smallest, ${text(imbalance.smallest.name)}`]
          : []),
        ...(split.smallClasses.length > 0
          ? [`too few texts for every split: ${split.smallClasses.map(text).join(', ')}`]
          : []),
        ...(split.textsInSeveralSplits === 0 ? ['no text is in two splits'] : []),
      ],
      String,
    ),
  ].join('\n\n');
}

function planConflicts(groups: NonNullable<LabelReport['conflicts']>['groups']): string {
  const row = ({ classes, winner, texts, rows }: (typeof groups)[number]) => [
    classes.map(text).join(' / '),
    winner === null ? 'all dropped' : text(winner),
    formatCount(texts),
    formatCount(rows),
  ];
  return boundedTable(['classes', 'kept as', 'texts', 'rows'], groups, row, [0, 1]);
}

function planTexts({ lengths, personalData = [] }: LabelReport): string {
  const header = ['personal data left in', 'rows', 'e-mail', 'phone', 'either', 'share'];
  const personal = boundedTable(header, personalData, ({ split, rows, emails, phones, any }) => [
    text(split),
    ...[rows, emails, phones, any].map(formatCount),
    formatShare(any, rows),
  ]);
  return [
    ...(lengths
      ? [table(['characters', ...Object.keys(lengths)], [['kept texts', ...Object.values(lengths).map(formatNumber)]])]
      : []),
    ...(personalData.length > 0 ? [personal] : []),
  ].join('\n\n');
}

function planQuery({ source, sql, estimate }: NonNullable<LabelReport['queries']>[number]): string {
  return `${source}${estimate ? `: ${formatEstimate(estimate)}` : ''}\n\n${fence(sql, 'sql')}`;
}

function planTimes({ seconds }: LabelReport): string {
  const times = formatTimes(seconds);
  return times && `Time: ${times}.`;
}
