import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import { provenanceFeatureFlags } from '../../api/config/feature-flags.ts';
import type { TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { TooLargeError } from '../budget.ts';
import { lostMessage } from '../digest/spec-change.ts';
import { buildPod } from '../pod/build.ts';
import type { ImageConfig, ImageCredentials } from '../pod/image.ts';
import { mergePodTemplates } from '../pod/podtemplate.ts';
import type { NewPod } from '../pod/types.ts';
import { quote } from '../podstatus/quote.ts';
import { replaceInTurn } from '../substitution/replacements.ts';
import { bindAttempt, bindTask, bindWorkspaces, claimName, runValues } from './bind.ts';
import {
  failed,
  planContext,
  started,
  storedSpec,
  withCondition,
  withContainers,
  type Phase,
  type PlanContext,
} from './context.ts';
import type { NewClaim, StartFacts, TaskRunDecision, TaskRunEffect, TaskRunFacts } from './facts.ts';
import { metadataPatch, patched } from './metadata.ts';
import { reasons, userErrorPrefix } from './reasons.ts';
import { unrecordedPods } from './stop.ts';
import { timeoutMs } from './timeout.ts';
import { validateTaskRun, type Problem } from './validate.ts';
import { isDone } from '../condition.ts';
import { cancelled, heldBack, timedOut } from './interrupted.ts';

/** How long to wait before a registry that did not answer is asked again. */
const registryRetryMs = 5_000;

/** When to look again for a registry's answer that comes with a reconcile of its own, should that get lost. */
const registryWaitMs = 15_000;

/** A new namespace gets its `default` service account a moment later: younger runs wait for theirs. */
const newNamespaceMs = 10_000;

/** The Task as this run has it, or why there is none. */
export type Bound =
  | { kind: 'bound'; spec: TaskSpec; workspaces: WorkspaceBinding[] }
  | { kind: 'problem'; problem: Problem }
  | { kind: 'resolving'; reason: string; message: string };

/**
 * The Task with this run's values: what the status holds once the run has begun, whatever became of the Task since;
 * before, the resolved Task, checked against the run.
 */
export function bindRun(context: PlanContext): Bound {
  try {
    return bind(context);
  } catch (error) {
    if (!(error instanceof TooLargeError)) throw error;
    return { kind: 'problem', problem: { reason: reasons.validationFailed, message: userErrorPrefix + error.message } };
  }
}

function bind({ facts, status }: PlanContext): Bound {
  const { taskRun, task, settings } = facts;
  const stored = storedSpec(status);
  const fallback = settings.defaults.taskRunWorkspaceBinding;
  if (stored) return { kind: 'bound', spec: stored, workspaces: bindWorkspaces(taskRun, stored, fallback) };
  if (task.kind === 'failed') return { kind: 'problem', problem: { reason: task.reason, message: task.message } };
  if (task.kind === 'resolving') return { kind: 'resolving', reason: task.reason, message: task.message };
  const problem = validateTaskRun(taskRun, task.name, task.spec, settings);
  if (problem) return { kind: 'problem', problem };
  const workspaces = bindWorkspaces(taskRun, task.spec, fallback);
  return { kind: 'bound', spec: bindTask(taskRun, task.name, task.spec, workspaces), workspaces };
}

/** What must be looked up before `planTaskRun` can make a pod. Undefined: nothing, since no pod is to be made now. */
export interface StartNeeds {
  /** Images of steps without command and script. */
  images: string[];
  credentials: ImageCredentials;
}

export function startNeeds(facts: TaskRunFacts, now: Date): StartNeeds | undefined {
  const context = planContext(facts, now);
  if (context.pod !== undefined || isDone(context.status) || specIsLost(facts)) return undefined;
  if (cancelled(context) ?? heldBack(context) ?? timedOut(context)) return undefined;
  const bound = bindRun(context);
  if (bound.kind !== 'bound') return undefined;
  const { taskRun, settings } = facts;
  return {
    images: imagesWithoutCommand(bound.spec),
    credentials: {
      namespace: taskRun.metadata.namespace ?? '',
      serviceAccountName: taskRun.spec.serviceAccountName || settings.defaults.serviceAccount,
      imagePullSecrets: (taskRun.spec.podTemplate?.imagePullSecrets ?? []).flatMap(({ name }) => (name ? [name] : [])),
    },
  };
}

/** Its spec was changed, and not all of what it was can be had back: no pod can be made from it. */
function specIsLost({ specChange }: TaskRunFacts): boolean {
  return specChange !== undefined && specChange.lost.length > 0;
}

/** Of steps over their template, as `mergeStepTemplate` puts them together. */
function imagesWithoutCommand({ steps = [], stepTemplate }: TaskSpec): string[] {
  const images = steps.flatMap((step) => {
    const command = step.command?.length ? step.command : stepTemplate?.command;
    const image = step.image || stepTemplate?.image;
    return !step.script && !command?.length && image ? [image] : [];
  });
  return [...new Set(images)];
}

/**
 * There is no pod: resolve, check and make one. Also after a pod was deleted by someone else, as upstream: a run is not
 * lost with its pod.
 */
export const start: Phase = (context) => {
  const { facts, pod } = context;
  if (pod !== undefined) return undefined;
  if (facts.specChange && specIsLost(facts)) {
    const message = userErrorPrefix + lostMessage('TaskRun', facts.specChange);
    const status = failed(started(context), reasons.validationFailed, message, context.now);
    return { status, effects: unrecordedPods(context) };
  }
  const bound = bindRun(context);
  const status = withProvenance(started(context), facts);
  switch (bound.kind) {
    case 'problem':
      return {
        status: failed(withTask(status, facts), bound.problem.reason, bound.problem.message, context.now),
        effects: [],
      };
    case 'resolving':
      return {
        status: withCondition(status, { status: 'Unknown', reason: bound.reason, message: bound.message }, context.now),
        effects: [],
      };
    case 'bound':
      return facts.start === undefined
        ? { status: context.status, effects: [], requeueAfterMs: 0 }
        : createPod(context, status, bound.spec, bound.workspaces, facts.start);
    default: {
      const never: never = bound;
      return never;
    }
  }
};

/** The Task as it was found, for whoever reads why the run could not start. */
function withTask(status: TaskRunStatus, { task }: TaskRunFacts): TaskRunStatus {
  return task.kind === 'resolved' ? { ...status, taskSpec: task.spec } : status;
}

function createPod(
  context: PlanContext,
  status: TaskRunStatus,
  spec: TaskSpec,
  workspaces: WorkspaceBinding[],
  found: StartFacts,
): TaskRunDecision {
  const { facts, now } = context;
  const withSpec: TaskRunStatus = { ...status, taskSpec: spec };
  const obstacle = obstacleToStart(context, withSpec, found);
  if (obstacle) return obstacle;
  const patch = storedSpec(context.status) ? undefined : metadataPatch(facts);
  const made = objectsFor(facts, patched(facts.taskRun, patch), { spec, workspaces, found });
  if ('tooLarge' in made) return unmade(context, withSpec, made.tooLarge);
  const { pod } = made;
  const effects: TaskRunEffect[] = [
    ...made.claims,
    { type: 'createPod', pod },
    ...(patch ? [patch] : []),
    ...warnings(facts.taskRun, found),
  ];
  const pending = withCondition(withSpec, { status: 'Unknown', reason: reasons.podPending, message: 'Pending' }, now);
  return { status: { ...withContainers(pending, [], []), podName: pod.metadata.name ?? '' }, effects };
}

/** Something looked up for the pod is missing. */
function obstacleToStart(
  { facts, now }: PlanContext,
  status: TaskRunStatus,
  found: StartFacts,
): TaskRunDecision | undefined {
  if (found.serviceAccountProblem) {
    const age = now.getTime() - Date.parse(facts.taskRun.metadata.creationTimestamp ?? '');
    if (age < newNamespaceMs) {
      return {
        status: withCondition(
          status,
          {
            status: 'Unknown',
            reason: reasons.podPending,
            message: `${found.serviceAccountProblem}; it will be tried again`,
          },
          now,
        ),
        effects: [],
        requeueAfterMs: 1_000,
      };
    }
    return {
      status: failed(
        status,
        reasons.podCreationFailed,
        podCreationMessage(facts.taskRun, `translating TaskSpec to Pod: ${found.serviceAccountProblem}`),
        now,
      ),
      effects: [],
    };
  }
  for (const [image, fact] of found.images) {
    if (fact.kind === 'found') continue;
    if (fact.kind === 'pending')
      return waiting(status, `waiting for the registry to say what image ${quote(image)} runs`, now);
    const message = `the command of image ${quote(image)} could not be looked up: ${fact.message}`;
    if (!fact.retry) {
      return {
        status: failed(
          status,
          reasons.podCreationFailed,
          podCreationMessage(
            facts.taskRun,
            `${message}; give the step a command or script, or make the image readable for its service account`,
          ),
          now,
        ),
        effects: [],
      };
    }
    return {
      status: withCondition(
        status,
        { status: 'Unknown', reason: reasons.podPending, message: `${message}; it will be tried again` },
        now,
      ),
      effects: [],
      requeueAfterMs: registryRetryMs,
    };
  }
  return undefined;
}

function waiting(status: TaskRunStatus, message: string, now: Date): TaskRunDecision {
  return {
    status: withCondition(status, { status: 'Unknown', reason: reasons.podPending, message }, now),
    effects: [],
    requeueAfterMs: registryWaitMs,
  };
}

/** Upstream's words for a pod that could not be made. */
export function podCreationMessage(taskRun: TaskRun, cause: string): string {
  const { name = '', namespace = '' } = taskRun.metadata;
  const guess = taskRun.spec.taskRef
    ? `missing or invalid Task ${namespace}/${taskRun.spec.taskRef.name ?? ''}`
    : 'invalid TaskSpec';
  return `failed to create task run pod ${quote(name)}: ${cause}. Maybe ${guess}`;
}

interface Inputs {
  spec: TaskSpec;
  workspaces: WorkspaceBinding[];
  found: StartFacts;
}

/** The pod and the claims that it needs, or why they cannot be made. */
function objectsFor(
  facts: TaskRunFacts,
  taskRun: TaskRun,
  { spec, workspaces, found }: Inputs,
): { pod: NewPod; claims: TaskRunEffect[] } | { tooLarge: string } {
  try {
    return { claims: claims(facts.taskRun, spec), pod: podFor(facts, taskRun, spec, workspaces, found) };
  } catch (error) {
    if (error instanceof TooLargeError) return { tooLarge: error.message };
    throw error;
  }
}

function unmade({ facts, now }: PlanContext, status: TaskRunStatus, why: string): TaskRunDecision {
  const message = podCreationMessage(facts.taskRun, why);
  // Another attempt would come to the same.
  return { status: failed(status, reasons.validationFailed, message, now), effects: [] };
}

function podFor(
  facts: TaskRunFacts,
  taskRun: TaskRun,
  spec: TaskSpec,
  workspaces: WorkspaceBinding[],
  found: StartFacts,
) {
  const { settings } = facts;
  const template = mergePodTemplates(taskRun.spec.podTemplate, settings.defaults.podTemplate);
  const values = runValues(taskRun, spec, facts.task.kind === 'resolved' ? facts.task.name : '');
  const images = new Map(
    [...found.images].flatMap(([image, fact]): [string, ImageConfig][] =>
      fact.kind === 'found' ? [[image, fact.config]] : [],
    ),
  );
  return buildPod({
    taskRun: template
      ? { ...taskRun, spec: { ...taskRun.spec, podTemplate: replaceInTurn(template, values) } }
      : taskRun,
    spec: bindAttempt(taskRun, spec),
    workspaces,
    secrets: found.secrets,
    limitRanges: found.limitRanges,
    images,
    timeoutMs: timeoutMs(taskRun, settings),
    settings,
  });
}

/** A claim for each volumeClaimTemplate, owned by the run so that it goes with it. */
function claims(taskRun: TaskRun, spec: TaskSpec): TaskRunEffect[] {
  const values = runValues(taskRun, spec, '');
  return (taskRun.spec.workspaces ?? []).flatMap((binding): TaskRunEffect[] => {
    if (!binding.volumeClaimTemplate) return [];
    const template = replaceInTurn(binding.volumeClaimTemplate, values);
    const { name = '', namespace = '', uid = '' } = taskRun.metadata;
    const claim: NewClaim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        ...template.metadata,
        name: claimName(taskRun, binding),
        namespace,
        ownerReferences: [
          { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', name, uid, controller: true, blockOwnerDeletion: true },
        ],
      },
      spec: template.spec ?? {},
    };
    return [{ type: 'createPersistentVolumeClaim', claim }];
  });
}

function warnings(taskRun: TaskRun, found: StartFacts): TaskRunEffect[] {
  const effects: TaskRunEffect[] =
    found.unreadableSecrets.length === 0
      ? []
      : [
          {
            type: 'event',
            eventType: 'Warning',
            reason: 'FailedToRetrieveSecret',
            message:
              `Unable to retrieve some secrets (${found.unreadableSecrets.join(', ')}); attempting to run without them. Create them or take them out of the service account ${taskRun.spec.serviceAccountName ?? ''}`.trimEnd(),
          },
        ];
  return effects;
}

export function withProvenance(status: TaskRunStatus, { task, settings }: TaskRunFacts): TaskRunStatus {
  if (!settings.flags.enableProvenanceInStatus || status.provenance) return status;
  const refSource = task.kind === 'resolved' ? task.refSource : undefined;
  return {
    ...status,
    provenance: { featureFlags: provenanceFeatureFlags(settings.flags), ...(refSource ? { refSource } : {}) },
  };
}
