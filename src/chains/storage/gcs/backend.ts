import { systemClock, type Clock } from '../../../clock.ts';
import { googleAccessToken } from '../../signing/identity/google.ts';
import { joinUrl, request, ServiceError, type Environment, type Request } from '../../signing/service.ts';
import type { StorageBackend, StoreRequest } from '../backend.ts';
import { isStoredBefore, refused, signatureContent, storageError } from '../content.ts';

export interface GcsOptions {
  /** STORAGE_EMULATOR_HOST, as Google's own libraries read it, is used without credentials. */
  env?: Environment;
  clock?: Clock;
  /** An access token; default: the application default credentials. */
  accessToken?: (signal: AbortSignal) => Promise<string>;
}

const wayOut = 'check storage.gcs.bucket, and that the credentials have roles/storage.objectUser on the bucket';

/**
 * Objects in Cloud Storage, named as upstream names them: `taskrun-<ns>-<name>/<ShortKey>.payload`, `.signature`,
 * `.cert` and `.chain` (empty without certificate). The signature is written last: where it is, the others are too.
 */
export function createGcsBackend(options: GcsOptions = {}): StorageBackend {
  const bucketOf = buckets(options);
  return {
    name: 'gcs',
    refuses: refusal,
    async store(request, signal) {
      const refusedBecause = refusal(request);
      if (refusedBecause !== undefined) throw refused('gcs', request, refusedBecause);
      const { artifact, signature, config } = request;
      const bucket = bucketOf(config.storage.gcs.bucket);
      const name = (part: string) => `${folderOf(request)}/${artifact.shortKey}.${part}`;
      try {
        if (await isThere(request, (part) => bucket.get(name(part), signal))) return;
        await bucket.put(name('cert'), 'application/x-pem-file', Buffer.from(signature.certificate ?? ''), signal);
        await bucket.put(name('chain'), 'application/x-pem-file', Buffer.from(signature.chain ?? ''), signal);
        await bucket.put(name('payload'), 'application/json', artifact.payload.json, signal);
        await bucket.put(
          name('signature'),
          signature.envelope ? 'application/json' : 'application/octet-stream',
          signatureContent(signature),
          signal,
        );
      } catch (error) {
        throw storageError('gcs', request, error, signal);
      }
    },
  };
}

function refusal({ config }: StoreRequest): string | undefined {
  return config.storage.gcs.bucket === ''
    ? 'storage.gcs.bucket in chains-config is not set: write the name of a bucket'
    : undefined;
}

function folderOf({ run: { kind, metadata } }: StoreRequest): string {
  return `${kind === 'PipelineRun' ? 'pipelinerun' : 'taskrun'}-${metadata.namespace}-${metadata.name}`;
}

async function isThere(request: StoreRequest, get: (part: string) => Promise<Buffer | undefined>): Promise<boolean> {
  const signature = await get('signature');
  if (!signature) return false;
  const [payload, certificate] = await Promise.all([get('payload'), get('cert')]);
  return (
    payload !== undefined &&
    isStoredBefore(request, { payload, signature, certificate: certificate?.toString('utf8') ?? '' })
  );
}

interface Bucket {
  get(name: string, signal: AbortSignal): Promise<Buffer | undefined>;
  put(name: string, contentType: string, content: Uint8Array, signal: AbortSignal): Promise<void>;
}

/**
 * Objects over the JSON API (cloud.google.com/storage/docs/json_api): two calls, for which the client library would be
 * much.
 */
function buckets(options: GcsOptions): (bucket: string) => Bucket {
  const emulator = (options.env ?? process.env).STORAGE_EMULATOR_HOST;
  const base = emulator
    ? emulator.includes('://')
      ? emulator
      : `http://${emulator}`
    : 'https://storage.googleapis.com';
  const accessToken = options.accessToken ?? (emulator ? undefined : googleAccessToken());
  const clock = options.clock ?? systemClock;
  const headers = async (signal: AbortSignal): Promise<Record<string, string>> =>
    accessToken ? { authorization: `Bearer ${await accessToken(signal)}` } : {};
  return (bucket) => ({
    async get(name, signal) {
      const url = joinUrl(base, `storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(name)}?alt=media`);
      const wanted: Request = {
        service: 'Cloud Storage',
        url,
        headers: { accept: '*/*', ...(await headers(signal)) },
        wayOut,
      };
      try {
        return (await request(wanted, signal, clock)).body;
      } catch (error) {
        if (error instanceof ServiceError && error.status === 404) return undefined;
        // Who may only create objects (roles/storage.objectCreator) cannot look; writing will tell.
        if (error instanceof ServiceError && error.status === 403) return undefined;
        throw error;
      }
    },
    async put(name, contentType, content, signal) {
      const url = joinUrl(
        base,
        `upload/storage/v1/b/${encodeURIComponent(bucket)}/o?${new URLSearchParams({ uploadType: 'media', name }).toString()}`,
      );
      const wanted: Request = {
        service: 'Cloud Storage',
        url,
        method: 'POST',
        headers: { 'content-type': contentType, ...(await headers(signal)) },
        body: content,
        wayOut,
        timeoutMs: 60_000,
      };
      await request(wanted, signal, clock);
    },
  });
}
