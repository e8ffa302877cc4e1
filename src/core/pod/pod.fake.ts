import { parseBackOff } from '../../api/config/config-back-off.ts';
import { parseSpire } from '../../api/config/config-spire.ts';
import { parseDefaults } from '../../api/config/config-defaults.ts';
import { parseFeatureFlags } from '../../api/config/feature-flags.ts';
import type { TaskRun, TaskRunSpec, TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { Settings } from '../settings.ts';
import { buildPod } from './build.ts';
import type { PodInput } from './input.ts';
import type { ContainerStatus, Pod, PodStatus } from './types.ts';

/** Material for tests: runs, settings and pods with the least that each needs. */
export function settingsOf(flags: Record<string, string> = {}, defaults: Record<string, string> = {}): Settings {
  const featureFlags = parseFeatureFlags(flags).flags;
  return {
    flags: featureFlags,
    defaults: parseDefaults(defaults).defaults,
    spire: parseSpire({}).spire,
    images: { entrypoint: 'tektite/entrypoint:v1', nop: 'tektite/nop:v1' },
    release: 'v0.1.0',
    creationBackOff: featureFlags.enableWaitExponentialBackoff ? parseBackOff({}).backOff : undefined,
  };
}

export const created = '2026-01-01T00:00:00Z';

export function taskRunOf(
  spec: TaskRunSpec,
  status?: TaskRunStatus,
  metadata: Partial<TaskRun['metadata']> = {},
): TaskRun {
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    metadata: { name: 'run', namespace: 'ns', uid: 'run-uid', creationTimestamp: created, generation: 1, ...metadata },
    spec: { serviceAccountName: 'default', ...spec },
    ...(status ? { status } : {}),
  };
}

export function podInputOf(spec: TaskSpec, more: Partial<PodInput> = {}): PodInput {
  return {
    taskRun: taskRunOf({ taskSpec: spec }),
    spec,
    workspaces: [],
    secrets: [],
    limitRanges: [],
    images: new Map(),
    timeoutMs: 3_600_000,
    settings: settingsOf(),
    ...more,
  };
}

export function podOf(spec: TaskSpec, status: PodStatus = {}, more: Partial<PodInput> = {}): Pod {
  const pod = buildPod(podInputOf(spec, more));
  return { ...pod, metadata: { ...pod.metadata, uid: 'pod-uid', creationTimestamp: created }, status };
}

/** Shorthand for container statuses. */
export const container = {
  waiting: (name: string, reason = 'PodInitializing', message?: string): ContainerStatus => ({
    name,
    ready: false,
    state: { waiting: { reason, ...(message ? { message } : {}) } },
  }),
  running: (name: string, ready = true): ContainerStatus => ({
    name,
    ready,
    imageID: `sha256:${name}`,
    state: { running: { startedAt: '2026-01-01T00:00:02Z' } },
  }),
  ended: (
    name: string,
    exitCode = 0,
    message?: string,
    reason = exitCode === 0 ? 'Completed' : 'Error',
  ): ContainerStatus => ({
    name,
    ready: false,
    imageID: `sha256:${name}`,
    state: {
      terminated: {
        exitCode,
        reason,
        ...(message ? { message } : {}),
        startedAt: '2026-01-01T00:00:02Z',
        finishedAt: '2026-01-01T00:00:05Z',
        containerID: `containerd://${name}`,
      },
    },
  }),
};

/** A termination message as the entrypoint writes it. */
export function terminationMessage(
  results: Record<string, string>,
  more: { key: string; value: string; type: number }[] = [],
): string {
  const entries = Object.entries(results).map(([key, value]) => ({ key, value, type: 1 }));
  return JSON.stringify([...entries, { key: 'StartedAt', value: '2026-01-01T00:00:03.123Z', type: 3 }, ...more]);
}
