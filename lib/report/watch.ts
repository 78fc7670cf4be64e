import type { Run } from '../run.ts';
import { logTo } from './log.ts';

/** Show the run's progress on stderr: one line per step. Disposing it ends the showing. */
export function watch(run: Run): Disposable {
  const { stderr } = run.world;
  run.events.subscribe(logTo((text) => stderr.write(run.mask(text))));
  run.events.emit({
    type: 'run.started',
    version: run.version,
    labels: run.labels.map(({ spec }) => spec.name),
    dryRun: run.options.dryRun,
  });
  return { [Symbol.dispose]() {} };
}
