import type { ConcurrencyRule } from '../../api/config/config-concurrency.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { isDone } from '../../core/condition.ts';
import type { Turn, TurnNeed } from '../../core/need.ts';
import { isWithinAnother, queueOf } from '../../core/queue/queue.ts';
import { formatSlots, parseSlots, slotsAnnotation, slotsKey, slotsName, type Slots } from '../../core/queue/slots.ts';
import { compareTurns, isWaiting, standingOf, supersededBy, type Holder } from '../../core/queue/standing.ts';
import { isAbort, messageOf } from '../../errors.ts';
import { found, isAlreadyExists, isConflict, type KubeClient } from '../../kube/client.ts';
import { joinKey } from '../../kube/object.ts';
import { controllerKey } from '../../kube/owners.ts';
import { leases } from '../../kube/resources.ts';
import type { Store } from '../../kube/store.ts';
import { pipelineRunResource } from './children.ts';

/** Name of the index of PipelineRuns that have not ended, by namespace. */
export const unfinishedIn = 'unfinished';

export function unfinishedIndex({ metadata, status }: PipelineRun): string[] {
  return isDone(status) ? [] : [metadata.namespace ?? ''];
}

export interface Admission {
  client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  pipelineRuns: Pick<Store<PipelineRun>, 'get' | 'byIndex'>;
  /** Where the slots are kept: tenants may not write there. */
  systemNamespace: string;
  rules: readonly ConcurrencyRule[];
}

type Lease = Awaited<ReturnType<typeof readLease>>;

/** Another replica was faster so often in a row: it is tried again later. */
const mostAttempts = 8;
/** So many holders of other queues that the cache lacks are looked up each time. */
const mostLookedUp = 20;

/**
 * Gives a run its slot if its turn has come. Slots are swapped in one object of the API server by its version
 * (hack/decisions/0038): however many replicas try, with caches however old, no more runs have slots than the limit.
 */
export async function admit(need: TurnNeed, admission: Admission, signal: AbortSignal): Promise<Turn> {
  try {
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const turn = await attemptOnce(need, admission, signal);
      if (turn !== undefined) return turn;
    }
    return { kind: 'unknown', message: 'other runs took slots at the same time' };
  } catch (error) {
    if (isAbort(error, signal)) throw error;
    return { kind: 'unknown', message: messageOf(error) };
  }
}

/** Undefined when somebody else wrote in between. */
async function attemptOnce(need: TurnNeed, admission: Admission, signal: AbortSignal): Promise<Turn | undefined> {
  const { queue, uid } = need;
  const runs = runsInQueue(need, admission);
  const run = runs.find(({ metadata }) => metadata.uid === uid);
  // Its own cache does not know it any more.
  if (run === undefined) return { kind: 'unknown', message: 'the run is not in the cache' };
  const lease = await readLease(need.namespace, admission, signal);
  const key = slotsKey(queue.key);
  const slots = parseSlots(lease?.metadata.annotations?.[slotsAnnotation]);
  const holders = await liveHolders(slots.get(key) ?? [], need.namespace, admission, signal);
  if (holders.some((holder) => holder.uid === uid)) return { kind: 'go' };
  const standing = standingOf(run, runs, holders, queue);
  if (!standing.mayGo) return { kind: 'wait', standing, superseded: supersededBy(run, runs, standing, queue) };
  const others = await tidied(
    [...slots].filter(([other]) => other !== key),
    need.namespace,
    admission,
    signal,
  );
  const taken = new Map([...others, [key, [...holders, { name: need.name, uid }]]]);
  return (await writeLease(need.namespace, { lease, slots: taken }, admission, signal)) ? { kind: 'go' } : undefined;
}

/** Runs of the same queue that have not ended. */
function runsInQueue({ namespace, queue }: TurnNeed, { pipelineRuns, rules }: Admission): PipelineRun[] {
  return pipelineRuns.byIndex(unfinishedIn, namespace).filter((run) => {
    const own = queueOf(run, rules);
    return own.kind === 'queue' && own.queue.key === queue.key && !isWithinAnother(run, outerOf(run, pipelineRuns));
  });
}

function outerOf(run: PipelineRun, pipelineRuns: Admission['pipelineRuns']): PipelineRun | undefined {
  const key = controllerKey(run, 'PipelineRun');
  return key === undefined ? undefined : pipelineRuns.get(key);
}

/** A slot is free once its run has ended or is gone; what the cache lacks may only be too new for it. */
async function liveHolders(
  holders: readonly Holder[],
  namespace: string,
  admission: Admission,
  signal: AbortSignal,
): Promise<Holder[]> {
  const live: Holder[] = [];
  for (const holder of holders) {
    const run =
      cachedRun(holder, namespace, admission) ??
      (await found(admission.client.get(pipelineRunResource, namespace, holder.name, { signal })));
    if (run?.metadata.uid === holder.uid && !isDone(run.status)) live.push(holder);
  }
  return live;
}

function cachedRun({ name, uid }: Holder, namespace: string, { pipelineRuns }: Admission): PipelineRun | undefined {
  const run = pipelineRuns.get(joinKey(namespace, name));
  return run?.metadata.uid === uid ? run : undefined;
}

/** Other queues without those that have ended or are gone, so that the object does not grow. */
async function tidied(
  queues: readonly (readonly [string, readonly Holder[]])[],
  namespace: string,
  admission: Admission,
  signal: AbortSignal,
): Promise<[string, readonly Holder[]][]> {
  let lookUps = mostLookedUp;
  const kept: [string, readonly Holder[]][] = [];
  for (const [key, holders] of queues) {
    const unknown = holders.filter((holder) => cachedRun(holder, namespace, admission) === undefined).length;
    lookUps -= unknown;
    const isWithin = unknown === 0 || lookUps >= 0;
    kept.push([key, isWithin ? await liveHolders(holders, namespace, admission, signal) : holders]);
  }
  return kept;
}

function readLease(namespace: string, { client, systemNamespace }: Admission, signal: AbortSignal) {
  return found(client.get(leases, systemNamespace, slotsName(namespace), { signal }));
}

/** Whether nobody else wrote since it was read. */
async function writeLease(
  namespace: string,
  { lease, slots }: { lease: Lease; slots: Slots },
  { client, systemNamespace }: Admission,
  signal: AbortSignal,
): Promise<boolean> {
  const annotations = { ...lease?.metadata.annotations, [slotsAnnotation]: formatSlots(slots) };
  try {
    if (lease) await client.replace(leases, { ...lease, metadata: { ...lease.metadata, annotations } }, { signal });
    else {
      const metadata = { name: slotsName(namespace), namespace: systemNamespace, annotations };
      await client.create(leases, { metadata, spec: {} }, { signal });
    }
    return true;
  } catch (error) {
    if (isConflict(error) || isAlreadyExists(error)) return false;
    throw error;
  }
}

/**
 * Keys of the runs that may have their turn now that a run of their namespace has ended: of every queue the first so
 * many that wait. The others tell their new place when they look again.
 */
export function nextInLine(
  namespace: string,
  { pipelineRuns, rules }: Pick<Admission, 'rules'> & { pipelineRuns: Pick<Store<PipelineRun>, 'byIndex'> },
): string[] {
  const byQueue = new Map<string, { limit: number; runs: PipelineRun[] }>();
  for (const run of pipelineRuns.byIndex(unfinishedIn, namespace).filter(isWaiting)) {
    const own = queueOf(run, rules);
    if (own.kind !== 'queue') continue;
    const { key, limit } = own.queue;
    const line = byQueue.get(key) ?? { limit, runs: [] };
    byQueue.set(key, line);
    line.runs.push(run);
  }
  return [...byQueue.values()].flatMap(({ limit, runs }) =>
    runs
      .toSorted(compareTurns)
      .slice(0, limit)
      .map(({ metadata }) => joinKey(namespace, metadata.name ?? '')),
  );
}
