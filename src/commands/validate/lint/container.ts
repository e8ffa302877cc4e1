import type { EnvVar } from '../../../api/core/container.ts';
import type { Sidecar, Step, TaskSpec } from '../../../api/pipeline/v1/task.ts';
import { parseQuantity } from '../../../core/pod/quantity.ts';
import { privilegeAdvice } from './privilege.ts';
import { scriptAdvice } from './script.ts';
import { advice, isVariable, type Advice } from './wording.ts';

/** What any container of a task has. */
export type Container = Pick<
  Step,
  | 'image'
  | 'imagePullPolicy'
  | 'script'
  | 'command'
  | 'args'
  | 'env'
  | 'envFrom'
  | 'volumeMounts'
  | 'securityContext'
  | 'computeResources'
> &
  Pick<Sidecar, 'ports'>;

/** Every container of a task, and where it is. */
export function containersOf(task: TaskSpec, path: string): { at: string; container: Container }[] {
  const listed = (['steps', 'sidecars'] as const).flatMap((list) =>
    (task[list] ?? []).map((container, index) => ({ at: `${path}.${list}[${index}]`, container })),
  );
  return task.stepTemplate ? [...listed, { at: `${path}.stepTemplate`, container: task.stepTemplate }] : listed;
}

/** Of a step, a sidecar, a step template or a StepAction. */
export function containerAdvice(container: Container, at: string): Advice[] {
  return [
    ...imageAdvice(container, at),
    ...commandAdvice(container, at),
    ...scriptAdvice(container, at),
    ...environmentAdvice(container.env ?? [], at),
    ...wholeSecrets(container, at),
    ...mountAdvice(container, at),
    ...resourceAdvice(container, at),
    ...portAdvice(container, at),
    ...privilegeAdvice(container.securityContext, `${at}.securityContext`),
  ];
}

function imageAdvice({ image, imagePullPolicy: policy }: Container, at: string): Advice[] {
  if (!image || isVariable(image)) return [];
  const pinned = image.includes('@');
  const tag = /:([^:/@]+)$/.exec(image)?.[1];
  const moving = !pinned && (tag === undefined || tag === 'latest');
  const named = JSON.stringify(image);
  return [
    ...(moving
      ? [
          advice(
            'image-tag',
            `${at}.image`,
            `image ${named} may be another one tomorrow; name a tag, or better a digest`,
          ),
        ]
      : []),
    ...policyAdvice(policy, { pinned, moving }, `${at}.imagePullPolicy`),
  ];
}

function policyAdvice(
  policy: string | undefined,
  { pinned, moving }: { pinned: boolean; moving: boolean },
  path: string,
): Advice[] {
  const wrong = (message: string) => [advice('pull-policy', path, message)];
  if (policy === 'Never') return wrong('a node that does not have the image cannot run it; write IfNotPresent');
  if (policy === 'Always' && pinned)
    return wrong('what a digest names does not change, so that the registry need not be asked; write IfNotPresent');
  if (policy === 'IfNotPresent' && moving)
    return wrong('each node keeps the image that it saw first; name a tag, or better a digest');
  return [];
}

function commandAdvice({ command: [program = ''] = [] }: Container, at: string): Advice[] {
  if (isVariable(program) || !/\S\s+\S/.test(program)) return [];
  const message = `no program is called ${JSON.stringify(program)}; give each word as an item of its own, or write a script`;
  return [advice('command-with-spaces', `${at}.command[0]`, message)];
}

const SECRET_NAME = /(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIALS?)$/i;

function environmentAdvice(env: readonly EnvVar[], at: string): Advice[] {
  const seen = new Set<string>();
  return env.flatMap(({ name, value }, index) => {
    const again = seen.has(name);
    seen.add(name);
    return [
      ...(again
        ? [advice('duplicate-env', `${at}.env[${index}]`, `variable ${name} is set above; only the last one counts`)]
        : []),
      ...(value && SECRET_NAME.test(name) && !isVariable(value)
        ? [
            advice(
              'plain-secret',
              `${at}.env[${index}].value`,
              `the value of ${name} is readable by all who may read this; use valueFrom.secretKeyRef`,
            ),
          ]
        : []),
    ];
  });
}

function wholeSecrets({ envFrom = [] }: Container, at: string): Advice[] {
  return envFrom.flatMap(({ secretRef }, index) => {
    if (!secretRef) return [];
    const message = `every key of Secret ${secretRef.name ?? ''} is in its environment; name those that it needs in env`;
    return [advice('whole-secret', `${at}.envFrom[${index}]`, message)];
  });
}

function mountAdvice({ volumeMounts = [] }: Container, at: string): Advice[] {
  const seen = new Set<string>();
  return volumeMounts.flatMap(({ mountPath }, index) => {
    const place = mountPath?.replace(/\/+$/, '');
    if (!place || isVariable(place)) return [];
    const taken = seen.has(place);
    seen.add(place);
    if (!taken) return [];
    const message = `something is mounted at ${place} already, which no pod may have; choose another place`;
    return [advice('duplicate-mount', `${at}.volumeMounts[${index}].mountPath`, message)];
  });
}

function resourceAdvice({ computeResources }: Container, at: string): Advice[] {
  const { requests = {}, limits = {} } = computeResources ?? {};
  return Object.entries(requests).flatMap(([name, request]) => {
    const limit = Object.hasOwn(limits, name) ? limits[name] : undefined;
    const [wanted, allowed] = [parseQuantity(request), limit === undefined ? undefined : parseQuantity(limit)];
    if (wanted === undefined || allowed === undefined || wanted <= allowed) return [];
    const message = `the request ${request} is larger than the limit ${limit}, which no pod may have; raise the limit`;
    return [advice('request-above-limit', `${at}.computeResources.requests[${name}]`, message)];
  });
}

function portAdvice({ ports = [] }: Container, at: string): Advice[] {
  return ports.flatMap(({ hostPort }, index) => {
    if (!hostPort) return [];
    const message = `only one run per node can have port ${hostPort} of it; steps reach the sidecar on localhost without`;
    return [advice('host-port', `${at}.ports[${index}].hostPort`, message)];
  });
}
