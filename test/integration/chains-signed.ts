import { generateKeyPairSync } from 'node:crypto';
import { parseChainsConfig } from '../../src/chains/config/parse.ts';
import { defaultAlgorithm, publicKeyPem, signBytes } from '../../src/chains/signing/algorithm.ts';
import { payloadSigner, type Signer } from '../../src/chains/signing/signer.ts';
import type { StoreRequest } from '../../src/chains/storage/backend.ts';
import {
  inTotoPayloadType,
  simpleSigningPayloadType,
  type ImageSubject,
  type Payload,
} from '../../src/chains/types.ts';

/** Signed artifacts to be stored, for tests of backends. */
export const signal = AbortSignal.timeout(110_000);

export interface TestSigner extends Signer {
  publicKeyPem: string;
}

/** A signer with a new key. */
export function newSigner(): TestSigner {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const algorithm = defaultAlgorithm(publicKey);
  const signer = payloadSigner({
    description: 'test key',
    signBytes: async (bytes) => ({
      signature: await signBytes(privateKey, algorithm, bytes),
      key: { publicKey, algorithm },
    }),
  });
  return { ...signer, publicKeyPem: publicKeyPem(publicKey) };
}

/** A provenance statement about an image; `build` makes it one of its kind. */
export function statement(image: ImageSubject, build: string): Payload {
  const subject = [{ name: image.repository, digest: { sha256: image.digest.slice(7) } }];
  const json = Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      predicateType: 'https://slsa.dev/provenance/v1',
      subject,
      predicate: { build },
    }),
  );
  return {
    json,
    payloadType: inTotoPayloadType,
    predicateType: 'https://slsa.dev/provenance/v1',
    wrap: true,
    subjects: [image],
  };
}

/** What is signed for an image outside of bundles. */
export function simpleSigning(image: ImageSubject): Payload {
  const critical = {
    identity: { 'docker-reference': image.repository },
    image: { 'docker-manifest-digest': image.digest },
    type: 'cosign container image signature',
  };
  return {
    json: Buffer.from(JSON.stringify({ critical, optional: null })),
    payloadType: simpleSigningPayloadType,
    wrap: false,
    subjects: [image],
  };
}

/** The signer of tests that do not care which. */
export const signer = newSigner();

export async function requestFor(
  payload: Payload,
  settings: Record<string, string> = {},
  by: Signer = signer,
  run = { namespace: 'ns', spec: {} as object },
): Promise<StoreRequest> {
  const object = {
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    metadata: { namespace: run.namespace, name: 'run' },
    spec: run.spec,
  } as StoreRequest['run'];
  const kind = payload.wrap ? 'taskrun' : 'oci';
  return {
    run: object,
    artifact: { kind, shortKey: 'key', fullKey: 'full-key', payload },
    signature: await by.sign(payload, signal),
    config: parseChainsConfig(settings).config,
  };
}
