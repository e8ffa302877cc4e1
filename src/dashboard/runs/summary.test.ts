import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { cut } from './cut.ts';
import { conditionStatus, runObject } from './runs.fake.ts';
import { statusOf } from '../view/status.ts';
import { indexed, summaryOf } from './summary.ts';

const begun = { startTime: '2026-01-01T00:00:01Z' };
const summary = (more: Partial<Parameters<typeof runObject>[0]>) =>
  summaryOf(indexed(runObject({ name: 'r', ...more })), undefined);

describe('the word for a state', () => {
  it.each<[name: string, spec: object, status: object | undefined, word: string]>([
    ['nothing yet', {}, undefined, 'pending'],
    ['held back', { status: 'PipelineRunPending' }, conditionStatus('Unknown', 'PipelineRunPending'), 'pending'],
    ['in a queue', {}, conditionStatus('Unknown', 'PipelineRunPending'), 'queued'],
    ['at work', {}, conditionStatus('Unknown', 'Running', begun), 'running'],
    ['done', {}, conditionStatus('True', 'Completed', begun), 'succeeded'],
    ['failed', {}, conditionStatus('False', 'Failed', begun), 'failed'],
    ['cancelled', {}, conditionStatus('False', 'Cancelled', begun), 'cancelled'],
    ['a cancelled TaskRun', {}, conditionStatus('False', 'TaskRunCancelled', begun), 'cancelled'],
    ['out of time', {}, conditionStatus('False', 'PipelineRunTimeout', begun), 'timed-out'],
    ['a TaskRun out of time', {}, conditionStatus('False', 'TaskRunTimeout', begun), 'timed-out'],
    ['never began', {}, conditionStatus('False', 'CouldntGetPipeline'), 'failed'],
  ])('%s', (_name, spec, status, word) => {
    expect(statusOf(runObject({ name: 'r', spec, ...(status ? { status } : {}) }) as unknown as PipelineRun)).toBe(
      word,
    );
  });
});

describe('what a line shows', () => {
  it('says who or what started it', () => {
    const { startedBy } = summary({
      labels: {
        'triggers.tekton.dev/eventlistener': 'github',
        'triggers.tekton.dev/trigger': 'push',
        'dashboard.tekton.dev/rerunOf': 'r-1',
        'pipelinesascode.tekton.dev/sha': 'of-the-label',
      },
      annotations: {
        'pipelinesascode.tekton.dev/sha': '5f71df9',
        'pipelinesascode.tekton.dev/branch': 'main',
        'pipelinesascode.tekton.dev/sender': 'ann',
        'pipelinesascode.tekton.dev/event-type': 'push',
      },
    });
    expect(startedBy).toEqual({
      trigger: 'github/push',
      event: 'push',
      commit: '5f71df9',
      branch: 'main',
      person: 'ann',
      rerunOf: 'r-1',
    });
  });

  it.each<[name: string, more: Parameters<typeof summary>[0], definition: string | undefined]>([
    ['by its reference', {}, 'build'],
    ['by its label, for a remote one', { spec: {}, labels: { 'tekton.dev/pipeline': 'remote' } }, 'remote'],
    ['none: an embedded spec has the name of the run', { spec: {}, labels: { 'tekton.dev/pipeline': 'r' } }, undefined],
  ])('names its definition %s', (_name, more, definition) => {
    expect(summary(more).definition).toBe(definition);
  });

  it.each([
    ['true', 'yes'],
    ['failed', 'failed'],
    ['', 'no'],
    ['TRUE', 'no'],
  ])('a mark of Chains %j is %s', (mark, signed) => {
    expect(summary({ annotations: { 'chains.tekton.dev/signed': mark } }).signed).toBe(signed);
  });

  it('stays small, whatever a run holds', () => {
    const long = fc.string({ unit: 'binary', maxLength: 2000 });
    const texts = fc.dictionary(long, long, { maxKeys: 150 });
    const hostile = fc.record({ labels: texts, annotations: texts, message: long, reason: long, pipeline: long });
    fc.assert(
      fc.property(hostile, ({ labels, annotations, message, reason, pipeline }) => {
        const conditions = [{ type: 'Succeeded', status: 'False', reason, message }];
        const kept = indexed(
          runObject({
            name: 'r',
            labels,
            annotations,
            spec: { pipelineRef: { name: pipeline } },
            status: { conditions },
          }),
        );
        expect(JSON.stringify(summaryOf(kept, 1)).length).toBeLessThan(40_000);
        expect(Object.keys(summaryOf(kept, 1).labels).length).toBeLessThanOrEqual(20);
        expect(kept.run.message.isWellFormed()).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

it.each([
  ['short', 'short'],
  ['x'.repeat(12), 'xxxxxxxxx…'],
  [undefined, ''],
  [7, ''],
  ['\ud800', '\ufffd'],
])('%j is cut to %j', (text, short) => {
  expect(cut(text, 10)).toBe(short);
});
