import { cpus, release, totalmem, type } from 'node:os';
import { benchPython } from './python.ts';
import type { Machine } from './results.ts';

/** @param postgres the server's version */
export async function describeMachine(postgres: string): Promise<Machine> {
  const version = Bun.spawn([await benchPython(), '-c', 'import platform; print(platform.python_version())']);
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    postgres,
    bun: Bun.version,
    python: (await version.stdout.text()).trim(),
  };
}
