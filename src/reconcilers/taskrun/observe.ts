import type { Task } from '../../api/pipeline/v1/task.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { tasks } from '../../api/resources.ts';
import { isDone } from '../../core/condition.ts';
import { asRecorded } from '../../core/digest/spec-change.ts';
import type { CredentialSecret } from '../../core/pod/credentials.ts';
import type { ImageLookup } from '../../core/pod/image.ts';
import type { Pod as RunPod } from '../../core/pod/types.ts';
import type { Settings } from '../../core/settings.ts';
import type { StartFacts, TaskFact, TaskRunFacts } from '../../core/taskrun/facts.ts';
import { refersElsewhere } from '../../core/taskrun/reference.ts';
import { podToAskAbout } from '../../core/taskrun/running.ts';
import { startNeeds, type StartNeeds } from '../../core/taskrun/start.ts';
import { ApiError, isNotFound, type KubeClient } from '../../kube/client.ts';
import { keyOf, type Resource } from '../../kube/object.ts';
import { events, secrets, serviceAccounts, type CoreEvent, type LimitRange, type Pod } from '../../kube/resources.ts';
import { byController } from '../../kube/owners.ts';
import type { Store } from '../../kube/store.ts';

export interface TaskRunStores {
  taskRuns: Pick<Store<TaskRun>, 'get' | 'observeWrite'>;
  /** Indexed `byController`. */
  pods: Pick<Store<Pod>, 'byIndex' | 'observeWrite'>;
  tasks: Pick<Store<Task>, 'find'>;
  limitRanges: Pick<Store<LimitRange>, 'list'>;
}

export interface Observing {
  client: Pick<KubeClient, 'get' | 'list'>;
  stores: TaskRunStores;
  settings: Settings;
  imageLookup: ImageLookup;
  now: Date;
}

/** Characters of a warning that go into a condition. */
const longestWarning = 500;

/** A run that is over needs its Task no more; every resync would ask for it again. */
const notLookedUp: TaskFact = {
  kind: 'failed',
  reason: 'TaskRunResolutionFailed',
  message: 'the run is done: its Task was not looked up',
};

/**
 * Everything that planning needs to know of a run, as the controller began to act on it. Live look-ups happen only when
 * a pod is about to be made.
 */
export async function observe(stored: TaskRun, observing: Observing, signal: AbortSignal): Promise<TaskRunFacts> {
  const { stores, settings, now } = observing;
  const { run: taskRun, change } = asRecorded(stored);
  const known: TaskRunFacts = {
    taskRun,
    ...(change ? { specChange: change } : {}),
    task: isDone(taskRun.status) ? notLookedUp : await findTask(taskRun, observing, signal),
    pods: stores.pods.byIndex(byController, taskRun.metadata.uid ?? '') as RunPod[],
    settings,
  };
  const late = podToAskAbout(known, now);
  const podWarning = late && (await lastWarning(late, observing, signal));
  const facts: TaskRunFacts = podWarning ? { ...known, podWarning } : known;
  const needs = startNeeds(facts, now);
  return needs === undefined ? facts : { ...facts, start: await lookUp(taskRun, needs, observing, signal) };
}

/** What scheduler or kubelet last warned of about a pod. It only explains: where it cannot be read, nothing is lost. */
async function lastWarning(
  { metadata: { namespace, uid = '' } }: RunPod,
  { client }: Observing,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { items } = await client.list(events, {
      namespace,
      fieldSelector: `involvedObject.uid=${uid},type=Warning`,
      signal,
    });
    const time = ({ lastTimestamp, eventTime, metadata }: CoreEvent) =>
      String(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '');
    const last = items.sort((a, b) => (time(a) < time(b) ? -1 : 1)).at(-1);
    return last && `${last.reason ?? ''}: ${last.message ?? ''}`.slice(0, longestWarning);
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}

async function findTask(taskRun: TaskRun, { client, stores }: Observing, signal: AbortSignal): Promise<TaskFact> {
  const { name: runName = '' } = taskRun.metadata;
  const { taskRef, taskSpec } = taskRun.spec;
  if (taskSpec) return { kind: 'resolved', name: runName, spec: taskSpec };
  const stored = taskRun.status?.taskSpec;
  if (stored) return { kind: 'resolved', name: taskRef?.name ?? runName, spec: stored };
  const elsewhere = refersElsewhere(taskRun);
  if (elsewhere) return { kind: 'failed', ...elsewhere };
  return readTask(taskRef?.name ?? '', taskRun, { client, stores }, signal);
}

async function readTask(
  name: string,
  { metadata: { namespace, name: runName = '' }, status }: TaskRun,
  { client, stores }: Pick<Observing, 'client' | 'stores'>,
  signal: AbortSignal,
): Promise<TaskFact> {
  try {
    // A Task that was changed a moment before its run was created must count, so a run that has not begun asks the API
    // server.
    const cached = status?.startTime === undefined ? undefined : stores.tasks.find(namespace, name);
    const { spec, metadata } = cached ?? (await client.get(tasks as Resource<Task>, namespace, name, { signal }));
    return { kind: 'resolved', name, spec, labels: metadata.labels ?? {}, annotations: metadata.annotations ?? {} };
  } catch (error) {
    if (!(error instanceof ApiError) || !(error.isNotFound || error.isForbidden)) throw error;
    const remedy = error.isNotFound
      ? `; create Task ${name} in namespace ${namespace} or correct spec.taskRef.name`
      : '; allow the controller to read Tasks there';
    return {
      kind: 'failed',
      reason: 'TaskRunResolutionFailed',
      message: `error when listing tasks for taskRun ${runName}: ${error.message}${remedy}`,
    };
  }
}

async function lookUp(
  taskRun: TaskRun,
  needs: StartNeeds,
  observing: Observing,
  signal: AbortSignal,
): Promise<StartFacts> {
  const { stores, settings, imageLookup } = observing;
  const run = { key: keyOf(taskRun), uid: taskRun.metadata.uid ?? '' };
  const { namespace } = needs.credentials;
  const [credentials, images] = await Promise.all([
    settings.flags.disableCredsInit
      ? { secrets: [], unreadableSecrets: [] }
      : findCredentials(needs, observing, signal),
    Promise.all(
      needs.images.map(
        async (image) => [image, await imageLookup({ image, credentials: needs.credentials, run }, signal)] as const,
      ),
    ),
  ]);
  return {
    ...credentials,
    limitRanges: stores.limitRanges.list().filter((range) => range.metadata.namespace === namespace),
    images: new Map(images),
  };
}

/**
 * Live: credentials are not kept in this process's memory, and only names, types and annotations of secrets are passed
 * on.
 */
async function findCredentials(
  { credentials }: StartNeeds,
  { client }: Observing,
  signal: AbortSignal,
): Promise<Pick<StartFacts, 'serviceAccountProblem' | 'secrets' | 'unreadableSecrets'>> {
  const { namespace, serviceAccountName } = credentials;
  try {
    const account = await client.get(serviceAccounts, namespace, serviceAccountName, { signal });
    const names = [...new Set((account.secrets ?? []).flatMap(({ name }) => (name ? [name] : [])))];
    const found = await Promise.all(names.map((name) => findSecret(namespace, name, client, signal)));
    return {
      secrets: found.filter((secret) => secret !== undefined),
      unreadableSecrets: names.filter((_, index) => found[index] === undefined),
    };
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return { serviceAccountProblem: error.message, secrets: [], unreadableSecrets: [] };
  }
}

async function findSecret(
  namespace: string,
  name: string,
  client: Observing['client'],
  signal: AbortSignal,
): Promise<CredentialSecret | undefined> {
  try {
    const secret = await client.get(secrets, namespace, name, { signal });
    return { name, ...(secret.type ? { type: secret.type } : {}), annotations: secret.metadata.annotations ?? {} };
  } catch (error) {
    if (error instanceof ApiError && (error.isNotFound || error.isForbidden)) return undefined;
    throw error;
  }
}
