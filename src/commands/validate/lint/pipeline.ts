import type { PipelineSpec, PipelineTask } from '../../../api/pipeline/v1/pipeline.ts';
import { resultReferences } from '../../../api/variables/reference.ts';
import { textsIn } from '../../../api/variables/scan.ts';
import { secretParams, unusedParams } from './task.ts';
import { guardAdvice } from './when.ts';
import { advice, mentions, type Advice } from './wording.ts';

/** A Pipeline's spec, or one that is written in place. */
export function pipelineAdvice(pipeline: PipelineSpec, path: string): Advice[] {
  return [
    ...unusedParams(pipeline, path),
    ...secretParams(pipeline, path),
    ...unusedWorkspaces(pipeline, path),
    ...eachTask(pipeline, path).flatMap(({ task, at }) => [
      ...unreadResults(task, pipeline, at),
      ...orderAdvice(task, at),
      ...guardAdvice(task.when, `${at}.when`),
    ]),
  ];
}

/** Its tasks and those of finally, and where they are. */
export function eachTask(pipeline: PipelineSpec, path: string): { task: PipelineTask; at: string }[] {
  return (['tasks', 'finally'] as const).flatMap((section) =>
    (pipeline[section] ?? []).map((task, index) => ({ task, at: `${path}.${section}[${index}]` })),
  );
}

function unusedWorkspaces(pipeline: PipelineSpec, path: string): Advice[] {
  const tasks = eachTask(pipeline, path).map(({ task }) => task);
  const bound = new Set(tasks.flatMap((task) => (task.workspaces ?? []).map((each) => each.workspace || each.name)));
  // Tasks that are written in place, and the steps in them, see the pipeline's workspaces.
  const text = JSON.stringify(tasks);
  return (pipeline.workspaces ?? []).flatMap(({ name }, index) =>
    bound.has(name) || mentions(text, 'workspaces', name)
      ? []
      : [advice('unused-workspace', `${path}.workspaces[${index}]`, `no task gets workspace "${name}"`)],
  );
}

/** Results that Chains reads: what was built and from what. */
const FOR_CHAINS = /(?:IMAGES?|IMAGE_URL|IMAGE_DIGEST|ARTIFACT_\w+|ARTIFACT_URI|_URI|_DIGEST|CHAINS-GIT_\w+)$/;

/** Those of a task that is written in place are for its pipeline alone. */
function unreadResults({ name, taskSpec }: PipelineTask, pipeline: PipelineSpec, at: string): Advice[] {
  const text = JSON.stringify(pipeline);
  return (taskSpec?.results ?? []).flatMap((result, index) => {
    const isRead = ['tasks', 'finally'].some((section) => mentions(text, `${section}.${name}.results`, result.name));
    if (isRead || FOR_CHAINS.test(result.name) || result.type === 'object') return [];
    const message = `nobody reads result "${result.name}" of task "${name}"`;
    return [advice('unread-result', `${at}.taskSpec.results[${index}]`, message)];
  });
}

function orderAdvice({ runAfter = [], params, when, matrix }: PipelineTask, at: string): Advice[] {
  const read = new Set(
    textsIn([params, when, matrix])
      .flatMap(resultReferences)
      .map(({ task }) => task),
  );
  return runAfter.flatMap((name, index) => {
    const place = `${at}.runAfter[${index}]`;
    if (runAfter.indexOf(name) < index)
      return [advice('duplicate-order', place, `"${name}" is named before; leave this one out`)];
    if (!read.has(name)) return [];
    return [advice('needless-order', place, `it runs after "${name}" anyway, whose results it reads`)];
  });
}
