import { createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { systemClock } from '../../clock.ts';
import { curveOf, digestOf, publicKeyDer } from '../signing/algorithm.ts';
import { preAuthEncoding } from '../signing/dsse.ts';
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
import type { BundleLogEntry, LogEntry } from '../log-entry.ts';
import { inclusionProof, leafHash, parseCheckpoint, readEntry, rootOf } from './tiles.ts';

const proofSchema = z.object({
  logIndex: z.string().default('0'),
  rootHash: z.string(),
  treeSize: z.string(),
  hashes: z.array(z.string()).default([]),
  checkpoint: z.object({ envelope: z.string() }),
});
const entrySchema = z.object({
  logIndex: z.string().default('0'),
  logId: z.object({ keyId: z.string() }),
  kindVersion: z.object({ kind: z.string(), version: z.string() }),
  inclusionProof: proofSchema,
  canonicalizedBody: z.string(),
});

const wayOut =
  'check transparency.url in chains-config, and that this is a Rekor of version 2 (transparency.api "v2" is for tile-backed logs)';

/** Addresses of logs and the IDs that they gave; a log says its ID only with a new entry. */
const knownLogs = new Map<string, string>();

/**
 * Writes an entry to Rekor v2 (rekor-tiles, CLIENTS.md): a hashedrekord 0.0.2 of what was signed, which for an envelope
 * is its pre-authentication encoding. For a signature that it already has, the log answers 409 with the index; the
 * entry and its proof are then read out of the log's tiles.
 */
export async function uploadToRekorV2(
  log: RemoteService,
  payload: Payload,
  signature: Signature,
  signal: AbortSignal,
): Promise<LogEntry> {
  const { url, around } = log;
  // The log answers when a checkpoint is out: at least 20 s are asked of clients.
  const wanted: Request = {
    service: 'Rekor',
    url: joinUrl(url, 'api/v2/log/entries'),
    body: entryRequest(payload, signature),
    timeoutMs: 30_000,
    wayOut,
  };
  return observed(around, 'rekor', signal, async () => {
    try {
      const parsed = entrySchema.safeParse(jsonOf(wanted, await request(wanted, signal, around.clock ?? systemClock)));
      if (!parsed.success)
        throw new SigningError(`Rekor ${wanted.url}: the answer is no log entry with an inclusion proof; ${wayOut}`);
      knownLogs.set(url, parsed.data.logId.keyId);
      return logEntry(url, parsed.data);
    } catch (error) {
      const index =
        error instanceof ServiceError && error.status === 409 ? /with index (\d+)/.exec(error.message)?.[1] : undefined;
      if (index === undefined) throw error;
      return existingEntry(log, Number(index), signal);
    }
  });
}

async function existingEntry({ url, around }: RemoteService, index: number, signal: AbortSignal): Promise<LogEntry> {
  const keyId = knownLogs.get(url);
  if (keyId === undefined) {
    throw new SigningError(
      `Rekor ${url} has this signature already (index ${index}); its proof can be read when the log has told its ID, which it does with the next new entry: this is tried again`,
    );
  }
  const read = async (path: string) =>
    (
      await request(
        { service: 'Rekor', url: joinUrl(url, `api/v2/${path}`), headers: { accept: '*/*' }, wayOut },
        signal,
        around.clock ?? systemClock,
      )
    ).body;
  const checkpoint = (await read('checkpoint')).toString('utf8');
  const { size, rootHash } = parseCheckpoint(checkpoint);
  const [entry, hashes] = await Promise.all([readEntry(read, index, size), inclusionProof(read, index, size)]);
  if (!rootOf(leafHash(entry), index, size, hashes).equals(rootHash))
    throw new SigningError(
      `Rekor ${url}: the proof of entry ${index} does not lead to the log's checkpoint; ${wayOut}`,
    );
  const { kind, apiVersion } = JSON.parse(entry.toString('utf8')) as { kind: string; apiVersion: string };
  return logEntry(url, {
    logIndex: String(index),
    logId: { keyId },
    kindVersion: { kind, version: apiVersion },
    inclusionProof: {
      logIndex: String(index),
      rootHash: rootHash.toString('base64'),
      treeSize: String(size),
      hashes: hashes.map((hash) => hash.toString('base64')),
      checkpoint: { envelope: checkpoint },
    },
    canonicalizedBody: entry.toString('base64'),
  });
}

function entryRequest(payload: Payload, signature: Signature): object {
  const key = createPublicKey(signature.publicKeyPem);
  const verifier = {
    ...(signature.certificate === undefined
      ? { publicKey: { rawBytes: publicKeyDer(key).toString('base64') } }
      : { x509Certificate: { rawBytes: signature.certificate.replace(/-----[A-Z ]+-----|\s/g, '') } }),
    keyDetails: keyDetails(key, signature),
  };
  const content = Buffer.from(signature.signature).toString('base64');
  if (signature.hash === undefined) return pureEd25519(signature, verifier);
  const signed = payload.wrap ? preAuthEncoding(payload.payloadType, payload.json) : payload.json;
  return {
    hashedRekordRequestV002: {
      digest: digestOf(signature.hash, signed).toString('base64'),
      signature: { content, verifier },
    },
  };
}

/**
 * A hash is all that a hashedrekord holds, and pure Ed25519 has none: only logs that still take envelopes can check it.
 */
function pureEd25519(signature: Signature, verifier: object): object {
  if (signature.envelope === undefined) {
    throw new SigningError(
      'Rekor takes image signatures of Ed25519 keys only as Ed25519ph, which "cosign verify --key" does not accept; use an ECDSA P-256 key, or turn transparency off',
      { retryable: false },
    );
  }
  const { payload, payloadType, signatures } = signature.envelope;
  return { dsseRequestV002: { envelope: { payload, payloadType, signatures }, verifiers: [verifier] } };
}

type SignatureKind = Pick<Signature, 'scheme' | 'hash' | 'algorithm'>;

/** PublicKeyDetails of sigstore_common.proto: key, encoding, scheme and hash in one name. */
export function keyDetails(key: KeyObject, signature: SignatureKind): string {
  switch (signature.scheme) {
    case 'ecdsa':
      return `PKIX_ECDSA_${curveOf(key).toUpperCase()}_SHA_${signature.hash?.slice(3)}`;
    case 'rsa-pkcs1v15':
    case 'rsa-pss':
      return rsaKeyDetails(key, signature);
    case 'ed25519':
      return 'PKIX_ED25519';
    default: {
      const never: never = signature.scheme;
      return never;
    }
  }
}

function rsaKeyDetails(key: KeyObject, { scheme, hash, algorithm }: SignatureKind): string {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (![2048, 3072, 4096].includes(bits) || hash !== 'sha256') {
    throw new SigningError(
      `Rekor v2 has no name for ${algorithm}: it takes RSA keys of 2048, 3072 and 4096 bits with SHA-256; use such a key or ECDSA P-256`,
      { retryable: false },
    );
  }
  return `PKIX_RSA_${scheme === 'rsa-pss' ? 'PSS' : 'PKCS1V15'}_${bits}_SHA256`;
}

function logEntry(url: string, entry: z.infer<typeof entrySchema>): LogEntry {
  const tlogEntry: BundleLogEntry = entry;
  return {
    url: `${joinUrl(url, 'api/v2/log/entries')}?logIndex=${entry.logIndex}`,
    logIndex: Number(entry.logIndex),
    logId: Buffer.from(entry.logId.keyId, 'base64').toString('hex'),
    integratedTime: 0,
    body: entry.canonicalizedBody,
    tlogEntry,
  };
}
