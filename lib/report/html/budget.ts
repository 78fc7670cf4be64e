import { type LabelSamples, noSamples } from '../samples.ts';
import { changeExamples, checkExamples, cleaningExamples, conflictExamples, droppedExamples } from './examples.ts';

const EXAMPLE_BYTES = 1_400_000; // of all labels' examples; a page is to stay below 2 MB
const LIMITS = [100, 50, 20, 10, 5, 2, 1]; // examples of a kind

export interface Fitted {
  samples: ReadonlyMap<string, LabelSamples>;
  /** Examples of a kind that are left, where some had to go. */
  limit?: number;
}

/** Keep as many examples of each kind, the same number everywhere, as fit the page. */
export function fitSamples(samples: ReadonlyMap<string, LabelSamples>, most = EXAMPLE_BYTES): Fitted {
  const kinds = [...samples.values()].flatMap(kindsOf).map((kind) => kind.map(bytesOf));
  const total = (limit?: number) => kinds.flatMap((kind) => kind.slice(0, limit)).reduce((sum, each) => sum + each, 0);
  if (total() <= most) return { samples };
  const limit = LIMITS.find((each) => total(each) <= most) ?? 0;
  const fewer = [...samples].map(([label, each]) => [label, merge(kindsOf(each).map((kind) => kind.slice(0, limit)))]);
  return { samples: new Map(fewer as [string, LabelSamples][]), limit };
}

/** Samples with one example each, by kind. */
function kindsOf({ dropped, cleaning, conflicts, changes, checks }: LabelSamples): LabelSamples[][] {
  const one = (sample: Partial<LabelSamples>): LabelSamples => ({ ...noSamples(), ...sample });
  return [
    ...Map.groupBy(dropped, ({ reason }) => reason)
      .values()
      .map((kind) => kind.map((each) => one({ dropped: [each] }))),
    ...Map.groupBy(cleaning, ({ step }) => step)
      .values()
      .map((kind) => kind.map((each) => one({ cleaning: [each] }))),
    conflicts.map((each) => one({ conflicts: [each] })),
    ...Map.groupBy(changes, ({ kind }) => kind)
      .values()
      .map((kind) => kind.map((each) => one({ changes: [each] }))),
    ...checks.map((check) => check.rows.map((row) => one({ checks: [{ ...check, rows: [row] }] }))),
  ];
}

function merge(kinds: LabelSamples[][]): LabelSamples {
  const all = kinds.flat();
  const checks = kinds.flatMap((kind) => {
    const [first, ...more] = kind.flatMap((each) => each.checks);
    return first ? [{ ...first, rows: [first, ...more].flatMap(({ rows }) => rows) }] : [];
  });
  return {
    dropped: all.flatMap(({ dropped }) => dropped),
    cleaning: all.flatMap(({ cleaning }) => cleaning),
    conflicts: all.flatMap(({ conflicts }) => conflicts),
    changes: all.flatMap(({ changes }) => changes),
    checks,
  };
}

function bytesOf(samples: LabelSamples): number {
  const rendered = [
    ...droppedExamples(samples),
    ...cleaningExamples(samples),
    conflictExamples(samples),
    ...changeExamples(samples),
    ...checkExamples(samples, ''),
  ];
  return rendered.reduce((sum, each) => sum + Buffer.byteLength(each?.markup ?? ''), 0);
}
