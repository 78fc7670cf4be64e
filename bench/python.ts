import { makeVenv, venvOf } from '../test/official/venv.ts';
import { say } from './measure.ts';

/** What the Python service installs, as far as it is measured here. */
export const BENCH_VENV = venvOf('bench-venv', [
  'datasets==5.0.1',
  'huggingface-hub==1.33.0',
  'pandas==3.0.6',
  'psycopg2-binary==2.9.13',
  'scikit-learn==1.9.1',
  'sqlalchemy==2.1.1',
]);

/**
 * The interpreter that has them; they are installed once, below `.cache/`.
 *
 * @throws Error when they cannot be installed
 */
export async function benchPython(): Promise<string> {
  const made = await makeVenv(BENCH_VENV, () => say('Installing the Python packages…'));
  if ('problem' in made) throw new Error(`Cannot install ${BENCH_VENV.packages.join(', ')}: ${made.problem}`);
  return made.python;
}
