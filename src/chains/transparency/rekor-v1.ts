import { z } from 'zod';
import { systemClock } from '../../clock.ts';
import { envelopeJson } from '../signing/dsse.ts';
import { digestOf } from '../signing/algorithm.ts';
import {
  jsonOf,
  joinUrl,
  observed,
  request,
  ServiceError,
  type RemoteService,
  type Request,
} from '../signing/service.ts';
import { SigningError, type Signature } from '../signing/signer.ts';
import type { Payload } from '../types.ts';
import type { LogEntry } from '../log-entry.ts';

const entrySchema = z.object({
  body: z.string(),
  integratedTime: z.number(),
  logID: z.string(),
  logIndex: z.number(),
  verification: z
    .object({
      signedEntryTimestamp: z.string().optional(),
      inclusionProof: z
        .object({
          logIndex: z.number(),
          rootHash: z.string(),
          treeSize: z.number(),
          hashes: z.array(z.string()),
          checkpoint: z.string().optional(),
        })
        .optional(),
    })
    .optional(),
});
const answerSchema = z.record(z.string(), entrySchema);
const bodySchema = z.object({ kind: z.string(), apiVersion: z.string() });

const wayOut =
  'check transparency.url in chains-config, and that this is a Rekor of version 1 (set transparency.api to "v2" for a tile-backed one)';
const algorithmWayOut =
  'the log takes image signatures of ECDSA keys only with the hash of their curve, and cosign verifies only SHA-256: use a P-256 key';

/**
 * Writes an entry to Rekor v1: kind dsse for envelopes, hashedrekord for the rest (both 0.0.1), as upstream. Rekor
 * answers 409 for a signature that it already has; the entry is then read and used.
 */
export async function uploadToRekorV1(
  { url, around }: RemoteService,
  payload: Payload,
  signature: Signature,
  signal: AbortSignal,
): Promise<LogEntry> {
  const proposed = proposedEntry(payload, signature);
  const wanted: Request = {
    service: 'Rekor',
    url: joinUrl(url, 'api/v1/log/entries'),
    body: proposed,
    timeoutMs: 20_000,
    wayOut,
  };
  return observed(around, 'rekor', signal, async () => {
    const clock = around.clock ?? systemClock;
    try {
      return logEntry(url, wanted, jsonOf(wanted, await request(wanted, signal, clock)));
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (error.status === 400 && error.message.includes('algorithms are not allowed'))
        throw new SigningError(`Rekor ${wanted.url} refuses ${signature.algorithm}: ${algorithmWayOut}`, {
          cause: error,
          retryable: false,
        });
      if (error.status !== 409) throw error;
      const existing: Request = { service: 'Rekor', url: existingUrl(url, error), timeoutMs: 20_000, wayOut };
      return logEntry(url, existing, jsonOf(existing, await request(existing, signal, clock)));
    }
  });
}

/**
 * Where the entry is that a new one conflicts with. Only its name is taken: the address stays the one that is
 * configured.
 */
function existingUrl(url: string, conflict: ServiceError): string {
  const location = conflict.headers?.get('location') ?? '';
  const uuid =
    /\/api\/v1\/log\/entries\/([0-9a-f]{64,80})$/.exec(location)?.[1] ??
    /entries\/([0-9a-f]{64,80})/.exec(conflict.message)?.[1];
  if (uuid === undefined)
    throw new SigningError(
      `Rekor ${url} has an entry for this signature already, but does not say which (Location: ${JSON.stringify(location)}); ${wayOut}`,
      { cause: conflict },
    );
  return joinUrl(url, `api/v1/log/entries/${uuid}`);
}

/** The certificate where there is one, else the public key, as PEM in base64. */
function verifier(signature: Signature): string {
  return Buffer.from(signature.certificate ?? signature.publicKeyPem).toString('base64');
}

function proposedEntry(payload: Payload, signature: Signature): object {
  if (signature.hash !== undefined && signature.hash !== 'sha256' && signature.envelope !== undefined) {
    throw new SigningError(
      `Rekor v1 checks envelopes with SHA-256, but the key signs with ${signature.hash} (${signature.algorithm}); use a P-256 key, or turn transparency off`,
      { retryable: false },
    );
  }
  if (signature.scheme === 'rsa-pss') {
    throw new SigningError(
      `Rekor checks RSA signatures as PKCS#1 v1.5, but the key signs with ${signature.algorithm}; use an ECDSA P-256 key, or turn transparency off`,
      { retryable: false },
    );
  }
  if (signature.envelope !== undefined) {
    return {
      apiVersion: '0.0.1',
      kind: 'dsse',
      spec: { proposedContent: { envelope: envelopeJson(signature.envelope), verifiers: [verifier(signature)] } },
    };
  }
  if (signature.hash === undefined) {
    throw new SigningError(
      'Rekor takes image signatures of Ed25519 keys only as Ed25519ph, which "cosign verify --key" does not accept; use an ECDSA P-256 key, or turn transparency off',
      { retryable: false },
    );
  }
  return {
    apiVersion: '0.0.1',
    kind: 'hashedrekord',
    spec: {
      data: { hash: { algorithm: signature.hash, value: digestOf(signature.hash, payload.json).toString('hex') } },
      signature: {
        content: Buffer.from(signature.signature).toString('base64'),
        publicKey: { content: verifier(signature) },
      },
    },
  };
}

function logEntry(url: string, wanted: Request, answer: unknown): LogEntry {
  const parsed = answerSchema.safeParse(answer);
  const [uuid, entry] = parsed.success ? (Object.entries(parsed.data)[0] ?? []) : [];
  if (uuid === undefined || entry === undefined)
    throw new SigningError(`Rekor ${wanted.url}: the answer has no log entry; ${wayOut}`);
  const { inclusionProof, signedEntryTimestamp } = entry.verification ?? {};
  const { kind, apiVersion } = bodySchema.parse(JSON.parse(Buffer.from(entry.body, 'base64').toString('utf8')));
  const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
  return {
    url: `${joinUrl(url, 'api/v1/log/entries')}?logIndex=${entry.logIndex}`,
    logIndex: entry.logIndex,
    logId: entry.logID,
    uuid,
    integratedTime: entry.integratedTime,
    body: entry.body,
    ...(signedEntryTimestamp === undefined ? {} : { inclusionPromise: signedEntryTimestamp }),
    tlogEntry: {
      logIndex: String(entry.logIndex),
      logId: { keyId: base64(entry.logID) },
      kindVersion: { kind, version: apiVersion },
      integratedTime: String(entry.integratedTime),
      ...(signedEntryTimestamp === undefined ? {} : { inclusionPromise: { signedEntryTimestamp } }),
      ...(inclusionProof === undefined
        ? {}
        : {
            inclusionProof: {
              logIndex: String(inclusionProof.logIndex),
              rootHash: base64(inclusionProof.rootHash),
              treeSize: String(inclusionProof.treeSize),
              hashes: inclusionProof.hashes.map(base64),
              ...(inclusionProof.checkpoint === undefined
                ? {}
                : { checkpoint: { envelope: inclusionProof.checkpoint } }),
            },
          }),
      canonicalizedBody: entry.body,
    },
  };
}
