import { shareSent } from './chunks.ts';
import type { Distributed } from './distributed.ts';
import { spread } from './figures.ts';
import { formatSize, type Goal, isReached, planGoals } from './goals.ts';
import type { Measure } from './measure.ts';
import type { Results } from './results.ts';
import { renderTable } from './table.ts';

/** results.md: goals first, then each part that was measured, with one sentence that says how to read it. */

export function renderResults(results: Results, chart?: string): string {
  const { compare, growth, memory, secondVersion, footprint, profile, distributed } = results;
  const sections = [
    `# Benchmark\n\n\`bun run bench\` makes the databases, measures all of this and writes this page; \`bun run bench --only growth\` measures one part anew.`,
    renderMachine(results),
    renderGoals(results),
    chart && `![Time, peak memory, growth and bytes sent again, as in the tables below](${chart})`,
    compare && renderCompare(compare),
    growth && renderGrowth(growth),
    memory && renderMemory(memory),
    secondVersion && renderSecondVersion(secondVersion),
    footprint && renderFootprint(footprint),
    profile && renderProfile(profile),
    distributed && renderDistributed(distributed),
  ];
  return `${sections.filter((section) => section !== undefined && section !== '').join('\n\n')}\n`;
}

type Part<Name extends keyof Results> = NonNullable<Results[Name]>;

function renderMachine({ machine }: Results): string {
  if (machine === undefined) return '';
  const { processor, cores, memoryBytes, system, postgres, bun, python } = machine;
  return `Machine: ${cores} cores (${processor}), ${(memoryBytes / 1e9).toFixed(0)} GB of memory, ${system}; PostgreSQL ${postgres} on the same machine, Bun ${bun}, Python ${python}.
40% of the complaints are reviewed mistakes; texts have 60 to 400 characters, English and Nepali with HTML and URLs, and a few have 100 kB.
A run is a whole process, from its start to its end; its peak memory is the operating system’s (\`ru_maxrss\`). Contenders take turns, A B A B. MB are 10⁶ bytes.`;
}

function renderGoals(results: Results): string {
  const rows = planGoals(results).map((goal) => {
    const reached = isReached(goal);
    return [
      goal.measure,
      `${goal.relation} ${formatGoal(goal.wanted, goal.unit)}`,
      goal.found === undefined ? 'not measured' : formatGoal(goal.found, goal.unit),
      reached === undefined ? '' : reached ? 'yes' : '**no**',
    ];
  });
  return `## Goals\n\nRatios and times are of medians.\n\n${renderTable(['measure', 'goal', 'measured', 'reached'], rows)}`;
}

function formatGoal(value: number, unit: Goal['unit']): string {
  switch (unit) {
    case 'ratio':
      return Number(value.toFixed(2)).toString();
    case 'percent':
      return formatShare(value);
    case 'MB':
      return `${Math.round(value)} MB`;
    case 's':
      return `${value.toFixed(3).replace(/0$/, '')} s`;
  }
}

const QUANTITIES = ['wall s min', 'median', 'max', 'CPU s', 'peak MB min', 'median', 'max'];

/** Wall and peak as min, median, max; the median of the processor’s time. */
function cellsOf(measures: readonly Measure[]): string[] {
  const [wall, cpu, peak] = [
    spread(measures, 'seconds'),
    spread(measures, 'cpuSeconds'),
    spread(measures, 'peakBytes'),
  ];
  const seconds = [wall.min, wall.median, wall.max, cpu.median].map((value) => value.toFixed(2));
  return [...seconds, ...[peak.min, peak.median, peak.max].map(formatMB)];
}

const formatMB = (bytes: number) => Math.round(bytes / 1e6).toLocaleString('en-US');
const formatCount = (count: number) => count.toLocaleString('en-US');
const formatShare = (share: number) => `${(100 * share).toFixed(1)}%`;
const heading = (title: string, { measuredAt }: { measuredAt: string }) =>
  `## ${title}\n\nMeasured on ${measuredAt.slice(0, 10)}.`;

function renderCompare(compare: Part<'compare'>): string {
  const { complaints, rows, ours, python, floor, pythonDefault } = compare;
  const { run, limitSeconds } = pythonDefault;
  const last = run ? cellsOf([run]) : [`not finished in ${limitSeconds} s`, '', '', '', '', '', ''];
  const table = renderTable(
    ['', ...QUANTITIES],
    [
      ['COPY alone, the floor', ...cellsOf(floor)],
      ['ours', ...cellsOf(ours)],
      ['Python, `work_mem` 256MB', ...cellsOf(python)],
      ['Python, default `work_mem`', ...last],
    ],
  );
  return `${heading(`${formatSize(complaints)} complaints, both labels`, compare)} Read it from the floor: psql receives just the rows that ours chooses and drops them, so no program that reads them can take less;
CPU is the program’s own, without PostgreSQL’s, and the floor’s peak is the least that can be seen. Ours publishes ${formatCount(rows)} rows, without duplicates and conflicts,
into a directory. The Python way (\`bench/service.py\`) reads all rows that nobody reported to sample from them, and writes its splits as Parquet.

${table}`;
}

function renderGrowth(growth: Part<'growth'>): string {
  const rows = [...growth.sizes]
    .sort((a, b) => a.complaints - b.complaints)
    .flatMap(({ complaints, rows, ours, floor }) => [
      [formatSize(complaints), formatCount(rows), 'ours', ...cellsOf(ours)],
      ['', '', 'COPY alone', ...cellsOf(floor)],
    ]);
  return `${heading('Growth', growth)} Time should grow as the rows do, and peak memory should stay: compare a size with the one above it.

${renderTable(['complaints', 'rows published', '', ...QUANTITIES], rows)}`;
}

function renderMemory(memory: Part<'memory'>): string {
  const rows = memory.limits.map(({ memoryLimit, ours }) => [memoryLimit, ...cellsOf(ours)]);
  return `${heading(`\`memory_limit\`, ${formatSize(memory.complaints)} complaints`, memory)} The limit is the data engine’s; what the peak is above it is Bun and what the engine does not count.

${renderTable(['limit', ...QUANTITIES], rows)}`;
}

const CHANGE_TEXTS = {
  appended: '5% appended',
  changed: '5% appended, 50 deleted, 100 relabelled',
} as const;

const WRITER_TEXTS = {
  ours: 'ours',
  shuffled: 'the same rows and writer, shuffled anew',
  official: 'the same rows in our order, `Dataset.to_parquet`',
  service: 'Python service: a fresh split, `Dataset.to_parquet`',
} as const;

function renderSecondVersion(secondVersion: Part<'secondVersion'>): string {
  const cells = ({ bytes, sent }: { bytes: number; sent: number }) => [
    (bytes / 1e6).toFixed(2),
    (sent / 1e6).toFixed(2),
    formatShare(shareSent({ bytes, sent })),
  ];
  const rows = secondVersion.sizes.flatMap(({ complaints, transfers }) =>
    transfers.flatMap(({ change, writer, data, all }) => [
      [formatSize(complaints), CHANGE_TEXTS[change], WRITER_TEXTS[writer], ...cells(data)],
      ...(all ? [['', '', 'ours, with ledger, card and metadata', ...cells(all)]] : []),
    ]),
  );
  return `${heading('Second versions', secondVersion)} Sent are the bytes of chunks that the first version’s files do not have, cut as Xet cuts them
(\`@huggingface/xetchunk-wasm\`, about 64 kB each): the smaller the share, the less is uploaded again.

${renderTable(['complaints', 'between the versions', 'written by', 'MB', 'sent MB', 'share'], rows)}`;
}

function renderFootprint(footprint: Part<'footprint'>): string {
  const { ours, python, bunBytes, coldStart } = footprint;
  const start = (measures: Measure[]) => {
    const { min, median, max } = spread(measures, 'seconds');
    return [min, median, max].map((value) => value.toFixed(3));
  };
  const rows = [
    ['ours: `--help`', formatCount(ours.packages), formatMB(ours.bytes), ...start(coldStart.help)],
    ['ours: `--help`, the first time', '', '', ...start(coldStart.firstHelp)],
    ['Python: imports alone', formatCount(python.packages), formatMB(python.bytes), ...start(coldStart.pythonImports)],
  ];
  return `${heading('Installed size and cold start', footprint)} Without dev dependencies, and without the runtimes themselves; Bun’s program is another ${formatMB(bunBytes)} MB. The first time, Bun compiles what it
keeps for the next start.

${renderTable(['', 'packages', 'MB', 'start s min', 'median', 'max'], rows)}`;
}

function renderProfile(profile: Part<'profile'>): string {
  const { complaints, total, labels } = profile;
  const steps = [...new Set(labels.flatMap((label) => Object.keys(label.steps)))];
  const sum = (values: number[]) => values.reduce((all, value) => all + value, 0);
  const inStep = (step: string) => sum(labels.map((label) => label.steps[step] ?? 0));
  const rowOf = (name: string, secondsOf: (step: string) => number, floor: number) => {
    const cells = [...steps.map(secondsOf), sum(steps.map(secondsOf)), floor];
    return [name, ...cells.map((value) => value.toFixed(2))];
  };
  const rows = [
    ...labels.map(({ label, steps: seconds, floor }) => rowOf(label, (step) => seconds[step] ?? 0, floor)),
    rowOf('both', inStep, sum(labels.map(({ floor }) => floor))),
  ];
  const besides = total - sum(steps.map(inStep));
  const rest =
    besides > 0
      ? `${besides.toFixed(2)} s are none of them: starting, connecting, the report.`
      : 'Medians of steps add up to a little more than the median of the whole.';
  return `${heading(`Where the time goes, ${formatSize(complaints)} complaints`, profile)} Seconds by step, medians, of runs that take ${total.toFixed(2)} s. The last column is what PostgreSQL and psql
take for the label’s rows alone, which is a part of \`fetch\`. ${rest}

${renderTable(['label', ...steps, 'sum', 'COPY alone'], rows)}`;
}

function renderDistributed({ complaints, shards, identical, seconds, plans }: Distributed): string {
  const sameness = identical ? 'byte for byte the same' : '**not the same**';
  const blocks = plans.map(
    ({ label, source, plan }) => `\`${label}\`, ${source}:\n\n\`\`\`text\n${plan.trimEnd()}\n\`\`\``,
  );
  return `## Distributed PostgreSQL

${formatSize(complaints)} complaints on ${shards} servers behind a coordinator: the files are ${sameness} as from one server. ${seconds.single.toFixed(2)} s from one server, ${seconds.distributed.toFixed(2)} s from all.
A line \`Remote SQL\` is what a shard is asked for; whatever is not in one is the coordinator’s work.

${blocks.join('\n\n')}`;
}
