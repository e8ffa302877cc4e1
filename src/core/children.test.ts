import { expect, it } from 'vitest';
import { childSelector, taskRunSelector } from './children.ts';

it.each([
  ['a', 'tekton.dev/pipelineRun=a', 'tekton.dev/taskRun=a'],
  ['a'.repeat(63), `tekton.dev/pipelineRun=${'a'.repeat(63)}`, `tekton.dev/taskRun=${'a'.repeat(63)}`],
  ['a'.repeat(64), undefined, undefined],
])('what was made for %s has its name as a label, if it fits', (name, children, pods) => {
  expect([childSelector(name), taskRunSelector(name)]).toEqual([children, pods]);
});
