import { describe, expect, it } from 'vitest';
import { cancelMessage, cancelPatch, childOf, traits, type CancelCause, type ChildKind } from './child.ts';

const kinds = Object.keys(traits) as ChildKind[];
const ended = (status: 'True' | 'False', reason: string) => ({
  conditions: [{ type: 'Succeeded', status, reason } as const],
});

describe.each(kinds)('a %s as a child', (kind) => {
  const { stop, cancelled } = traits[kind];
  const stopped = (cause: CancelCause) => ({ status: stop, statusMessage: cancelMessage(kind, cause) });

  it.each<[string, object, object | undefined, object]>([
    ['new', {}, undefined, { state: 'running', reason: '' }],
    [
      'running',
      {},
      { conditions: [{ type: 'Succeeded', status: 'Unknown', reason: 'Running' }] },
      { state: 'running', reason: 'Running' },
    ],
    ['asked to stop', { status: stop }, undefined, { state: 'running', isStopping: true }],
    ['succeeded', {}, ended('True', 'Succeeded'), { state: 'succeeded', reason: 'Succeeded' }],
    ['failed', {}, ended('False', 'Failed'), { state: 'failed', reason: 'Failed', wasCancelled: false }],
    [
      'cancelled by a person',
      { status: stop },
      ended('False', cancelled),
      { state: 'failed', wasCancelled: true, wasTimedOut: false },
    ],
    [
      'cancelled with its PipelineRun',
      stopped('cancelled'),
      ended('False', cancelled),
      { wasCancelled: true, wasTimedOut: false },
    ],
    [
      'cut short by a time limit of its PipelineRun',
      stopped('timedOut'),
      ended('False', cancelled),
      { wasCancelled: true, wasTimedOut: true },
    ],
    [
      'asked to stop for a time limit, and done before it did',
      stopped('timedOut'),
      ended('True', 'Succeeded'),
      { state: 'succeeded', wasCancelled: false, wasTimedOut: false },
    ],
  ])('%s', (_name, spec, status, expected) => {
    const object = { metadata: { name: 'c', uid: 'u' }, spec, status };
    expect(childOf(kind, object as never)).toMatchObject({ kind, name: 'c', ...expected });
  });
});

describe('what asks a child to stop', () => {
  it.each<[ChildKind, ReturnType<typeof cancelPatch>]>([
    [
      'TaskRun',
      [
        { op: 'add', path: '/spec/status', value: 'TaskRunCancelled' },
        {
          op: 'add',
          path: '/spec/statusMessage',
          value: 'TaskRun cancelled as the PipelineRun it belongs to has timed out.',
        },
      ],
    ],
    [
      'CustomRun',
      [
        { op: 'add', path: '/spec/status', value: 'RunCancelled' },
        {
          op: 'add',
          path: '/spec/statusMessage',
          value: 'CustomRun cancelled as the PipelineRun it belongs to has timed out.',
        },
      ],
    ],
    ['PipelineRun', [{ op: 'add', path: '/spec/status', value: 'Cancelled' }]],
  ])('%s', (kind, expected) => {
    expect(cancelPatch(kind, 'timedOut')).toEqual(expected);
  });
});
