import type { CreationBackOff } from '../api/config/config-back-off.ts';
import type { EffectOutcome } from './decision.ts';
import type { Settings } from './settings.ts';

/** What is made for a run and goes through the webhooks of others. */
const creations = new Set<string>(['createPod', 'createChild']);

/**
 * The back-off with which a run waits whose creation a webhook did not answer in time, when the operator set one (flag
 * enable-wait-exponential-backoff). Undefined: the run waits as after any other trouble.
 */
export function creationBackOff(
  { creationBackOff: backOff }: Settings,
  outcomes: readonly EffectOutcome<{ type: string }>[],
): CreationBackOff | undefined {
  const isLate = (outcome: EffectOutcome<{ type: string }>) =>
    outcome.kind === 'failed' && creations.has(outcome.effect.type) && isWebhookTimeout(outcome);
  return outcomes.some(isLate) ? backOff : undefined;
}

/**
 * Upstream's test (pkg/controller IsWebhookTimeout). The API server names the URL that it called, which has its timeout
 * in it, so this is true of any webhook that could not be reached.
 */
function isWebhookTimeout({ status, message }: { status: number; message: string }): boolean {
  return status === 500 && message.includes('timeout');
}
