import type { RuledError } from '../references.ts';
import { advice } from './wording.ts';

/** 0 in any unit: "0", "0s", "0h0m". */
const ENDLESS = /^(?:0+(?:\.0+)?(?:ns|us|µs|ms|s|m|h)?)+$/;

/** @param spec as it was written: a default is nobody's choice */
export function timeoutAdvice(kind: string, spec: unknown): RuledError[] {
  if (kind !== 'TaskRun' && kind !== 'PipelineRun') return [];
  const { timeout, timeouts } = (spec ?? {}) as { timeout?: unknown; timeouts?: { pipeline?: unknown } };
  const [value, field] =
    kind === 'PipelineRun' && timeout === undefined ? [timeouts?.pipeline, 'timeouts.pipeline'] : [timeout, 'timeout'];
  if (value === undefined) {
    const message = `no time limit of its own, so that the cluster's default holds; set spec.${field}`;
    return [advice('no-timeout', 'spec', message)];
  }
  if (typeof value !== 'string' || !ENDLESS.test(value)) return [];
  return [advice('no-timeout', `spec.${field}`, 'it may run for ever; give it a time within which it is done')];
}
