import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { parseChainsConfig } from '../config/parse.ts';
import { payloadSigner, type SigningKey } from '../signing/signer.ts';
import { inTotoPayloadType, simpleSigningPayloadType, type Artifact } from '../types.ts';
import type { StoreRequest } from './backend.ts';

export const digest = `sha256:${'ab'.repeat(32)}`;

/**
 * A statement with what encodings get wrong: whole and broken numbers, null, empty texts, empty lists, characters
 * beyond ASCII.
 */
export const statement = {
  _type: 'https://in-toto.io/Statement/v0.1',
  subject: [{ name: 'index.docker.io/library/app', digest: { sha256: 'ab'.repeat(32) } }],
  predicateType: 'https://slsa.dev/provenance/v0.2',
  predicate: {
    builder: { id: 'https://tekton.dev/chains/v2' },
    buildType: 'tekton.dev/v1/TaskRun',
    invocation: { configSource: {}, parameters: { count: 3, ratio: 0.5, text: '', list: [], word: 'größe' } },
    buildConfig: {
      steps: [
        {
          entryPoint: 'make',
          arguments: null,
          environment: { container: 'build', image: 'oci://busybox' },
          annotations: null,
        },
      ],
    },
    metadata: {
      buildStartedOn: '2026-01-02T03:04:05Z',
      buildFinishedOn: '2026-01-02T03:05:05Z',
      completeness: { parameters: false, environment: false, materials: false },
      reproducible: true,
    },
    materials: [{ uri: 'git+https://example.com/a.git', digest: { sha1: 'cd'.repeat(20) } }],
  },
};

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

export interface RequestOptions {
  /** chains-config. */
  data?: Record<string, string>;
  /** The signature of an image in place of a statement. */
  image?: boolean;
  /** The payload; default: `statement`, or the image's simplesigning. */
  payload?: unknown;
  kind?: 'TaskRun' | 'PipelineRun';
  namespace?: string;
  privateKey?: KeyObject;
  certificate?: string;
  chain?: string;
}

/** A request as the reconciler makes it, signed anew each time. */
export async function storeRequest(options: RequestOptions = {}): Promise<StoreRequest> {
  const { image = false, kind = 'TaskRun', namespace = 'ns' } = options;
  const repository = 'index.docker.io/library/app';
  const simpleSigning = {
    critical: {
      identity: { 'docker-reference': repository },
      image: { 'docker-manifest-digest': digest },
      type: 'cosign container image signature',
    },
    optional: null,
  };
  const json = Buffer.from(JSON.stringify(options.payload ?? (image ? simpleSigning : statement)));
  const lower = kind === 'PipelineRun' ? 'pipelinerun' : 'taskrun';
  const artifact: Artifact = {
    ...(image
      ? { kind: 'oci' as const, shortKey: 'ab'.repeat(6), fullKey: `${repository}@${digest}` }
      : { kind: lower, shortKey: `${lower}-u1`, fullKey: `tekton.dev-v1-${kind}-u1` }),
    payload: {
      json,
      payloadType: image ? simpleSigningPayloadType : inTotoPayloadType,
      wrap: !image,
      subjects: [{ repository, digest }],
      ...(image ? {} : { predicateType: statement.predicateType }),
    },
  };
  const privateKey = options.privateKey ?? keys.privateKey;
  const key: SigningKey = {
    publicKey: createPublicKey(privateKey),
    algorithm: { scheme: 'ecdsa', hash: 'sha256' },
    ...(options.certificate ? { certificate: options.certificate, chain: options.chain ?? '' } : {}),
  };
  const signer = payloadSigner({
    description: 'test',
    signBytes: async (bytes) => ({ signature: sign('sha256', bytes, privateKey), key }),
  });
  return {
    run: {
      apiVersion: 'tekton.dev/v1',
      kind,
      metadata: { name: 'build', namespace, uid: 'u1' },
      spec: {},
    } as StoreRequest['run'],
    artifact,
    signature: await signer.sign(artifact.payload, new AbortController().signal),
    config: parseChainsConfig(options.data ?? {}).config,
  };
}

/** A key that is not the one of storeRequest. */
export function otherKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}
