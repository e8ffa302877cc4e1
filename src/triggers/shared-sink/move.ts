import type { Condition } from '../../api/meta.ts';
import type { Demand } from './demand.ts';
import type { HeldPort } from './ports.ts';

/** Of a listener: whether and how the shared sink takes its events. */
export const sharedSinkCondition = 'SharedSink';

export type SharedSinkCondition = Pick<Condition, 'status' | 'message'> & { reason: string };

/** How a listener stands between pods of its own and the shared sink. */
export interface Standing {
  demand: Demand;
  /** Why the shared sink may not or cannot take it, and the way out. Only looked for where it is asked for. */
  obstacle?: { reason: 'NotInstalled' | 'Forbidden' | 'NoPortFree'; message: string } | undefined;
  held: HeldPort | undefined;
  /** Its Deployment. */
  own: 'none' | 'made' | 'available';
  /** Ready pods of the shared sink that serve it. */
  sharedReady: number;
  /** EndpointSlices of its Service: those that lead to the shared sink, and ready addresses of the others. */
  sharedSlices: number;
  ownReady: number;
}

/** What is to be. Each part says what is wanted, not what is new: carried out twice it does the same. */
export interface Move {
  /** Its Deployment is there, and kept as it should be. */
  own: 'keep' | 'remove';
  /** Its Service selects its own pods. */
  selects: boolean;
  /** EndpointSlices to the shared sink. */
  slices: 'write' | 'remove' | 'leave';
  /** Its port at the shared sink. */
  port: 'keep' | 'leave' | 'give back';
  condition?: SharedSinkCondition;
  /** When to look again though nothing was heard of, ms. */
  againMs?: number;
}

/** Requests come for as long after an EndpointSlice has gone: proxies hear of it late. */
export const leaveMs = 15_000;
const againMs = { served: 300_000, waiting: 10_000, obstacle: 5_000, changing: 5_000 };

/**
 * The next step between pods of its own and the shared sink. The new way takes events before the old one goes, so that
 * none is refused; what the old one accepted it brings to its end.
 */
export function planMove(standing: Standing, now: Date): Move {
  return standing.demand.kind === 'own' ? toOwn(standing, standing.demand, now) : toShared(standing);
}

function toOwn(
  { held, own, sharedReady, sharedSlices, ownReady }: Standing,
  demand: Extract<Demand, { kind: 'own' }>,
  now: Date,
): Move {
  const condition = 'field' in demand ? { condition: needsOwn(demand.field) } : {};
  const move = { own: 'keep', selects: true, ...condition } as const;
  if (held === undefined) return { ...move, slices: sharedSlices > 0 ? 'remove' : 'leave', port: 'keep' };
  const takesOver = own === 'available' && ownReady > 0;
  if (!takesOver && sharedReady > 0 && held.holder.leavingSince === undefined)
    return { ...move, slices: 'write', port: 'keep', againMs: againMs.changing };
  const since = held.holder.leavingSince;
  if (since === undefined) return { ...move, slices: 'remove', port: 'leave', againMs: leaveMs };
  const left = Date.parse(since) + leaveMs - now.getTime();
  return left > 0
    ? { ...move, slices: 'remove', port: 'leave', againMs: left }
    : { ...move, slices: 'remove', port: 'give back' };
}

function needsOwn(field: string): SharedSinkCondition {
  const message = `it has pods of its own since it sets ${field}; leave that out to have the shared sink take its events`;
  return { status: 'False', reason: 'OwnPods', message };
}

function toShared({ obstacle, held, own, sharedReady, sharedSlices }: Standing): Move {
  // Whoever has pods keeps them until others take over.
  const stay = { own: own === 'none' ? 'remove' : 'keep', selects: own !== 'none' } as const;
  if (obstacle !== undefined) {
    const condition = { status: 'False', ...obstacle } as const;
    return { ...stay, slices: 'remove', port: 'give back', condition, againMs: againMs.obstacle };
  }
  if (sharedReady === 0) {
    const condition = { status: 'False', reason: 'NotServed', message: notServed } as const;
    return { ...stay, slices: sharedSlices > 0 ? 'write' : 'leave', port: 'keep', condition, againMs: againMs.waiting };
  }
  const pods = sharedReady === 1 ? 'one pod' : `${sharedReady} pods`;
  const message = `${pods} of the shared sink take its events at port ${held?.port}`;
  const condition = { status: 'True', reason: 'Served', message } as const;
  return { own: 'remove', selects: false, slices: 'write', port: 'keep', condition, againMs: againMs.served };
}

const notServed =
  'no pod of the shared sink takes its events yet; the log of Deployment tekton-triggers-shared-sink says why when that lasts';
