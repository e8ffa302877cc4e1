import type { PipelineSpec } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRunSpec } from '../../api/pipeline/v1/pipelinerun.ts';
import type { Step, TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { TaskRunSpec } from '../../api/pipeline/v1/taskrun.ts';
import type { Checked } from './check.ts';
import type { RuledError } from './references.ts';

/** What works, and could be better. */
export function lint({ kind, spec }: Checked, apiVersion: string): RuledError[] {
  return [
    ...(/\/v1beta1$/.test(apiVersion) && ['Task', 'TaskRun', 'Pipeline', 'PipelineRun'].includes(kind)
      ? [{ rule: 'old-version', path: 'apiVersion', message: `${kind} has tekton.dev/v1; write that` }]
      : []),
    ...specsIn(kind, spec).flatMap(({ path, spec: task }) => [...imageAdvice(task, path), ...unusedParams(task, path)]),
  ];
}

/** The task specs of an object, wherever they are written. */
function specsIn(kind: string, spec: unknown): { path: string; spec: TaskSpec }[] {
  if (kind === 'Task') return [{ path: 'spec', spec: spec as TaskSpec }];
  const { taskSpec } = spec as TaskRunSpec;
  if (kind === 'TaskRun') return taskSpec ? [{ path: 'spec.taskSpec', spec: taskSpec }] : [];
  const isRun = kind === 'PipelineRun';
  if (!isRun && kind !== 'Pipeline') return [];
  const pipeline = isRun ? (spec as PipelineRunSpec).pipelineSpec : (spec as PipelineSpec);
  const path = isRun ? 'spec.pipelineSpec' : 'spec';
  return (['tasks', 'finally'] as const).flatMap((section) =>
    (pipeline?.[section] ?? []).flatMap((task, index) =>
      task.taskSpec ? [{ path: `${path}.${section}[${index}].taskSpec`, spec: task.taskSpec }] : [],
    ),
  );
}

function imageAdvice({ steps }: TaskSpec, path: string): RuledError[] {
  return (steps ?? []).flatMap(({ image }: Step, index) => {
    if (!image || image.includes('$(') || image.includes('@')) return [];
    const tag = /:([^:/]+)$/.exec(image)?.[1];
    if (tag !== undefined && tag !== 'latest') return [];
    const message = `image ${JSON.stringify(image)} may be another one tomorrow; name a tag, or better a digest`;
    return [{ rule: 'image-tag', path: `${path}.steps[${index}].image`, message }];
  });
}

/** A param that nothing in the task speaks of. */
function unusedParams(spec: TaskSpec, path: string): RuledError[] {
  const { params = [], ...rest } = spec;
  const text = JSON.stringify([rest, params.map((each) => each.default)]);
  return params.flatMap(({ name }, index) => {
    const spellings = [`params.${name}`, `params['${name}']`, JSON.stringify(`params["${name}"]`).slice(1, -1)];
    if (spellings.some((spelling) => text.includes(spelling))) return [];
    return [{ rule: 'unused-param', path: `${path}.params[${index}]`, message: `param "${name}" is not used` }];
  });
}
