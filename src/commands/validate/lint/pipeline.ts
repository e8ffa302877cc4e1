import type { PipelineSpec, PipelineTask } from '../../../api/pipeline/v1/pipeline.ts';
import { resultReferences, textsIn } from '../../../api/pipeline/v1/variables.ts';
import type { RuledError } from '../references.ts';
import { advice, mentions } from './wording.ts';

/** A Pipeline's spec, or one that is written in place. */
export function pipelineAdvice(pipeline: PipelineSpec, path: string): RuledError[] {
  return [
    ...unusedParams(pipeline, path),
    ...unusedWorkspaces(pipeline, path),
    ...eachTask(pipeline, path).flatMap(({ task, at }) => [
      ...unreadResults(task, pipeline, at),
      ...needlessOrder(task, at),
    ]),
  ];
}

function eachTask(pipeline: PipelineSpec, path: string): { task: PipelineTask; at: string }[] {
  return (['tasks', 'finally'] as const).flatMap((section) =>
    (pipeline[section] ?? []).map((task, index) => ({ task, at: `${path}.${section}[${index}]` })),
  );
}

function unusedParams({ params = [], ...rest }: PipelineSpec, path: string): RuledError[] {
  const text = JSON.stringify([rest, params.map((each) => each.default)]);
  return params.flatMap(({ name }, index) =>
    mentions(text, 'params', name)
      ? []
      : [advice('unused-param', `${path}.params[${index}]`, `param "${name}" is not used`)],
  );
}

function unusedWorkspaces(pipeline: PipelineSpec, path: string): RuledError[] {
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
function unreadResults({ name, taskSpec }: PipelineTask, pipeline: PipelineSpec, at: string): RuledError[] {
  const text = JSON.stringify(pipeline);
  return (taskSpec?.results ?? []).flatMap((result, index) => {
    const isRead = ['tasks', 'finally'].some((section) => mentions(text, `${section}.${name}.results`, result.name));
    if (isRead || FOR_CHAINS.test(result.name) || result.type === 'object') return [];
    const message = `nobody reads result "${result.name}" of task "${name}"`;
    return [advice('unread-result', `${at}.taskSpec.results[${index}]`, message)];
  });
}

function needlessOrder({ runAfter = [], params, when, matrix }: PipelineTask, at: string): RuledError[] {
  const read = new Set(
    textsIn([params, when, matrix])
      .flatMap(resultReferences)
      .map(({ task }) => task),
  );
  return runAfter.flatMap((name, index) =>
    read.has(name)
      ? [advice('needless-order', `${at}.runAfter[${index}]`, `it runs after "${name}" anyway, whose results it reads`)]
      : [],
  );
}
