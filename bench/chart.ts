import type * as Plot from '@observablehq/plot';
import { shareSent } from './chunks.ts';
import { spread } from './figures.ts';
import { formatSize } from './goals.ts';
import type { Results, SecondVersionResult, Writer } from './results.ts';

/** results.svg: what was measured, as one picture that follows the reader's light or dark scheme. */

const PANEL = { width: 430, height: 150 }; // px
const TITLE_PX = 26;
const GAP_PX = 24;
const COLUMNS = 2;

const STYLE = `
  svg { --paper: #ffffff; --ink: #1b1f24; --muted: #59616b; --rule: #dfe3e8; --ours: #3366a3; --theirs: #c4761a; --floor: #6b747e; }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #101316; --ink: #e3e7eb; --muted: #9ba4ae; --rule: #2c3239; --ours: #6a9fdc; --theirs: #e09a45; --floor: #96a0aa; }
  }
  text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
  .title { font-weight: 600; fill: var(--ink); }`;

const OURS = 'var(--ours)';
const THEIRS = 'var(--theirs)';
const FLOOR = 'var(--floor)';
const INK = 'var(--ink)';
const MUTED = 'var(--muted)';
const RULE = 'var(--rule)';

interface Panel {
  title: string;
  options: Plot.PlotOptions;
}

interface Bar {
  name: string;
  value: number;
  text: string;
  fill: string;
}

/** Draw all panels whose part was measured; undefined where there is none. */
export async function drawChart(results: Results): Promise<string | undefined> {
  const [plot, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')]);
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const panels = planPanels(plot, results);
  if (panels.length === 0) return undefined;
  const rows = Math.ceil(panels.length / COLUMNS);
  const [width, height] = [
    COLUMNS * PANEL.width + (COLUMNS + 1) * GAP_PX,
    rows * (PANEL.height + TITLE_PX) + (rows + 1) * GAP_PX,
  ];
  const drawn = panels.map(({ title, options }, index) => {
    const x = GAP_PX + (index % COLUMNS) * (PANEL.width + GAP_PX);
    const y = GAP_PX + Math.floor(index / COLUMNS) * (PANEL.height + TITLE_PX + GAP_PX);
    const svg = plot.plot({ document: document as never, ...PANEL, style: { overflow: 'visible' }, ...options });
    svg.querySelector('style')?.remove();
    const placed = svg.outerHTML.replace('<svg ', `<svg x="${x}" y="${y + TITLE_PX}" `);
    return `<text class="title" x="${x}" y="${y + 12}">${title}</text>\n${placed}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Results of the benchmark; results.md has every figure">
<style>${STYLE}</style>
<rect width="${width}" height="${height}" style="fill: var(--paper)"/>
${drawn.join('\n')}
</svg>
`;
}

function planPanels(plot: typeof Plot, { compare, growth, memory, secondVersion }: Results): Panel[] {
  const panels: Panel[] = [];
  if (compare) {
    const at = `${formatSize(compare.complaints)} complaints, both labels`;
    const seconds = (name: string, measures: typeof compare.ours, fill: string): Bar => {
      const { median } = spread(measures, 'seconds');
      return { name, value: median, text: `${median.toFixed(1)} s`, fill };
    };
    const peak = (name: string, measures: typeof compare.ours, fill: string): Bar => {
      const { median } = spread(measures, 'peakBytes');
      return { name, value: median, text: formatMB(median), fill };
    };
    panels.push(
      planBars(plot, `Time, ${at}`, [
        seconds('COPY alone', compare.floor, FLOOR),
        seconds('ours', compare.ours, OURS),
        seconds('Python', compare.python, THEIRS),
      ]),
      planBars(plot, `Peak memory, ${at}`, [peak('ours', compare.ours, OURS), peak('Python', compare.python, THEIRS)]),
    );
  }
  const sizes = growth?.sizes ?? [];
  if (sizes.length > 1) panels.push(...planGrowth(plot, sizes));
  const versions = secondVersion?.sizes.at(-1);
  if (versions) {
    const title = `Bytes sent again after 5% appended rows, ${formatSize(versions.complaints)} complaints`;
    panels.push(planBars(plot, title, planSent(versions)));
  }
  if (memory) {
    const bars = memory.limits.map(({ memoryLimit, ours }) => {
      const { median } = spread(ours, 'peakBytes');
      return { name: memoryLimit, value: median, text: formatMB(median), fill: OURS };
    });
    panels.push(planBars(plot, `Peak memory by memory_limit, ${formatSize(memory.complaints)} complaints`, bars));
  }
  return panels;
}

export const WRITER_NAMES: Record<Writer, string> = {
  ours: 'ours',
  shuffled: 'ours, shuffled',
  official: 'our order, to_parquet',
  service: 'Python service',
};

const WRITER_FILLS: Record<Writer, string> = { ours: OURS, shuffled: FLOOR, official: FLOOR, service: THEIRS };

function planSent({ transfers }: SecondVersionResult): Bar[] {
  return transfers
    .filter(({ change }) => change === 'appended')
    .map(({ writer, data }) => {
      const share = shareSent(data);
      const text = `${(100 * share).toFixed(1)}%`;
      return { name: WRITER_NAMES[writer], value: share, text, fill: WRITER_FILLS[writer] };
    });
}

function planBars(plot: typeof Plot, title: string, bars: Bar[]): Panel {
  const names = bars.map(({ name }) => name);
  return {
    title,
    options: {
      ...{ marginLeft: 135, marginRight: 65, marginTop: 2, marginBottom: 2, height: names.length * 30 + 4 },
      x: { axis: null, domain: [0, Math.max(...bars.map(({ value }) => value))] },
      y: { axis: null, domain: names, padding: 0.3 },
      marks: [
        plot.barX(bars, { x: 'value', y: 'name', fill: 'fill' }),
        plot.ruleX([0], { stroke: MUTED }),
        plot.text(names, {
          frameAnchor: 'left',
          y: (name: string) => name,
          text: (name: string) => name,
          dx: -8,
          textAnchor: 'end',
          fill: INK,
        }),
        plot.text(bars, { x: 'value', y: 'name', text: 'text', dx: 6, textAnchor: 'start', fill: INK }),
      ],
    },
  };
}

interface Point {
  size: number;
  value: number;
  series: string;
}

/** Both on linear axes: a straight line is growth in proportion, a level one is none. */
function planGrowth(plot: typeof Plot, sizes: NonNullable<Results['growth']>['sizes']): Panel[] {
  const points = (quantity: 'seconds' | 'peakBytes', unit: number, contenders: readonly ('ours' | 'floor')[]) =>
    contenders.flatMap((series) =>
      sizes.map((each) => ({
        size: each.complaints,
        value: spread(each[series], quantity).median / unit,
        series: series === 'ours' ? 'ours' : 'COPY alone',
      })),
    );
  return [
    planLines(plot, 'Time by complaints, seconds', points('seconds', 1, ['ours', 'floor'])),
    planLines(plot, 'Peak memory by complaints, MB', points('peakBytes', 1e6, ['ours'])),
  ];
}

function planLines(plot: typeof Plot, title: string, points: Point[]): Panel {
  const fill = ({ series }: Point) => (series === 'ours' ? OURS : FLOOR);
  const most = Math.max(...points.map(({ size }) => size));
  const ends = points.filter(({ size }) => size === most);
  return {
    title,
    options: {
      ...{ marginLeft: 44, marginRight: 75, marginTop: 8, marginBottom: 24 },
      x: { domain: [0, most] },
      y: { domain: [0, Math.max(...points.map(({ value }) => value)) * 1.05] },
      marks: [
        plot.gridY({ stroke: RULE, strokeOpacity: 1, ticks: 4 }),
        plot.axisX({ ticks: 4, tickFormat: formatSize, tickSize: 0, color: MUTED, label: null }),
        plot.axisY({ ticks: 4, tickSize: 0, color: MUTED, label: null }),
        plot.line(points, { x: 'size', y: 'value', z: 'series', stroke: fill, strokeWidth: 2 }),
        plot.dot(points, { x: 'size', y: 'value', r: 3, fill }),
        plot.text(ends, { x: 'size', y: 'value', text: 'series', dx: 8, textAnchor: 'start', fill: INK }),
      ],
    },
  };
}

const formatMB = (bytes: number) => `${Math.round(bytes / 1e6).toLocaleString('en-US')} MB`;
