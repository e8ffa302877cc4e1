import { z } from 'zod';

const schema = z.object({
  uid: z.string().min(1),
  /** Digest of the pod as it was sent. */
  sent: z.string(),
  /** Digest of its spec as the API server gave it back, without what may still change. */
  spec: z.string(),
  /** Images by container, in the same answer. */
  images: z.record(z.string(), z.string()),
  /** Field paths in which that answer differs from what was sent: what a mutating webhook changed. */
  changes: z.array(z.string()).optional(),
});

/** What a TaskRun records of the pod of its current attempt. */
export type PodRecord = z.infer<typeof schema>;

/** Undefined for a text that is no such record. */
export function readPodRecord(text: string | undefined): PodRecord | undefined {
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
