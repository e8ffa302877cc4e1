import { describe, expect, it } from 'vitest';
import { givenCarrier, writtenCarrier } from './span-context.ts';

const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const other = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';

const annotated = (text: string) => ({ annotations: { 'tekton.dev/taskrunSpanContext': text } });

describe('the span that a run belongs to', () => {
  it.each([
    ['nothing said', { metadata: {} }, undefined],
    ['an annotation', { metadata: annotated(JSON.stringify({ traceparent: parent })) }, { traceparent: parent }],
    [
      'an annotation with more',
      { metadata: annotated(JSON.stringify({ traceparent: parent, tracestate: 'a=1', baggage: 'x' })) },
      { traceparent: parent, tracestate: 'a=1' },
    ],
    [
      'the status before the annotation',
      { metadata: annotated(JSON.stringify({ traceparent: other })), status: { spanContext: { traceparent: parent } } },
      { traceparent: parent },
    ],
    [
      'an empty status',
      { metadata: annotated(JSON.stringify({ traceparent: other })), status: { spanContext: {} } },
      { traceparent: other },
    ],
    [
      'the annotation of another kind',
      { metadata: { annotations: { 'tekton.dev/pipelinerunSpanContext': '{}' } } },
      undefined,
    ],
    ['no JSON', { metadata: annotated('{') }, undefined],
    ['null', { metadata: annotated('null') }, undefined],
    ['a number', { metadata: annotated('{"traceparent":1}') }, undefined],
    ['no trace', { metadata: annotated(JSON.stringify({ traceparent: 'me' })) }, undefined],
    [
      'zeros',
      { metadata: annotated(JSON.stringify({ traceparent: parent.replace(/[a-f\d]{32}/, '0'.repeat(32)) })) },
      undefined,
    ],
    [
      'too much',
      { metadata: annotated(JSON.stringify({ traceparent: parent, tracestate: 'x'.repeat(1_000) })) },
      undefined,
    ],
  ])('%s', (_name, run, expected) => {
    expect(givenCarrier('TaskRun', run)).toEqual(expected);
  });

  it('is written as JSON, when it is not too large', () => {
    expect(writtenCarrier({ traceparent: parent })).toBe(`{"traceparent":"${parent}"}`);
    expect(writtenCarrier({ traceparent: parent, tracestate: 'x'.repeat(1_000) })).toBeUndefined();
  });
});
