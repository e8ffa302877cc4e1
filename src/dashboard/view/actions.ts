import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { annotations as names } from '../../core/labels.ts';
import type { KubeObject } from '../../resource.ts';
import { isOver, statusOf } from './status.ts';

type Run = PipelineRun | TaskRun;

/** What one may do with a run. */
export type RunAction =
  'start' | 'cancel' | 'cancel-run-finally' | 'stop-run-finally' | 'rerun' | 'rerun-from-failure' | 'delete';

/** What the API server is asked to do, and which right it takes. */
export type RunRequest = { verb: 'patch'; body: object } | { verb: 'create'; body: KubeObject } | { verb: 'delete' };

const stops = {
  cancel: 'Cancelled',
  'cancel-run-finally': 'CancelledRunFinally',
  'stop-run-finally': 'StoppedRunFinally',
} as const;

/** What makes sense with a run as it is now, rights aside; what one most likely wants comes first. */
export function actionsOf(run: Run): RunAction[] {
  const status = statusOf(run);
  if (run.metadata.deletionTimestamp !== undefined) return [];
  if (isHeld(run)) return ['start', 'cancel', 'delete'];
  const isPipelineRun = run.kind !== 'TaskRun';
  if (!isOver(status)) {
    const soft = (['cancel-run-finally', 'stop-run-finally'] as const).filter(
      (action) => isPipelineRun && run.spec.status !== stops[action],
    );
    return [...(isStopped(run) ? [] : (['cancel'] as const)), ...soft, 'rerun', 'delete'];
  }
  const isFailed = isPipelineRun && status !== 'succeeded';
  return [...(isFailed ? (['rerun-from-failure'] as const) : []), 'rerun', 'delete'];
}

/** What has to be asked for an action. Nothing of what the run holds decides more than the copy of itself. */
export function requestOf(run: Run, action: RunAction): RunRequest {
  switch (action) {
    case 'start':
      return { verb: 'patch', body: { spec: { status: null } } };
    case 'cancel':
      return { verb: 'patch', body: { spec: { status: run.kind === 'TaskRun' ? 'TaskRunCancelled' : stops.cancel } } };
    case 'cancel-run-finally':
    case 'stop-run-finally':
      return { verb: 'patch', body: { spec: { status: stops[action] } } };
    case 'rerun':
    case 'rerun-from-failure':
      return { verb: 'create', body: copyOf(run, action === 'rerun-from-failure') };
    case 'delete':
      return { verb: 'delete' };
    default:
      return action satisfies never;
  }
}

function isHeld({ spec }: Run): boolean {
  return spec.status === 'PipelineRunPending' || spec.status === 'TaskRunPending';
}

function isStopped({ spec }: Run): boolean {
  return spec.status === 'Cancelled' || spec.status === 'TaskRunCancelled';
}

/** As upstream's dashboard names and marks them. */
const RERUN_OF = 'dashboard.tekton.dev/rerunOf';
const LONGEST_BASE = 50;
const LONGEST_LABEL = 63;
/** What says what a run is about; who started it was somebody else. */
const subjects = ['tektite.dev/repository', 'tektite.dev/commit', 'tektite.dev/branch'];

/** A new run of the same spec. Labels of Tekton's parts stay behind: they say what made the first one. */
function copyOf({ apiVersion = 'tekton.dev/v1', kind, metadata, spec }: Run, isFromFailure: boolean): KubeObject {
  const { name = '', namespace = '' } = metadata;
  const { status: _status, ...copied } = spec;
  const labels = Object.entries(metadata.labels ?? {}).filter(([key]) => !/(?:^|\.)tekton\.dev\//.test(key));
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([key]) => subjects.includes(key));
  const base = name.replace(/-r-[a-z0-9]{5}$/, '').slice(0, LONGEST_BASE);
  return {
    apiVersion,
    kind: kind ?? 'PipelineRun',
    metadata: {
      namespace,
      generateName: `${base}-r-`,
      labels: Object.fromEntries([...labels, ...(name.length > LONGEST_LABEL ? [] : [[RERUN_OF, name]])]) as Record<
        string,
        string
      >,
      annotations: {
        ...Object.fromEntries(annotations),
        ...(isFromFailure ? { [names.rerunFromFailure]: name } : {}),
      },
    },
    spec: copied,
  } as KubeObject;
}
