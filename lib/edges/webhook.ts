import type { OperationsSpec } from '../spec/spec.ts';
import type { World } from '../world.ts';

/** @throws PipelineError WEBHOOK_FAILED */
export async function postWebhook(
  _settings: NonNullable<OperationsSpec['webhook']>,
  _body: object,
  _world: World,
): Promise<void> {}
