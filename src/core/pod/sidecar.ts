import type { Sidecar } from '../../api/pipeline/v1/task.ts';
import { optional } from '../../optional.ts';
import { sidecarContainerName } from './names.ts';
import { isNative, type PodPlan } from './plan.ts';
import type { Container } from './types.ts';
import { scriptMount, withMounts } from './volumes.ts';

/** The container of a sidecar, as the Task has it but for its script and the workspaces it is given. */
export function sidecarContainer(plan: PodPlan, sidecar: Sidecar, index: number): Container {
  const own = plan.sidecarScripts[index];
  const {
    name,
    script: _script,
    workspaces: _workspaces,
    computeResources,
    restartPolicy: _restartPolicy,
    volumeMounts,
    ...rest
  } = sidecar;
  const mounts = withMounts(volumeMounts, own ? [scriptMount] : []);
  return {
    name: sidecarContainerName(name, index),
    ...rest,
    ...(own ? { command: [own.path] } : {}),
    ...optional('resources', computeResources),
    ...optional('volumeMounts', mounts.length > 0 ? mounts : undefined),
    ...optional('restartPolicy', isNative(plan, sidecar) ? 'Always' : undefined),
  };
}
