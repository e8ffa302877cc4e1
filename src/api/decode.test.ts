import { describe, expect, it } from 'vitest';
import { decodeAs } from './decode.ts';
import { pipelineSpec } from './pipeline/v1/pipeline.ts';
import { structuralSchema } from './structural.ts';

const schema = structuralSchema(pipelineSpec);
const task = (step: object) => ({ tasks: [{ name: 'a', taskSpec: { steps: [{ image: 'x', ...step }] } }] });

describe('decodeAs', () => {
  it.each([
    ['names as they are', task({ script: 's' }), task({ script: 's' })],
    [
      'names in another case, as Go takes them',
      task({ workspaces: [{ name: 'w', mountpath: '/w' }] }),
      task({ workspaces: [{ name: 'w', mountPath: '/w' }] }),
    ],
    ['null as absent', task({ script: null }), task({})],
    [
      'keys that are data keep their case',
      { tasks: [{ taskSpec: { metadata: { labels: { Team: 'x' } } } }] },
      { tasks: [{ taskSpec: { metadata: { labels: { Team: 'x' } } } }] },
    ],
    [
      'values of params are any JSON',
      { tasks: [{ params: [{ name: 'p', value: { Key: 'v' } }] }] },
      { tasks: [{ params: [{ name: 'p', value: { Key: 'v' } }] }] },
    ],
  ])('takes %s', (_name, given, wanted) => {
    expect(decodeAs(schema, given)).toEqual({ value: wanted, errors: [] });
  });

  it.each([
    [
      'an unknown field, with the one that was meant',
      task({ scirpt: 's' }),
      'tasks[0].taskSpec.steps[0].scirpt',
      /^unknown field "scirpt"; did you mean "script"\?$/,
    ],
    [
      'an unknown field that is like none, with all that there are',
      task({ frobnicate: 's' }),
      'tasks[0].taskSpec.steps[0].frobnicate',
      /^unknown field "frobnicate"; the fields here are name, .*script/,
    ],
    ['a wrong type', { tasks: [{ retries: 'two' }] }, 'tasks[0].retries', /^invalid value: "two": must be an integer$/],
    ['a list that is none', { tasks: {} }, 'tasks', /^invalid value: \{\}: must be an array$/],
    ['a number that is not whole', { tasks: [{ retries: 1.5 }] }, 'tasks[0].retries', /must be an integer/],
  ])('refuses %s', (_name, given, path, message) => {
    expect(decodeAs(schema, given).errors).toEqual([{ path, message: expect.stringMatching(message) as string }]);
  });
});
