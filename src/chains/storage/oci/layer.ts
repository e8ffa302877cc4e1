import { digestOf } from '../../../registry/digest.ts';
import type { Descriptor } from '../../../registry/media-types.ts';
import { envelopeJson, preAuthEncoding, type DsseEnvelope } from '../../signing/dsse.ts';
import type { LogEntry } from '../../log-entry.ts';
import { rekorBundleAnnotation, timestampAnnotation } from '../../transparency/log.ts';
import type { StoreRequest } from '../backend.ts';
import { annotation, dsseLayerType, simpleSigningLayerType } from './media-types.ts';
import { isSameSigner, signerName } from './signed-by.ts';

/** A layer of a `.sig` or `.att` image. */
export interface AttachedLayer {
  /** `sig` or `att`: the suffix of the tag. */
  suffix: 'sig' | 'att';
  mediaType: string;
  blob: Buffer;
  annotations: Record<string, string>;
}

/** What a found layer is to the one that is to be added. */
export type Likeness = 'same' | 'poorer' | 'other';

/** The layer for a signed artifact: an envelope for `.att`, the simplesigning document for `.sig`. */
export function layerOf(request: StoreRequest): AttachedLayer {
  const { artifact, signature, logEntry } = request;
  const envelope = signature.envelope;
  const own = { [annotation.payload]: digestOf(artifact.payload.json), [annotation.signer]: signerName(signature) };
  const proof = { ...certificateAnnotations(signature), ...logAnnotations(logEntry) };
  if (envelope === undefined) {
    const base64 = Buffer.from(signature.signature).toString('base64');
    const annotations = {
      [annotation.signature]: base64,
      ...proof,
      ...timestampAnnotations(request.timestamp),
      ...own,
    };
    return { suffix: 'sig', mediaType: simpleSigningLayerType, blob: Buffer.from(artifact.payload.json), annotations };
  }
  const type = artifact.payload.predicateType;
  const annotations = {
    [annotation.signature]: '',
    ...(type ? { [annotation.predicateType]: type } : {}),
    ...proof,
    ...timestampAnnotations(request.envelopeTimestamp),
    ...own,
  };
  return { suffix: 'att', mediaType: dsseLayerType, blob: Buffer.from(envelopeJson(envelope)), annotations };
}

function certificateAnnotations(signature: StoreRequest['signature']): Record<string, string> {
  return {
    ...(signature.certificate ? { [annotation.certificate]: signature.certificate } : {}),
    ...(signature.chain ? { [annotation.chain]: signature.chain } : {}),
  };
}

function logAnnotations(entry: LogEntry | undefined): Record<string, string> {
  const bundle = entry && rekorBundleAnnotation(entry);
  return bundle === undefined ? {} : { [annotation.bundle]: bundle };
}

function timestampAnnotations(timestamp: Uint8Array | undefined): Record<string, string> {
  return timestamp ? { [annotation.timestamp]: timestampAnnotation(timestamp) } : {};
}

/** Bytes by which envelopes of one payload may differ: length of signatures, key id, key order and white space. */
const envelopeSlack = 4096;

/**
 * Compares a layer that is already under the tag: `same` payload and signer; `poorer`: the same, but without the log
 * entry or timestamp that ours has. A layer is fetched only when it can be the same.
 */
export async function likeness(
  found: Descriptor,
  layer: AttachedLayer,
  request: StoreRequest,
  fetchBlob: (digest: string) => Promise<Buffer | undefined>,
): Promise<Likeness> {
  if (found.mediaType !== layer.mediaType) return 'other';
  const theirs = found.annotations ?? {};
  // What a layer says of itself can only rule it out: anybody who may push may have written it.
  const isOther = [annotation.payload, annotation.signer].some(
    (key) => theirs[key] !== undefined && theirs[key] !== layer.annotations[key],
  );
  if (isOther || !(await isSameSignature(found, layer, request, fetchBlob))) return 'other';
  const lacks = [annotation.bundle, annotation.timestamp].some((key) => layer.annotations[key] && !theirs[key]);
  return lacks ? 'poorer' : 'same';
}

async function isSameSignature(
  found: Descriptor,
  layer: AttachedLayer,
  request: StoreRequest,
  fetchBlob: (digest: string) => Promise<Buffer | undefined>,
): Promise<boolean> {
  const certificate = found.annotations?.[annotation.certificate] || undefined;
  if (layer.suffix === 'sig') {
    const signature = Buffer.from(found.annotations?.[annotation.signature] ?? '', 'base64');
    return (
      found.digest === digestOf(layer.blob) &&
      isSameSigner(request.signature, { certificate, bytes: layer.blob, signature })
    );
  }
  if (found.digest === digestOf(layer.blob)) return true;
  if (Math.abs(found.size - layer.blob.length) > envelopeSlack) return false;
  const blob = await fetchBlob(found.digest);
  return blob !== undefined && isSameEnvelope(blob, request, certificate);
}

/** Whether stored bytes are an envelope around our payload, by our signer. */
export function isSameEnvelope(stored: Buffer, request: StoreRequest, certificate: string | undefined): boolean {
  let envelope: Partial<DsseEnvelope>;
  try {
    envelope = JSON.parse(stored.toString('utf8')) as Partial<DsseEnvelope>;
  } catch {
    return false;
  }
  const { json, payloadType } = request.artifact.payload;
  if (typeof envelope.payload !== 'string' || !Buffer.from(envelope.payload, 'base64').equals(json)) return false;
  const bytes = preAuthEncoding(payloadType, json);
  return (envelope.signatures ?? []).some(({ sig }) =>
    isSameSigner(request.signature, { certificate, bytes, signature: Buffer.from(sig, 'base64') }),
  );
}
