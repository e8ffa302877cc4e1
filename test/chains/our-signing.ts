/**
 * Signs a finished TaskRun with the product's own formats, signers, log client and OCI storage: no cluster, real
 * servers.
 */
import { readFile } from 'node:fs/promises';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { parseChainsConfig } from '../../src/chains/config/parse.ts';
import type { ChainsConfig } from '../../src/chains/config/settings.ts';
import { artifactsOf } from '../../src/chains/formats/index.ts';
import type { NestedRun } from '../../src/core/digest/verify.ts';
import type { SigningSecret } from '../../src/chains/signing/file-key.ts';
import { imageSignaturePayload } from '../../src/chains/signing/bundle.ts';
import { createSignerSource } from '../../src/chains/signing/source.ts';
import { envelopeJson } from '../../src/chains/signing/dsse.ts';
import type { Signature } from '../../src/chains/signing/signer.ts';
import type { StoreRequest } from '../../src/chains/storage/backend.ts';
import { createOciBackend } from '../../src/chains/storage/oci/backend.ts';
import type { LogEntry } from '../../src/chains/log-entry.ts';
import { transparencyLog } from '../../src/chains/transparency/log.ts';
import { requestTimestamp } from '../../src/chains/transparency/timestamp.ts';
import type { Artifact, ImageSubject, RunObject } from '../../src/chains/types.ts';
import { Registries, type RegistryMirrors } from '../../src/registry/client.ts';
import type { CredentialSource } from '../../src/images/run-credentials.ts';

/** Nobody needs credentials on loopback. */
const anonymous: CredentialSource = {
  of: () => ({
    find: async () => ({ credentials: undefined, origin: 'nowhere' }),
    explain: async () => 'the registry of the test wants none',
    forget: () => false,
  }),
};

/** A TaskRun that built `image` (host/repository@digest). */
export function finishedTaskRun(image: string): TaskRun {
  const [url = '', digest = ''] = image.split('@');
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    metadata: { name: 'build', namespace: 'default', uid: 'a7b3e5d1-0000-4000-8000-000000000001' },
    spec: { serviceAccountName: 'default', taskSpec: { steps: [{ name: 'build', image: 'busybox', script: 'true' }] } },
    status: {
      startTime: '2026-11-23T10:00:00Z',
      completionTime: '2026-11-23T10:00:05Z',
      conditions: [
        { type: 'Succeeded', status: 'True', reason: 'Succeeded', lastTransitionTime: '2026-11-23T10:00:05Z' },
      ],
      podName: 'build-pod',
      steps: [
        {
          name: 'build',
          container: 'step-build',
          imageID: `docker.io/library/busybox@sha256:${'ab'.repeat(32)}`,
          terminated: {
            exitCode: 0,
            reason: 'Completed',
            startedAt: '2026-11-23T10:00:00Z',
            finishedAt: '2026-11-23T10:00:05Z',
          },
        },
      ],
      results: [
        { name: 'IMAGE_URL', type: 'string', value: url },
        { name: 'IMAGE_DIGEST', type: 'string', value: digest },
      ],
      taskSpec: { steps: [{ name: 'build', image: 'busybox', script: 'true' }] },
    },
  } as unknown as TaskRun;
}

/** The settings that all tests here share: attestations go to the registry. */
export function chainsConfig(data: Readonly<Record<string, string>> = {}): ChainsConfig {
  const { config, problems } = parseChainsConfig({
    'artifacts.taskrun.storage': 'oci',
    'artifacts.oci.storage': 'oci',
    'storage.oci.repository.insecure': 'true',
    ...data,
  });
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return config;
}

/** The data of Secret signing-secrets with this cosign key. */
export async function signingSecret(keyPrefix: string, password: string): Promise<SigningSecret> {
  return { 'cosign.key': await readFile(`${keyPrefix}.key`), 'cosign.password': Buffer.from(password) };
}

export interface Signed {
  readonly kind: string;
  readonly subjects: readonly ImageSubject[];
  readonly payload: Uint8Array;
  readonly logEntry?: LogEntry;
  /** What each of the uploads answered. */
  readonly logEntries: readonly LogEntry[];
}

export interface SigningOptions {
  /** The identity, for keyless signing. */
  readonly token?: string;
  /** Logs and stores each signature so many times, as retries would. */
  readonly repeat?: number;
  /** What the timestamps are made over, when not over what they should be. */
  readonly stampOver?: Uint8Array;
  /** Whether results that cannot be used are no failure. */
  readonly withProblems?: boolean;
  /** TaskRuns of a PipelineRun. */
  readonly children?: readonly TaskRun[];
  /** PipelineRuns within a PipelineRun. */
  readonly nested?: readonly NestedRun[];
  /** Where the registries that the run names really are. */
  readonly mirrors?: RegistryMirrors;
}

/** Signs every artifact of the run and stores it. */
export async function signAndStore(
  run: RunObject,
  config: ChainsConfig,
  secret: SigningSecret,
  {
    token = '',
    repeat = 1,
    stampOver,
    children = [],
    nested = [],
    mirrors = {},
    withProblems = false,
  }: SigningOptions = {},
): Promise<Signed[]> {
  const signal = AbortSignal.timeout(60_000);
  const { artifacts, problems } = artifactsOf(run, children, config, nested);
  if (problems.length > 0 && !withProblems) throw new Error(JSON.stringify(problems));
  const signers = createSignerSource({ config: () => config, secret: () => secret, env: { SIGSTORE_ID_TOKEN: token } });
  const registries = new Registries({ mirrors });
  const backend = createOciBackend({ registries, credentials: anonymous, runCredentials: anonymous });
  const pass = {};
  try {
    const signed: Signed[] = [];
    for (const made of artifacts) {
      const artifact = forEncoding(made, config);
      const signature = await (await signers(artifact.kind, pass)).sign(artifact.payload, signal);
      const logEntries: LogEntry[] = [];
      for (let time = 0; time < repeat && config.transparency.mode === 'all'; time += 1) {
        logEntries.push(await transparencyLog(config.transparency).upload(artifact.payload, signature, signal));
      }
      const [logEntry] = logEntries;
      const request: StoreRequest = {
        run,
        artifact,
        signature,
        config,
        ...(logEntry && { logEntry }),
        ...(await timestamps(signature, config, stampOver, signal)),
      };
      const refused = backend.refuses?.(request);
      if (refused !== undefined) throw new Error(`${artifact.kind}: ${refused}`);
      for (let time = 0; time < repeat; time += 1) await backend.store(request, signal);
      signed.push({
        kind: artifact.kind,
        subjects: artifact.payload.subjects,
        payload: artifact.payload.json,
        logEntry,
        logEntries,
      });
    }
    return signed;
  } finally {
    await registries.close();
  }
}

/** A bundle holds a statement about an image, where a `.sig` holds the simplesigning document. */
function forEncoding(artifact: Artifact, config: ChainsConfig): Artifact {
  const [subject] = artifact.payload.subjects;
  if (artifact.kind !== 'oci' || subject === undefined || config.storage.oci.encoding === 'dsse') return artifact;
  return { ...artifact, payload: imageSignaturePayload(subject) };
}

async function timestamps(
  signature: Signature,
  config: ChainsConfig,
  stampOver: Uint8Array | undefined,
  signal: AbortSignal,
): Promise<Pick<StoreRequest, 'timestamp' | 'envelopeTimestamp'>> {
  const { timestampUrl } = config.transparency;
  if (timestampUrl === '') return {};
  const timestamp = await requestTimestamp(timestampUrl, stampOver ?? signature.signature, signal);
  if (signature.envelope === undefined) return { timestamp };
  return {
    timestamp,
    envelopeTimestamp: await requestTimestamp(
      timestampUrl,
      stampOver ?? Buffer.from(envelopeJson(signature.envelope)),
      signal,
    ),
  };
}
