import type { EnvVar } from '../../../api/core/container.ts';
import type { ParamSpec } from '../../../api/pipeline/v1/params.ts';
import type { Step, TaskSpec } from '../../../api/pipeline/v1/task.ts';
import type { RuledError } from '../references.ts';
import { advice, mentions, names } from './wording.ts';

/** What any container of a task has. */
type Container = Pick<Step, 'image' | 'script' | 'env' | 'volumeMounts' | 'securityContext'>;

/** A Task's spec, or one that is written in place. */
export function taskAdvice(task: TaskSpec, path: string): RuledError[] {
  return [
    ...containersOf(task, path).flatMap(({ at, container }) => containerAdvice(container, at)),
    ...limitAdvice(task, path),
    ...volumeAdvice(task, path),
    ...unusedParams(task, path),
    ...unusedWorkspaces(task, path),
    ...unwrittenResults(task, path),
  ];
}

/** A StepAction's: one container and its params. */
export function stepActionAdvice(action: Container & { params?: ParamSpec[] | undefined }, path: string): RuledError[] {
  return [...containerAdvice(action, path), ...unusedParams(action, path)];
}

function containersOf(task: TaskSpec, path: string): { at: string; container: Container }[] {
  const listed = (['steps', 'sidecars'] as const).flatMap((list) =>
    (task[list] ?? []).map((container, index) => ({ at: `${path}.${list}[${index}]`, container })),
  );
  return task.stepTemplate ? [...listed, { at: `${path}.stepTemplate`, container: task.stepTemplate }] : listed;
}

function containerAdvice(container: Container, at: string): RuledError[] {
  return [
    ...imageAdvice(container, at),
    ...scriptAdvice(container, at),
    ...environmentAdvice(container.env ?? [], at),
    ...privilegeAdvice(container, at),
  ];
}

function imageAdvice({ image }: Container, at: string): RuledError[] {
  if (!image || image.includes('$(') || image.includes('@')) return [];
  const tag = /:([^:/]+)$/.exec(image)?.[1];
  if (tag !== undefined && tag !== 'latest') return [];
  const message = `image ${JSON.stringify(image)} may be another one tomorrow; name a tag, or better a digest`;
  return [advice('image-tag', `${at}.image`, message)];
}

/** A param's value becomes part of the program: `"; rm -rf /` does what it says. */
function scriptAdvice({ script }: Container, at: string): RuledError[] {
  const put = /\$\(params(?:\.|\[)[^()]*\)/.exec(script ?? '')?.[0];
  if (put === undefined) return [];
  const message = `${put} is put into the script as text, so that its value can be commands; put it into env, and read the variable`;
  return [advice('script-injection', `${at}.script`, message)];
}

const SECRET_NAME = /(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIALS?)$/i;

function environmentAdvice(env: readonly EnvVar[], at: string): RuledError[] {
  return env.flatMap(({ name, value }, index) => [
    ...(env.findIndex((each) => each.name === name) < index
      ? [advice('duplicate-env', `${at}.env[${index}]`, `variable ${name} is set above; only the last one counts`)]
      : []),
    ...(value && SECRET_NAME.test(name) && !value.includes('$(')
      ? [
          advice(
            'plain-secret',
            `${at}.env[${index}].value`,
            `the value of ${name} is readable by all who may read this; use valueFrom.secretKeyRef`,
          ),
        ]
      : []),
  ]);
}

function privilegeAdvice({ securityContext }: Container, at: string): RuledError[] {
  if (securityContext?.['privileged'] !== true) return [];
  const message = 'a privileged container is root on its node; name the capabilities that it needs';
  return [advice('privileged', `${at}.securityContext.privileged`, message)];
}

/** A step without a memory limit can take its node's. */
function limitAdvice({ steps = [], stepTemplate }: TaskSpec, path: string): RuledError[] {
  if (stepTemplate?.computeResources?.limits?.['memory'] !== undefined) return [];
  const without = steps.flatMap((step, index) =>
    step.ref || step.computeResources?.limits?.['memory'] !== undefined ? [] : [step.name || `number ${index + 1}`],
  );
  if (without.length === 0) return [];
  const named = without.length === 1 ? `step ${without[0]} has` : `steps ${without.join(', ')} have`;
  const message = `${named} no memory limit; set computeResources.limits.memory, or that of stepTemplate`;
  return [advice('no-limits', `${path}.steps`, message)];
}

function volumeAdvice(task: TaskSpec, path: string): RuledError[] {
  const { volumes = [], steps = [], sidecars = [], stepTemplate } = task;
  const containers = containersOf(task, path);
  const mounted = new Set(
    containers.flatMap(({ container }) => (container.volumeMounts ?? []).map(({ name }) => name)),
  );
  // What a StepAction mounts is its params' business, and what devices there are the step's.
  const open = JSON.stringify([
    steps.map(({ params }) => params),
    [...steps, ...sidecars, stepTemplate ?? {}].map(devices),
  ]);
  const declared = new Set(volumes.map(({ name }) => name));
  return [
    ...volumes.flatMap(({ name, hostPath }, index) => [
      ...(hostPath === undefined
        ? []
        : [
            advice(
              'host-path',
              `${path}.volumes[${index}].hostPath`,
              `volume ${name} is a folder of the node; use a workspace`,
            ),
          ]),
      ...(!name || mounted.has(name) || open.includes(name) || name.includes('$(')
        ? []
        : [advice('unused-volume', `${path}.volumes[${index}]`, `volume ${name} is mounted nowhere`)]),
    ]),
    ...containers.flatMap(({ at, container }) =>
      (container.volumeMounts ?? []).flatMap(({ name }, index) =>
        declared.has(name) || !name || name.includes('$(')
          ? []
          : [
              advice(
                'unknown-volume',
                `${at}.volumeMounts[${index}].name`,
                `the task has no volume ${name}; a run needs one of that name in its pod template`,
              ),
            ],
      ),
    ),
  ];
}

function devices(container: object): unknown {
  return (container as { volumeDevices?: unknown }).volumeDevices;
}

/** A param that nothing in the task speaks of. */
function unusedParams(spec: { params?: ParamSpec[] | undefined }, path: string): RuledError[] {
  const { params = [], ...rest } = spec;
  const text = JSON.stringify([rest, params.map((each) => each.default)]);
  return params.flatMap(({ name }, index) =>
    mentions(text, 'params', name)
      ? []
      : [advice('unused-param', `${path}.params[${index}]`, `param "${name}" is not used`)],
  );
}

/** Its files may be found in many ways: whoever names it somewhere is believed. */
function unusedWorkspaces({ workspaces = [], ...rest }: TaskSpec, path: string): RuledError[] {
  const text = JSON.stringify([rest.steps, rest.sidecars, rest.stepTemplate, rest.volumes]);
  return workspaces.flatMap(({ name, mountPath }, index) =>
    names(text, name) || (mountPath !== undefined && text.includes(mountPath))
      ? []
      : [advice('unused-workspace', `${path}.workspaces[${index}]`, `workspace "${name}" is not used`)],
  );
}

function unwrittenResults({ results = [], steps = [] }: TaskSpec, path: string): RuledError[] {
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
