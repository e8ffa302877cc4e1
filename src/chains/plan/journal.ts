import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import { messageOf } from '../../errors.ts';
import { envelopeOf } from '../signing/dsse.ts';
import type { Signature } from '../signing/signer.ts';
import { type Artifact, type BackendName, backendNames } from '../types.ts';
import type { LogEntry } from '../log-entry.ts';
import type { Seal } from './seal.ts';

/**
 * What is known of one artifact between its signature and the moment it is stored everywhere (hack/decisions/0011). It
 * is kept on the run, so that neither a crash nor a failed backend leads to a second signature of the same payload.
 */
export interface JournalEntry {
  kind: Artifact['kind'];
  shortKey: string;
  /** Names the artifact: two images may share a short key. */
  fullKey: string;
  /** sha256 of the payload, hex. The payload itself is never kept: it must come out the same, or the entry is void. */
  digest: string;
  /** Who signed, in the words of its description. */
  signer: string;
  /** Without its envelope, which repeats the payload (`completed`). */
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

function withBytes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withBytes);
  if (typeof value !== 'object' || value === null) return value;
  const text = (value as Record<string, unknown>)[BYTES];
  if (typeof text === 'string') return new Uint8Array(Buffer.from(text, 'base64'));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withBytes(inner)]));
}

const bytes = z.instanceof(Uint8Array);
const entrySchema = z.object({
  kind: z.enum(['taskrun', 'pipelinerun', 'oci']),
  shortKey: z.string(),
  fullKey: z.string(),
  digest: z.string(),
  signer: z.string(),
  signature: z.looseObject({ signature: bytes, publicKeyPem: z.string(), keyId: z.string(), algorithm: z.string() }),
  logEntry: z.looseObject({}).optional(),
  timestamp: bytes.optional(),
  stored: z.array(z.enum(backendNames)),
});

export function payloadDigest(payload: Uint8Array): string {
  return createHash('sha256').update(payload).digest('hex');
}

/** Characters of the annotation's value, seal included, and bytes and entries in it: more is not written, nor read. */
export const LONGEST_JOURNAL = 64 * 1024;
const LARGEST_CONTENT = 512 * 1024;
const MOST_ENTRIES = 512;

/** Whose note it is. */
export interface Sealing {
  uid: string;
  seal: Seal;
}

function pack(entries: readonly JournalEntry[], keepLogEntries: boolean, { uid, seal }: Sealing): string | undefined {
  const kept = entries.map(({ logEntry, signature: { envelope: _envelope, ...signature }, ...rest }) => ({
    ...rest,
    signature,
    ...(keepLogEntries && logEntry ? { logEntry } : {}),
  }));
  const content = JSON.stringify(withoutBytes(kept));
  if (Buffer.byteLength(content) > LARGEST_CONTENT) return undefined;
  return seal.stamp('pending', uid, deflateRawSync(content).toString('base64'));
}

/**
 * The annotation's value in at most `room` characters. Log entries are left out first: the log gives them back.
 * `undefined` when not even the signatures fit.
 */
export function encodeJournal(entries: readonly JournalEntry[], room: number, sealing: Sealing): string | undefined {
  if (entries.length > MOST_ENTRIES) return undefined;
  return [true, false]
    .map((keepLogEntries) => pack(entries, keepLogEntries, sealing))
    .find((text) => text !== undefined && text.length <= Math.min(room, LONGEST_JOURNAL));
}

/**
 * The entries of an annotation; none when it cannot be read or is not by Chains for this run, with the reason. Nothing
 * without a seal is inflated or parsed.
 */
export function decodeJournal(
  text: string | undefined,
  { uid, seal }: Sealing,
): { entries: JournalEntry[]; problem?: string } {
  if (!text) return { entries: [] };
  if (text.length > LONGEST_JOURNAL) return { entries: [], problem: `it has ${text.length} characters` };
  const packed = seal.open('pending', uid, text);
  if (packed === undefined) return { entries: [], problem: 'it was not written by Chains for this run' };
  try {
    const content = inflateRawSync(Buffer.from(packed, 'base64'), { maxOutputLength: LARGEST_CONTENT }).toString();
    const parsed: unknown = JSON.parse(content);
    if (!Array.isArray(parsed) || parsed.length > MOST_ENTRIES) throw new Error('no list of signatures');
    return { entries: parsed.map((entry) => entrySchema.parse(withBytes(entry)) as unknown as JournalEntry) };
  } catch (error) {
    return { entries: [], problem: messageOf(error).slice(0, 200) };
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
