import { openSandbox } from '../edges/duckdb-sandbox.ts';
import { prepareQueries, sqlChecks } from '../review/sql-check.ts';
import type { LabelSpec, Spec } from '../spec/spec.ts';
import { type Finding, type Hop, ok } from './hops.ts';

const LATE: Finding = {
  status: 'fail',
  code: 'CHECK_SQL',
  message: 'The queries could not be prepared in time',
  fix: 'make them simpler: nothing is read at this point',
};

/** Plan the hop of each label that has queries in `checks.sql`: whether they can run, over an empty table. */
export function planQueryHops({ labels, database }: Spec): Hop[] {
  return labels
    .filter((label) => sqlChecks(label).length > 0)
    .map((label) => ({
      id: `${label.name}.checks`,
      needs: [],
      run: (signal) => prepare(label, database.memoryLimitMb, signal),
      late: LATE,
    }));
}

async function prepare(label: LabelSpec, memoryLimitMb: number, signal: AbortSignal): Promise<Finding> {
  await using sandbox = await openSandbox(undefined, memoryLimitMb, '');
  await prepareQueries(sandbox, label, signal);
  return ok(
    sqlChecks(label)
      .map(({ name, severity }) => `${name} (${severity})`)
      .join(', '),
  );
}
