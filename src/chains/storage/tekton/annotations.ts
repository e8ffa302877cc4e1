import { envelopeJson } from '../../signing/dsse.ts';
import type { StoreRequest } from '../backend.ts';

/**
 * What the API server allows for all annotations of an object, keys and values (apimachinery:
 * TotalAnnotationSizeLimitB).
 */
export const annotationLimit = 256 * 1024;
/** Kept free for what the reconciler itself still writes on the run: signed, retries, transparency, problems. */
export const annotationReserve = 4 * 1024;

const prefix = 'chains.tekton.dev/';

/**
 * The four annotations of a signed artifact, as upstream writes them: base64 of the payload, of the signature (the
 * whole envelope for statements, the bare signature for simplesigning), of certificate and chain ("" without).
 */
export function annotationsOf({ artifact, signature }: StoreRequest): Record<string, string> {
  const base64 = (value: string | Uint8Array) => Buffer.from(value as Uint8Array).toString('base64');
  const key = artifact.shortKey;
  return {
    [`${prefix}payload-${key}`]: base64(artifact.payload.json),
    [`${prefix}signature-${key}`]: base64(signature.envelope ? envelopeJson(signature.envelope) : signature.signature),
    [`${prefix}cert-${key}`]: base64(signature.certificate ?? ''),
    [`${prefix}chain-${key}`]: base64(signature.chain ?? ''),
  };
}

/** Bytes of annotations as the API server counts them. */
export function sizeOf(annotations: Readonly<Record<string, string>>): number {
  return Object.entries(annotations).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  );
}

/** Why these annotations do not fit on a run that has others; undefined when they do. */
export function tooLarge(
  present: Readonly<Record<string, string>>,
  added: Readonly<Record<string, string>>,
  kind: string,
): string | undefined {
  const size = sizeOf({ ...present, ...added });
  if (size <= annotationLimit - annotationReserve) return undefined;
  return `payload and signature need ${sizeOf(added)} bytes, which makes ${size} with the run's other annotations, and a run has room for ${annotationLimit - annotationReserve}: add another backend to artifacts.${kind}.storage (oci, gcs, docdb)`;
}

/** One manager's entry of metadata.managedFields. */
interface ManagedFields {
  manager?: string;
  operation?: string;
  subresource?: string;
  fieldsV1?: { 'f:metadata'?: { 'f:annotations'?: Record<string, unknown> } };
}

/**
 * The annotations that a manager applied before: an apply that leaves one out removes it, so each must name them all.
 */
export function appliedBefore(
  metadata: { annotations?: Readonly<Record<string, string>>; managedFields?: unknown },
  manager: string,
): Record<string, string> {
  const entries = Array.isArray(metadata.managedFields) ? (metadata.managedFields as ManagedFields[]) : [];
  const own = entries.filter((entry) => entry.manager === manager && entry.operation === 'Apply' && !entry.subresource);
  const names = own
    .flatMap((entry) => Object.keys(entry.fieldsV1?.['f:metadata']?.['f:annotations'] ?? {}))
    .flatMap((name) => (name.startsWith('f:') ? [name.slice(2)] : []));
  return Object.fromEntries(
    names.flatMap((name) => (metadata.annotations?.[name] === undefined ? [] : [[name, metadata.annotations[name]]])),
  );
}
