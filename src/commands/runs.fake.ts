import type { Condition } from '../api/meta.ts';
import type { PipelineRun } from '../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../api/pipeline/v1/taskrun.ts';
import type { Pod } from '../kube/resources.ts';
import { labels } from '../core/labels.ts';

/** The instant that the tests call now. */
export const now = '2026-05-01T12:00:00Z';

export function minutesAgo(minutes: number): string {
  return new Date(Date.parse(now) - minutes * 60_000).toISOString().replace('.000Z', 'Z');
}

export function succeeded(status: Condition['status'], reason?: string, message?: string): Condition[] {
  return [{ type: 'Succeeded', status, ...(reason ? { reason } : {}), ...(message ? { message } : {}) }];
}

export function pipelineRun(
  name: string,
  parts: { spec?: PipelineRun['spec']; status?: PipelineRun['status']; metadata?: PipelineRun['metadata'] } = {},
): PipelineRun {
  return {
    metadata: { name, namespace: 'ns', ...parts.metadata },
    spec: parts.spec ?? {},
    ...(parts.status ? { status: parts.status } : {}),
  };
}

/** A TaskRun; one of a PipelineRun when `of` names it. */
export function taskRun(
  name: string,
  parts: {
    of?: string;
    task?: string;
    spec?: TaskRun['spec'];
    status?: TaskRun['status'];
    metadata?: TaskRun['metadata'];
  } = {},
): TaskRun {
  const owned = parts.of
    ? { [labels.pipelineRun]: parts.of, ...(parts.task ? { [labels.pipelineTask]: parts.task } : {}) }
    : {};
  const owner = parts.of
    ? {
        ownerReferences: [
          { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', name: parts.of, uid: 'u', controller: true },
        ],
      }
    : {};
  return {
    metadata: { name, namespace: 'ns', ...owner, ...parts.metadata, labels: { ...owned, ...parts.metadata?.labels } },
    spec: parts.spec ?? {},
    ...(parts.status ? { status: parts.status } : {}),
  };
}

type State = NonNullable<NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number]['state']>;
export const running: State = { running: { startedAt: now } };
export const waiting = (reason = 'PodInitializing', message?: string): State => ({
  waiting: { reason, ...(message ? { message } : {}) },
});
export const exited = (exitCode = 0, message?: string): State => ({
  terminated: { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', ...(message ? { message } : {}) },
});

/** A TaskRun's pod whose containers (and init containers) are in these states, in this order. */
export function pod(
  name: string,
  phase: string,
  containers: Record<string, State>,
  init: Record<string, State> = {},
): Pod {
  const statuses = (states: Record<string, State>) =>
    Object.entries(states).map(([container, state]) => ({
      name: container,
      state,
      ready: false,
      restartCount: 0,
      image: 'i',
      imageID: '',
    }));
  const specs = (states: Record<string, State>) =>
    Object.keys(states).map((container) => ({ name: container, image: 'i' }));
  return {
    metadata: { name, namespace: 'ns' },
    spec: { containers: specs(containers), initContainers: specs(init) },
    status: { phase, containerStatuses: statuses(containers), initContainerStatuses: statuses(init) },
  };
}
