import type { ParamSpec } from '../../../api/pipeline/v1/params.ts';
import type { StepResult, TaskSpec } from '../../../api/pipeline/v1/task.ts';
import { containerAdvice, containersOf, type Container } from './container.ts';
import { volumeAdvice } from './volume.ts';
import { guardAdvice } from './when.ts';
import { advice, mentions, names, type Advice } from './wording.ts';
import { workspaceAdvice } from './workspace.ts';

/** A Task's spec, or one that is written in place. */
export function taskAdvice(task: TaskSpec, path: string): Advice[] {
  return [
    ...containersOf(task, path).flatMap(({ at, container }) => containerAdvice(container, at)),
    ...stepAdvice(task, path),
    ...sidecarAdvice(task, path),
    ...limitAdvice(task, path),
    ...volumeAdvice(task, path),
    ...unusedParams(task, path),
    ...secretParams(task, path),
    ...workspaceAdvice(task, path),
    ...unwrittenResults(task, path),
  ];
}

/** What a StepAction has: one container and its params. */
export type StepActionParts = Container & {
  params?: ParamSpec[] | undefined;
  results?: StepResult[] | undefined;
};

export function stepActionAdvice(action: StepActionParts, path: string): Advice[] {
  return [
    ...containerAdvice(action, path),
    ...unusedParams(action, path),
    ...secretParams(action, path),
    ...unwrittenOf(action, path),
  ];
}

function stepAdvice({ steps = [] }: TaskSpec, path: string): Advice[] {
  return steps.flatMap((step, index) => {
    const at = `${path}.steps[${index}]`;
    return [
      ...(step.name
        ? []
        : [advice('unnamed-step', at, 'a step without a name: its log is hard to find, and nothing can refer to it')]),
      ...guardAdvice(step.when, `${at}.when`),
      ...unwrittenOf(step, at),
    ];
  });
}

/** Steps wait until a sidecar is ready, which without a probe it is at once. */
function sidecarAdvice({ sidecars = [] }: TaskSpec, path: string): Advice[] {
  return sidecars.flatMap(({ name, readinessProbe, startupProbe }, index) => {
    if (readinessProbe || startupProbe) return [];
    const message = `steps begin before sidecar ${name || `number ${index + 1}`} serves; give it a readinessProbe`;
    return [advice('no-readiness-probe', `${path}.sidecars[${index}]`, message)];
  });
}

/** A step without a memory limit can take its node's. */
function limitAdvice({ steps = [], stepTemplate }: TaskSpec, path: string): Advice[] {
  if (stepTemplate?.computeResources?.limits?.['memory'] !== undefined) return [];
  const without = steps.flatMap((step, index) =>
    step.ref || step.computeResources?.limits?.['memory'] !== undefined ? [] : [step.name || `number ${index + 1}`],
  );
  if (without.length === 0) return [];
  const named = without.length === 1 ? `step ${without[0]} has` : `steps ${without.join(', ')} have`;
  const message = `${named} no memory limit; set computeResources.limits.memory, or that of stepTemplate`;
  return [advice('no-limits', `${path}.steps`, message)];
}

/** A param that nothing in a definition speaks of. */
export function unusedParams(spec: { params?: ParamSpec[] | undefined }, path: string): Advice[] {
  const { params = [], ...rest } = spec;
  const text = JSON.stringify([rest, params.map((each) => each.default)]);
  return params.flatMap(({ name }, index) =>
    mentions(text, 'params', name)
      ? []
      : [advice('unused-param', `${path}.params[${index}]`, `param "${name}" is not used`)],
  );
}

const SECRET_PARAM = /(?:^|[-_.a-z])(?:password|passwd|token|api[-_]?key|private[-_]?key)$/i;

/** A param's value stands in the run, in its status and in its provenance. */
export function secretParams({ params = [] }: { params?: ParamSpec[] | undefined }, path: string): Advice[] {
  return params.flatMap(({ name }, index) => {
    if (!name || !SECRET_PARAM.test(name)) return [];
    const message = `the value of param "${name}" is readable by all who may read a run; take the name of a Secret, and read its key in env`;
    return [advice('secret-param', `${path}.params[${index}]`, message)];
  });
}

function unwrittenResults({ results = [], steps = [] }: TaskSpec, path: string): Advice[] {
  // A StepAction writes where its own code says.
  if (steps.some(({ ref }) => ref)) return [];
  const text = JSON.stringify(steps);
  return results.flatMap(({ name, value }, index) =>
    value !== undefined || names(text, name)
      ? []
      : [
          advice(
            'unwritten-result',
            `${path}.results[${index}]`,
            `no step writes result "${name}"; write to $(results.${name}.path)`,
          ),
        ],
  );
}

/** Results of a step or a StepAction, which it alone can write. */
function unwrittenOf(
  step: Pick<StepActionParts, 'results' | 'script' | 'command' | 'args' | 'env'>,
  at: string,
): Advice[] {
  const { results = [], script, command, args, env } = step;
  const text = JSON.stringify([script, command, args, env]);
  return results.flatMap(({ name }, index) =>
    names(text, name)
      ? []
      : [
          advice(
            'unwritten-result',
            `${at}.results[${index}]`,
            `the step does not write result "${name}"; write to $(step.results.${name}.path)`,
          ),
        ],
  );
}
