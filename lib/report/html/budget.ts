import type { LabelSamples } from '../samples.ts';
import type { Html } from './escape.ts';
import { changeExamples, checkExamples, cleaningExamples, conflictExamples, droppedExamples } from './examples.ts';

const EXAMPLE_BYTES = 1_400_000; // of all labels' examples; a page is to stay below 2 MB
const LIMITS = [100, 50, 20, 10, 5, 2, 1, 0]; // examples of a kind

export interface Fitted {
  samples: ReadonlyMap<string, LabelSamples>;
  /** Examples of a kind that are left, where some had to go. */
  limit?: number;
}

/** Keep as many examples of each kind, the same number everywhere, as fit the page. */
export function fitSamples(samples: ReadonlyMap<string, LabelSamples>, most = EXAMPLE_BYTES): Fitted {
  if (bytesOf(samples) <= most) return { samples };
  for (const limit of LIMITS) {
    const fewer = new Map([...samples].map(([label, each]) => [label, limitEach(each, limit)]));
    if (limit === 0 || bytesOf(fewer) <= most) return { samples: fewer, limit };
  }
  return { samples: new Map(), limit: 0 };
}

function limitEach({ dropped, cleaning, conflicts, changes, checks }: LabelSamples, limit: number): LabelSamples {
  const first = <T>(rows: T[], kindOf: (row: T) => string) =>
    [...Map.groupBy(rows, kindOf).values()].flatMap((kind) => kind.slice(0, limit));
  return {
    dropped: first(dropped, ({ reason }) => reason),
    cleaning: first(cleaning, ({ step }) => step),
    conflicts: conflicts.slice(0, limit),
    changes: first(changes, ({ kind }) => kind),
    checks: checks.map((check) => ({ ...check, rows: check.rows.slice(0, limit) })),
  };
}

function bytesOf(samples: ReadonlyMap<string, LabelSamples>): number {
  const rendered = [...samples].flatMap(([label, each]): (Html | undefined)[] => [
    ...droppedExamples(each),
    ...cleaningExamples(each),
    conflictExamples(each),
    ...changeExamples(each),
    ...checkExamples(each, label),
  ]);
  return rendered.reduce((sum, each) => sum + Buffer.byteLength(each?.markup ?? ''), 0);
}
