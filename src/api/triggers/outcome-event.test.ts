import { describe, expect, it } from 'vitest';
import { outcomeEvent, readOutcomeEvent, type ToldOutcome } from './outcome-event.ts';

describe('what an event on a listener tells of a trigger', () => {
  it.each<[name: string, told: ToldOutcome, reason: string, message: string]>([
    [
      'what it created',
      { outcome: 'created', trigger: 'push', namespace: 'ci', text: 'PipelineRun build-x' },
      'TriggerCreated',
      'trigger ci/push: PipelineRun build-x',
    ],
    [
      'who filtered it, and why',
      { outcome: 'stopped', trigger: 'push', namespace: 'ci', interceptor: 'cel', text: "a: b != ': '" },
      'TriggerStopped',
      "trigger ci/push: cel: a: b != ': '",
    ],
    [
      'a filter that does not say why',
      { outcome: 'stopped', trigger: 'push', namespace: 'ci', interceptor: 'cel', text: '' },
      'TriggerStopped',
      'trigger ci/push: cel: ',
    ],
    [
      'what failed, of a trigger without a name',
      { outcome: 'failed', trigger: '', namespace: 'ci', text: 'no\nsuch: path' },
      'TriggerFailed',
      'trigger ci/: no\nsuch: path',
    ],
    [
      'what came again',
      { outcome: 'repeated', trigger: 'push', namespace: 'ci', text: 'as before' },
      'TriggerRepeated',
      'trigger ci/push: as before',
    ],
  ])('is read as it was written: %s', (_name, told, reason, message) => {
    expect(outcomeEvent(told)).toEqual({ reason, message });
    expect(readOutcomeEvent({ reason, message })).toEqual(told);
    // The recorder's words before the last of many.
    expect(readOutcomeEvent({ reason, message: `(combined from similar events): ${message}` })).toEqual(told);
  });

  it.each<[name: string, event: { reason?: string; message?: string }]>([
    ['another reason', { reason: 'Started', message: 'trigger ci/push: x' }],
    ['another message', { reason: 'TriggerFailed', message: 'it failed' }],
    ['another one within', { reason: 'TriggerFailed', message: 'x: trigger ci/push: y' }],
    ['no trigger', { reason: 'TriggerFailed', message: `trigger ${'x'.repeat(64)}/push: y` }],
    ['nothing', {}],
  ])('is nothing: %s', (_name, event) => {
    expect(readOutcomeEvent(event)).toBeUndefined();
  });
});
