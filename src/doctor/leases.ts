import { readLeaseName } from '../kube/election-config.ts';
import type { Lease } from '../kube/resources.ts';
import type { Finding, LeaseState, QueueState } from './report.ts';

/** What has been let go of longer ago belongs to buckets, or roles, of before. */
const FORMER_MS = 24 * 60 * 60_000;
/** Between two holders: a replica that ends, another that takes over. */
const HANDOVER_MS = 30_000;
const MOST_HOLDERS = 20;

interface Bucket {
  queue: string;
  buckets: number;
  holder: string;
  renewed: number;
  isHeld: boolean;
}

/** The leases that roles hold for their work queues; buckets that nobody uses any more are left out. */
export function leasesOf(leases: readonly Lease[], now: Date): LeaseState[] {
  const byQueue = Map.groupBy(
    leases.flatMap((lease) => bucketOf(lease, now) ?? []),
    ({ queue }) => queue,
  );
  return [...byQueue.entries()].map(([queue, all]) => stateOf(queue, all)).toSorted(compareNames);
}

function bucketOf({ metadata, spec }: Lease, now: Date): Bucket | undefined {
  const named = readLeaseName(metadata.name ?? '');
  const hold = holdOf(spec, now);
  if (named === undefined || Number.isNaN(hold.renewed) || now.getTime() - hold.renewed > FORMER_MS) return undefined;
  return { queue: `${metadata.namespace ?? ''}/${named.queue}`, buckets: named.buckets, ...hold };
}

/** Who holds it, if the time that it was taken for is not over. */
function holdOf(spec: Lease['spec'], now: Date): Pick<Bucket, 'holder' | 'renewed' | 'isHeld'> {
  const renewed = Date.parse(String(spec?.renewTime ?? ''));
  const holder = spec?.holderIdentity ?? '';
  const isOver = now.getTime() - renewed > (spec?.leaseDurationSeconds ?? 60) * 1000;
  return { holder: holder.slice(0, 253), renewed, isHeld: holder !== '' && !isOver };
}

/** After a change of their number the buckets of before stay there, and are held by nobody: the newest count. */
function stateOf(queue: string, all: readonly Bucket[]): LeaseState {
  const newest = all.toSorted(
    (one, other) => Number(other.isHeld) - Number(one.isHeld) || other.renewed - one.renewed,
  )[0];
  const own = all.filter(({ buckets }) => buckets === newest?.buckets);
  const [namespace = '', ...name] = queue.split('/');
  const held = own.filter(({ isHeld }) => isHeld);
  return {
    namespace,
    name: name.join('/'),
    buckets: newest?.buckets ?? 0,
    held: held.length,
    isGivenBack: own.every(({ holder }) => holder === ''),
    holders: [...new Set(held.map(({ holder }) => holder))].sort().slice(0, MOST_HOLDERS),
    renewed: newest === undefined ? '' : new Date(Math.max(...own.map(({ renewed }) => renewed))).toISOString(),
  };
}

/**
 * What nobody works on. A lease that was given back is wanted by nobody unless a pod has its queue: Chains without a
 * key and a pruner without settings have none.
 */
export function leaseFindings(leases: readonly LeaseState[], queues: readonly QueueState[], now: Date): Finding[] {
  return leases.flatMap((lease) => {
    const { namespace, name, buckets, held, renewed, isGivenBack } = lease;
    if (held >= buckets || now.getTime() - Date.parse(renewed) < HANDOVER_MS) return [];
    if (isGivenBack && !queues.some((queue) => isOf(lease, queue))) return [];
    return [
      {
        severity: held === 0 ? ('problem' as const) : ('warning' as const),
        about: `Lease ${namespace}/${name}`,
        text:
          held === 0
            ? 'no replica holds it: what is in this queue is not worked on'
            : `${buckets - held} of ${buckets} buckets are held by no replica: their part of the queue is not worked on`,
        remedy: `kubectl -n ${namespace} get leases; the log of the role says what keeps it from taking them`,
      },
    ];
  });
}

/** A lease is called as the role and its queue, in small letters. */
function isOf(lease: LeaseState, queue: QueueState): boolean {
  return lease.namespace === queue.namespace && lease.name.endsWith(`.${queue.name.toLowerCase()}`);
}

function compareNames(one: LeaseState, other: LeaseState): number {
  return `${one.namespace}/${one.name}` < `${other.namespace}/${other.name}` ? -1 : 1;
}
