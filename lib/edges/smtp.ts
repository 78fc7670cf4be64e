import type { OperationsSpec } from '../spec/spec.ts';
import type { World } from '../world.ts';

export interface Mail {
  subject: string;
  text: string;
  html: string;
}

/** @throws PipelineError EMAIL_FAILED */
export async function sendMail(
  _settings: NonNullable<OperationsSpec['email']>,
  _mail: Mail,
  _world: World,
): Promise<void> {}
