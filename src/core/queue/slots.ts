import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Holder } from './standing.ts';

/** Who has a slot, by the slotsKey of the queue. */
export type Slots = ReadonlyMap<string, readonly Holder[]>;

/** Name of the Lease that keeps the slots of a namespace's queues: who fills it up hurts nobody else. */
export function slotsName(namespace: string): string {
  return `tektite-queues-${namespace}`;
}

/** What a queue is called there, in 16 characters: its own key holds values of params, of any length. */
export function slotsKey(key: string): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 16);
}

/** The annotation of that Lease. */
export const slotsAnnotation = 'tektite.dev/slots';

const written = z.record(z.string(), z.array(z.object({ name: z.string(), uid: z.string() })));

/** @throws Error for a text that is not what was written: who cannot tell who runs lets nobody in */
export function parseSlots(text: string | undefined): Slots {
  if (text === undefined) return new Map();
  return new Map(Object.entries(written.parse(JSON.parse(text))));
}

export function formatSlots(slots: Slots): string {
  return JSON.stringify(Object.fromEntries([...slots].filter(([, holders]) => holders.length > 0)));
}
