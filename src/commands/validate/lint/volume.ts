import type { Volume } from '../../../api/core/container.ts';
import type { TaskSpec } from '../../../api/pipeline/v1/task.ts';
import { containersOf } from './container.ts';
import { advice, isVariable, type Advice } from './wording.ts';

/** Volumes of a task and their mounts. */
export function volumeAdvice(task: TaskSpec, path: string): Advice[] {
  const { volumes = [] } = task;
  const declared = new Set(volumes.map(({ name }) => name));
  const isUsed = usesOf(task, path);
  return [
    ...volumes.flatMap((volume, index) => {
      const at = `${path}.volumes[${index}]`;
      const { name } = volume;
      return [
        ...hostAdvice(volume, at),
        ...(!name || isVariable(name) || isUsed(name)
          ? []
          : [advice('unused-volume', at, `volume ${name} is mounted nowhere`)]),
      ];
    }),
    ...containersOf(task, path).flatMap(({ at, container }) =>
      (container.volumeMounts ?? []).flatMap(({ name }, index) => {
        if (!name || isVariable(name) || declared.has(name)) return [];
        const message = `the task has no volume ${name}; a run needs one of that name in its pod template`;
        return [advice('unknown-volume', `${at}.volumeMounts[${index}].name`, message)];
      }),
    ),
  ];
}

/** What a StepAction mounts is its params' business, and what devices there are the step's. */
function usesOf(task: TaskSpec, path: string): (name: string) => boolean {
  const { steps = [], sidecars = [], stepTemplate } = task;
  const mounted = new Set(
    containersOf(task, path).flatMap(({ container }) => (container.volumeMounts ?? []).map(({ name }) => name)),
  );
  const open = JSON.stringify([
    steps.map(({ params }) => params),
    [...steps, ...sidecars, stepTemplate ?? {}].map(({ volumeDevices }) => volumeDevices),
  ]);
  return (name) => mounted.has(name) || open.includes(name);
}

const SOCKET = /\/(?:docker|containerd|crio|podman)\.sock$/;

function hostAdvice({ name, hostPath }: Volume, at: string): Advice[] {
  if (hostPath === undefined) return [];
  const { path } = (typeof hostPath === 'object' && hostPath !== null ? hostPath : {}) as { path?: unknown };
  if (typeof path !== 'string' || !SOCKET.test(path))
    return [advice('host-path', `${at}.hostPath`, `volume ${name} is a folder of the node; use a workspace`)];
  const message = `whoever has ${path} is root on the node; build with a tool that needs no daemon, or with one in a sidecar`;
  return [advice('container-socket', `${at}.hostPath.path`, message)];
}
