import type { EffectReport, RunReport } from '../report/report.ts';
import { type OperationsSpec, targetName, type When } from '../spec/spec.ts';

/** What a run does besides publishing, in order, in words without a secret or an address. */
export function planEffects({ wandb, email, webhook, space, runs }: OperationsSpec): EffectReport[] {
  const planned = (kind: EffectReport['kind'], detail: string): EffectReport => ({ kind, detail, status: 'planned' });
  return [
    ...(wandb ? [planned('tracking', `Weights & Biases, project ${wandb.project}`)] : []),
    ...(email
      ? [planned('email', `${email.when}, to ${email.to.length} address${email.to.length === 1 ? '' : 'es'}`)]
      : []),
    ...(webhook ? [planned('webhook', webhook.when)] : []),
    ...(runs ? [planned('history', targetName(runs))] : []),
    ...(space && space.pause !== 'never' ? [planned('pause', `${space.id}, ${space.pause}`)] : []),
  ];
}

/** Whether a summary is wanted of this run. A problem is whatever somebody should look into; a hold and a skipped label are such. */
export function isWanted(when: When, { labels, exitCode, warnings }: RunReport): boolean {
  const has = (...statuses: string[]) => labels.some(({ outcome }) => statuses.includes(outcome?.status ?? 'failed'));
  const problem =
    exitCode !== 0 || warnings.length > 0 || has('failed', 'refused', 'skipped_insufficient_data', 'held');
  return when === 'always' || problem || (when === 'on_change' && has('success'));
}

/** Whether a run lets its Space go. @param exitCode undefined where it did not come to its end */
export function isPausing({ pause }: NonNullable<OperationsSpec['space']>, exitCode: number | undefined): boolean {
  return pause === 'always' || (pause === 'on_success' && exitCode === 0);
}
