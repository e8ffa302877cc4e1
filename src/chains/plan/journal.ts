import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import { envelopeOf } from '../signing/dsse.ts';
import type { Signature } from '../signing/signer.ts';
import { backendNames, type BackendName } from '../storage/backend.ts';
import type { LogEntry } from '../transparency/log.ts';
import { inTotoPayloadType, simpleSigningPayloadType, type Artifact } from '../types.ts';

/**
 * What is known of one artifact between its signature and the moment it is stored everywhere (hack/decisions/0011). It
 * is kept on the run, so that neither a crash nor a failed backend leads to a second signature of the same payload.
 */
export interface JournalEntry {
  kind: Artifact['kind'];
  shortKey: string;
  /** Names the artifact: two images may share a short key. */
  fullKey: string;
  /** sha256 of the payload, hex. */
  digest: string;
  /** Absent when it was too large to be kept: then it must come out the same again, or the entry is void. */
  payload?: Artifact['payload'] | undefined;
  signature: Signature;
  logEntry?: LogEntry | undefined;
  timestamp?: Uint8Array | undefined;
  stored: BackendName[];
}

/** Bytes are written as {"$b64": "…"}: entries of logs have them anywhere. */
const BYTES = '$b64';

function withoutBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return { [BYTES]: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return value.map(withoutBytes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutBytes(inner)]));
}

function withBytes(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !(BYTES in value)) return value;
  const text = (value as Record<string, unknown>)[BYTES];
  return typeof text === 'string' ? new Uint8Array(Buffer.from(text, 'base64')) : value;
}

const bytes = z.instanceof(Uint8Array);
const entrySchema = z.object({
  kind: z.enum(['taskrun', 'pipelinerun', 'oci']),
  shortKey: z.string(),
  fullKey: z.string(),
  digest: z.string(),
  payload: z
    .object({
      json: bytes,
      payloadType: z.enum([inTotoPayloadType, simpleSigningPayloadType]),
      predicateType: z.string().optional(),
      wrap: z.boolean(),
      subjects: z.array(z.object({ repository: z.string(), digest: z.string() })),
    })
    .optional(),
  signature: z.looseObject({ signature: bytes, publicKeyPem: z.string(), keyId: z.string(), algorithm: z.string() }),
  logEntry: z.looseObject({}).optional(),
  timestamp: bytes.optional(),
  stored: z.array(z.enum(backendNames)),
});

export function payloadDigest(payload: Uint8Array): string {
  return createHash('sha256').update(payload).digest('hex');
}

function pack(entries: readonly JournalEntry[], keep: { payload: boolean; logEntry: boolean }): string {
  const kept = entries.map(({ payload, logEntry, signature: { envelope: _envelope, ...signature }, ...rest }) => ({
    ...rest,
    // The envelope repeats the payload; it is put together again from its parts.
    signature,
    ...(keep.payload && payload ? { payload } : {}),
    ...(keep.logEntry && logEntry ? { logEntry } : {}),
  }));
  return deflateRawSync(JSON.stringify(withoutBytes(kept))).toString('base64');
}

/**
 * The annotation's value in at most `room` characters. What can be had again is left out first: payloads (they are made
 * anew), then log entries (the log gives them back). `undefined` when not even the signatures fit.
 */
export function encodeJournal(entries: readonly JournalEntry[], room: number): string | undefined {
  const levels = [
    { payload: true, logEntry: true },
    { payload: false, logEntry: true },
    { payload: false, logEntry: false },
  ];
  for (const level of levels) {
    const text = pack(entries, level);
    if (text.length <= room) return text;
  }
  return undefined;
}

/**
 * The entries of an annotation; none when it cannot be read, with the reason. What was written there is never trusted
 * to be signed.
 */
export function decodeJournal(text: string | undefined): { entries: JournalEntry[]; problem?: string } {
  if (!text) return { entries: [] };
  try {
    const parsed: unknown = JSON.parse(
      inflateRawSync(Buffer.from(text, 'base64'), { maxOutputLength: 16 * 1024 * 1024 }).toString(),
      withBytes,
    );
    return { entries: z.array(entrySchema).parse(parsed) as unknown as JournalEntry[] };
  } catch (error) {
    return { entries: [], problem: error instanceof Error ? error.message : String(error) };
  }
}

/** The signature as backends want it: with its envelope. */
export function completed(signature: Signature, payload: Artifact['payload']): Signature {
  if (!payload.wrap || signature.envelope) return signature;
  return {
    ...signature,
    envelope: envelopeOf(payload.payloadType, payload.json, signature.signature, signature.keyId),
  };
}
