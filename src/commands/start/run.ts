import type { Param } from '../../api/pipeline/v1/params.ts';
import type { PipelineRun, PipelineTaskRunSpec, TimeoutFields } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import { DurationError, formatDuration, parseDuration } from '../../duration.ts';
import { CommandError } from '../command.ts';
import type { Definition, Origin } from './definition.ts';
import { mergeParams } from './params.ts';
import { mergeWorkspaces } from './workspaces.ts';

/** What the flags say about any run, read and checked. */
export interface RunWishes {
  namespace: string;
  prefixName: string;
  labels: Record<string, string>;
  params: readonly Param[];
  workspaces: readonly WorkspaceBinding[];
  serviceAccount: string;
  podTemplate: Record<string, unknown> | undefined;
}

export interface PipelineWishes extends RunWishes {
  timeouts: TimeoutFields;
  taskServiceAccounts: Readonly<Record<string, string>>;
}

export interface TaskWishes extends RunWishes {
  timeout: string | undefined;
}

/** The beginning of a run's name: the wished one, the earlier run's own, else the definition's. */
function generateName(wishes: RunWishes, earlier: PipelineRun | TaskRun | undefined, name: string): string {
  if (wishes.prefixName) return `${wishes.prefixName}-`;
  return earlier ? earlier.metadata.generateName || `${earlier.metadata.name}-` : `${name}-run-`;
}

function metadataOf(wishes: RunWishes, earlier: PipelineRun | TaskRun | undefined, name: string) {
  const labels = Object.keys(wishes.labels).length > 0 ? { labels: wishes.labels } : {};
  return { generateName: generateName(wishes, earlier, name), namespace: wishes.namespace, ...labels };
}

/** The PipelineRun that the flags ask for; everything of an earlier run but its end is taken over. */
export function pipelineRunOf(
  definition: Definition & { kind: 'Pipeline' },
  origin: Origin,
  earlier: PipelineRun | undefined,
  wishes: PipelineWishes,
): PipelineRun {
  const reference = origin === 'file' ? { pipelineSpec: definition.spec } : { pipelineRef: { name: definition.name } };
  const { status: _ended, ...spec }: PipelineRun['spec'] = earlier?.spec ?? reference;
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: metadataOf(wishes, earlier, definition.name),
    spec: {
      ...spec,
      ...shared(spec, wishes),
      ...(Object.keys(wishes.timeouts).length > 0 ? { timeouts: wishes.timeouts } : {}),
      ...template(spec, wishes),
      ...taskRunSpecs(spec.taskRunSpecs ?? [], wishes.taskServiceAccounts),
    },
  };
}

/** The TaskRun that the flags ask for. */
export function taskRunOf(
  definition: Definition & { kind: 'Task' },
  origin: Origin,
  earlier: TaskRun | undefined,
  wishes: TaskWishes,
): TaskRun {
  const reference =
    origin === 'file' ? { taskSpec: definition.spec } : { taskRef: { name: definition.name, kind: 'Task' } };
  const { status: _ended, statusMessage: _why, ...spec }: TaskRun['spec'] = earlier?.spec ?? reference;
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    metadata: metadataOf(wishes, earlier, definition.name),
    spec: {
      ...spec,
      ...shared(spec, wishes),
      ...(wishes.timeout === undefined ? {} : { timeout: wishes.timeout }),
      ...(wishes.serviceAccount ? { serviceAccountName: wishes.serviceAccount } : {}),
      ...(wishes.podTemplate ? { podTemplate: wishes.podTemplate } : {}),
    },
  };
}

function shared(earlier: Pick<TaskRun['spec'], 'params' | 'workspaces'>, wishes: RunWishes) {
  const params = mergeParams(earlier.params ?? [], wishes.params);
  const workspaces = mergeWorkspaces(earlier.workspaces ?? [], wishes.workspaces);
  return { ...(params.length > 0 ? { params } : {}), ...(workspaces.length > 0 ? { workspaces } : {}) };
}

function template({ taskRunTemplate }: PipelineRun['spec'], { serviceAccount, podTemplate }: RunWishes) {
  if (!serviceAccount && !podTemplate) return {};
  return {
    taskRunTemplate: {
      ...taskRunTemplate,
      ...(serviceAccount ? { serviceAccountName: serviceAccount } : {}),
      ...(podTemplate ? { podTemplate } : {}),
    },
  };
}

function taskRunSpecs(
  earlier: readonly PipelineTaskRunSpec[],
  accounts: Readonly<Record<string, string>>,
): { taskRunSpecs?: PipelineTaskRunSpec[] } {
  const kept = earlier.map((each) => {
    const serviceAccountName = accounts[each.pipelineTaskName ?? ''];
    return serviceAccountName === undefined ? each : { ...each, serviceAccountName };
  });
  const known = new Set(earlier.map(({ pipelineTaskName }) => pipelineTaskName));
  const added = Object.entries(accounts)
    .filter(([task]) => !known.has(task))
    .map(([pipelineTaskName, serviceAccountName]) => ({ pipelineTaskName, serviceAccountName }));
  return kept.length + added.length > 0 ? { taskRunSpecs: [...kept, ...added] } : {};
}

/** "name=value" texts of a flag as an object. @throws CommandError with `invalid` ahead of what is none. */
export function pairsOf(given: readonly string[], invalid: string): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const equals = text.indexOf('=');
      if (equals < 1) throw new CommandError(`${invalid}${text}: write NAME=VALUE`);
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

/** A timeout flag as the API has it ("1h" is "1h0m0s"); undefined when it is not given. @throws CommandError */
export function timeoutOf(flag: string, given: string): string | undefined {
  if (given === '') return undefined;
  try {
    return formatDuration(parseDuration(given));
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    throw new CommandError(`--${flag} is ${JSON.stringify(given)}: ${error.message}; write 1h30m`);
  }
}
