import { describe, expect, it } from 'vitest';
import {
  cancelMessage,
  childOf,
  requestOf,
  stopPatch,
  traits,
  wasAsked,
  type CancelCause,
  type ChildKind,
  type StopRequest,
} from './child.ts';

const kinds = Object.keys(traits) as ChildKind[];
const ended = (status: 'True' | 'False', reason: string) => ({
  conditions: [{ type: 'Succeeded', status, reason } as const],
});

describe.each(kinds)('a %s as a child', (kind) => {
  const { stop, cancelled, hasMessage } = traits[kind];
  /** Asked to stop, and why: in the spec, or in an annotation where the spec has no place for it. */
  const stopped = (cause: CancelCause) => {
    const message = cancelMessage(kind, cause);
    return hasMessage
      ? { spec: { status: stop, statusMessage: message } }
      : { spec: { status: stop }, metadata: { annotations: { 'tektite.dev/status-message': message } } };
  };

  it.each<[string, { spec?: object; metadata?: object }, object | undefined, object]>([
    ['new', {}, undefined, { state: 'running', reason: '' }],
    [
      'running',
      {},
      { conditions: [{ type: 'Succeeded', status: 'Unknown', reason: 'Running' }] },
      { state: 'running', reason: 'Running' },
    ],
    ['asked to stop', { spec: { status: stop } }, undefined, { state: 'running', isStopping: true }],
    ['succeeded', {}, ended('True', 'Succeeded'), { state: 'succeeded', reason: 'Succeeded' }],
    ['failed', {}, ended('False', 'Failed'), { state: 'failed', reason: 'Failed', wasCancelled: false }],
    [
      'cancelled by a person',
      { spec: { status: stop } },
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
  ])('%s', (_name, { spec = {}, metadata }, status, expected) => {
    const object = { metadata: { name: 'c', uid: 'u', ...metadata }, spec, status };
    expect(childOf(kind, object as never)).toMatchObject({ kind, name: 'c', ...expected });
  });
});

describe('what asks a child to stop', () => {
  it.each<[ChildKind, ReturnType<typeof stopPatch>]>([
    [
      'TaskRun',
      {
        type: 'json',
        body: [
          { op: 'add', path: '/spec/status', value: 'TaskRunCancelled' },
          {
            op: 'add',
            path: '/spec/statusMessage',
            value: 'TaskRun cancelled as the PipelineRun it belongs to has timed out.',
          },
        ],
      },
    ],
    [
      'CustomRun',
      {
        type: 'json',
        body: [
          { op: 'add', path: '/spec/status', value: 'RunCancelled' },
          {
            op: 'add',
            path: '/spec/statusMessage',
            value: 'CustomRun cancelled as the PipelineRun it belongs to has timed out.',
          },
        ],
      },
    ],
    [
      'PipelineRun',
      {
        type: 'merge',
        body: {
          metadata: {
            annotations: {
              'tektite.dev/status-message': 'PipelineRun cancelled as the PipelineRun it belongs to has timed out.',
            },
          },
          spec: { status: 'Cancelled' },
        },
      },
    ],
  ])('%s', (kind, expected) => expect(stopPatch(kind, 'timedOut', 'stop')).toEqual(expected));

  it.each<[ChildKind, StopRequest, string | undefined]>([
    ['TaskRun', 'beginNoMore', undefined],
    ['TaskRun', 'stopTasks', 'TaskRunCancelled'],
    ['CustomRun', 'beginNoMore', undefined],
    ['CustomRun', 'stopTasks', 'RunCancelled'],
    ['PipelineRun', 'beginNoMore', 'StoppedRunFinally'],
    ['PipelineRun', 'stopTasks', 'CancelledRunFinally'],
    ['PipelineRun', 'stop', 'Cancelled'],
  ])('%s: %s', (kind, request, expected) => expect(requestOf(kind, request)).toBe(expected));

  it.each<[ChildKind, string, StopRequest, boolean]>([
    ['PipelineRun', '', 'beginNoMore', false],
    ['PipelineRun', 'StoppedRunFinally', 'beginNoMore', true],
    ['PipelineRun', 'StoppedRunFinally', 'stopTasks', false],
    ['PipelineRun', 'CancelledRunFinally', 'beginNoMore', true],
    ['PipelineRun', 'CancelledRunFinally', 'stop', false],
    ['PipelineRun', 'Cancelled', 'stopTasks', true],
    ['TaskRun', 'TaskRunCancelled', 'stop', true],
    ['TaskRun', '', 'stop', false],
  ])('a %s asked for "%s" was asked for %s: %s', (kind, requested, request, expected) =>
    expect(wasAsked({ kind, requested }, request)).toBe(expected),
  );
});
