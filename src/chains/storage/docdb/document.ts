import type { StoreRequest } from '../backend.ts';
import { signatureContent } from '../content.ts';

/** Upstream's SignedDocument; docstore writes the fields with these names in every database. */
export interface SignedDocument {
  /** The payload. */
  Signed: Uint8Array;
  /** Base64 of the signature (of the whole envelope for statements). */
  Signature: string;
  Cert: string;
  Chain: string;
  /** The payload, parsed, so that databases can search in it. */
  Object: unknown;
  Name: string;
}

export function documentOf({ artifact, signature }: StoreRequest): SignedDocument {
  return {
    Signed: artifact.payload.json,
    Signature: signatureContent(signature).toString('base64'),
    Cert: signature.certificate ?? '',
    Chain: signature.chain ?? '',
    Object: JSON.parse(Buffer.from(artifact.payload.json).toString('utf8')),
    Name: artifact.shortKey,
  };
}

/** The document's key: the value of the field that the URL names, whatever its case, as docstore finds it. */
export function keyOf(document: SignedDocument, field: string): string {
  // Docstore has no key for "_id", although upstream's tutorial writes it; only Name can be meant.
  if (field === '_id') return document.Name;
  const fields: Readonly<Record<string, unknown>> = { ...document };
  const name =
    field in fields ? field : Object.keys(fields).find((known) => known.toLowerCase() === field.toLowerCase());
  const value = name === undefined ? undefined : fields[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new Error(
    `storage.docdb.url names the key field ${JSON.stringify(field)}, ${name === undefined ? 'which documents do not have' : 'which is no text here'}: use name`,
  );
}

/** A lower bound of what a database counts for the document: all texts, bytes and names of fields. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (value instanceof Uint8Array) return value.length;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + sizeOf(item) + 1, 0);
  if (typeof value !== 'object' || value === null) return 1;
  return Object.entries(value).reduce((sum, [name, inner]) => sum + Buffer.byteLength(name) + sizeOf(inner) + 1, 0);
}
