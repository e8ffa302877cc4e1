/** Labels and annotations that clients select by (upstream docs/labels.md and pkg/apis/pipeline/register.go). */
export const labels = {
  pipeline: 'tekton.dev/pipeline',
  pipelineRun: 'tekton.dev/pipelineRun',
  pipelineRunUID: 'tekton.dev/pipelineRunUID',
  pipelineTask: 'tekton.dev/pipelineTask',
  memberOf: 'tekton.dev/memberOf',
  task: 'tekton.dev/task',
  taskRun: 'tekton.dev/taskRun',
  taskRunUID: 'tekton.dev/taskRunUID',
  customRun: 'tekton.dev/customRun',
  managedBy: 'app.kubernetes.io/managed-by',
} as const;

export const annotations = {
  release: 'pipeline.tekton.dev/release',
  ready: 'tekton.dev/ready',
  cancel: 'tekton.dev/cancel',
  pipelineTaskOnError: 'pipeline.tekton.dev/pipeline-task-on-error',
  affinityAssistant: 'pipeline.tekton.dev/affinity-assistant',
  autoCleanupPvc: 'tekton.dev/auto-cleanup-pvc',
  /** Why a PipelineRun within a pipeline was asked to stop; other kinds have a field for that. */
  statusMessage: 'tektite.dev/status-message',
  /** "true": the first task that fails stops the others. */
  failFast: 'tektite.dev/fail-fast',
  concurrencyLimit: 'tektite.dev/concurrency-limit',
  concurrencyKey: 'tektite.dev/concurrency-key',
  concurrencyWhenFull: 'tektite.dev/concurrency-when-full',
  queuePriority: 'tektite.dev/queue-priority',
  /** On a PipelineRun: the name of an earlier one, of which what succeeded is not done again. */
  rerunFromFailure: 'tektite.dev/rerun-from-failure',
  /** On a TaskRun that a rerun made: the earlier TaskRun and the uid of its PipelineRun. */
  inheritFrom: 'tektite.dev/inherit-from',
  /** On a pod: the one node that it may run on, because others of its group are or were there. */
  groupNode: 'tektite.dev/group-node',
  lastApplied: 'kubectl.kubernetes.io/last-applied-configuration',
} as const;

/**
 * Annotations that stay where they are: Chains' marks and what was asked of one run belong to one object, kubectl's
 * record is of no use on a child.
 */
export function isPropagatedAnnotation(name: string): boolean {
  return !staying.has(name) && !name.startsWith('chains.tekton.dev/');
}

const staying: ReadonlySet<string> = new Set([
  annotations.lastApplied,
  annotations.statusMessage,
  annotations.concurrencyLimit,
  annotations.concurrencyKey,
  annotations.concurrencyWhenFull,
  annotations.queuePriority,
  annotations.rerunFromFailure,
  annotations.inheritFrom,
  annotations.groupNode,
]);

/** managedBy of runs that are ours; any other value leaves the run to another controller. */
export const ownManagedBy = 'tekton.dev/pipeline';
