import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Holder } from './standing.ts';

/** Who has a slot, by the key of the queue. */
export type Slots = ReadonlyMap<string, readonly Holder[]>;

/** Keys are spread over so many objects; one is compared and swapped as a whole. */
const shards = 16;

/** Name of the Lease that keeps the slots of a queue. */
export function slotsName(key: string): string {
  return `tektite-queues-${(createHash('sha256').update(key).digest()[0] ?? 0) % shards}-of-${shards}`;
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
