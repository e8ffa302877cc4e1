import { createHash } from 'node:crypto';
import { systemClock, type Clock } from '../../../clock.ts';
import { isAbort } from '../../../errors.ts';
import { certificatesIn } from '../../../pem.ts';
import { envelopeJson, type DsseEnvelope } from '../../signing/dsse.ts';
import { joinUrl, jsonOf, request as call, ServiceError, type Request } from '../../signing/service.ts';
import type { Signature } from '../../signing/signer.ts';
import type { StorageBackend, StoreRequest } from '../backend.ts';
import { refused, storageError } from '../content.ts';

const wayOut = 'check storage.archivista.url, and the log of Archivista';

/**
 * Envelopes in an Archivista (github.com/in-toto/archivista): POST /upload, as its own client does. It takes envelopes
 * only, so that signatures of images are refused.
 */
export function createArchivistaBackend({ clock = systemClock }: { clock?: Clock } = {}): StorageBackend {
  return {
    name: 'archivista',
    refuses: refusal,
    async store(request, signal) {
      const reason = refusal(request);
      const { envelope } = request.signature;
      if (reason !== undefined || envelope === undefined)
        throw refused('archivista', request, reason ?? 'the signature has no envelope');
      try {
        const server = archivista(request.config.storage.archivista.url, clock);
        if (await server.knows(request.artifact.payload.json, request.signature.keyId, signal)) return;
        await server.upload(uploadOf(envelope, request.signature), signal);
      } catch (error) {
        throw storageError('archivista', request, error, signal);
      }
    },
  };
}

function refusal({ artifact, config }: StoreRequest): string | undefined {
  if (!artifact.payload.wrap)
    return 'Archivista takes DSSE envelopes only, and a simplesigning payload is none: take archivista out of artifacts.oci.storage (use oci for signatures of images)';
  const { url } = config.storage.archivista;
  if (url === '') return 'storage.archivista.url in chains-config is not set: write the address of your Archivista';
  return URL.canParse(url)
    ? undefined
    : `storage.archivista.url in chains-config is ${JSON.stringify(url)}, which is not a URL: write https://host`;
}

/** The envelope with the certificates where go-witness reads them: nobody could verify a keyless signature without. */
function uploadOf(envelope: DsseEnvelope, { certificate, chain }: Signature): Buffer {
  if (!certificate) return Buffer.from(envelopeJson(envelope));
  const base64 = (pem: string) => Buffer.from(pem).toString('base64');
  const intermediates = certificatesIn(chain ?? '').map((pem) => `${pem}\n`);
  const signatures = envelope.signatures.map((signature) => ({
    ...signature,
    certificate: base64(certificate),
    ...(intermediates.length > 0 ? { intermediates: intermediates.map(base64) } : {}),
  }));
  return Buffer.from(JSON.stringify({ ...envelope, signatures }));
}

/** The name Archivista gives to an upload: the git object id (blob, SHA-256) of its bytes. */
export function gitoid(bytes: Uint8Array): string {
  return createHash('sha256').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

interface Found {
  data?: { dsses?: { edges?: { node?: { signatures?: { keyID?: string }[] } }[] } };
}

const byPayload =
  'query($digest: String!) { dsses(where: {hasPayloadDigestsWith: [{algorithm: "sha256", value: $digest}]}) { edges { node { signatures { keyID } } } } }';

function archivista(url: string, clock: Clock) {
  return {
    /**
     * Whether an envelope with this payload and key is there. GraphQL can be switched off in Archivista: then nothing
     * is known.
     */
    async knows(payload: Uint8Array, keyId: string, signal: AbortSignal): Promise<boolean> {
      const digest = createHash('sha256').update(payload).digest('hex');
      const wanted: Request = {
        service: 'Archivista',
        url: joinUrl(url, 'query'),
        body: { query: byPayload, variables: { digest } },
        attempts: 1,
        wayOut,
      };
      try {
        const { data } = jsonOf(wanted, await call(wanted, signal, clock)) as Found;
        return (data?.dsses?.edges ?? []).some(({ node }) =>
          node?.signatures?.some((signature) => signature.keyID === keyId),
        );
      } catch (error) {
        if (isAbort(error, signal) || (error instanceof ServiceError && error.status === 0)) throw error;
        return false;
      }
    },
    async upload(body: Uint8Array, signal: AbortSignal): Promise<void> {
      const wanted: Request = {
        service: 'Archivista',
        url: joinUrl(url, 'upload'),
        headers: { 'content-type': 'application/json' },
        body,
        attempts: 1,
        timeoutMs: 30_000,
        wayOut,
      };
      try {
        const answer = jsonOf(wanted, await call(wanted, signal, clock)) as { gitoid?: unknown };
        if (typeof answer.gitoid !== 'string')
          throw new ServiceError(
            200,
            `Archivista ${wanted.url}: the answer names no gitoid, as Archivista does; ${wayOut}`,
          );
      } catch (error) {
        if (!isDuplicate(error) || !(await isDownloadable(body, signal))) throw error;
      }
    },
  };

  async function isDownloadable(body: Uint8Array, signal: AbortSignal): Promise<boolean> {
    const wanted: Request = { service: 'Archivista', url: joinUrl(url, `download/${gitoid(body)}`), wayOut };
    return (await call(wanted, signal, clock)).body.equals(body);
  }
}

/** The same bytes again are a failed constraint of its database, which it reports as 500. */
function isDuplicate(error: unknown): boolean {
  return error instanceof ServiceError && error.status === 500 && error.mentions(/constraint|duplicate/i);
}
