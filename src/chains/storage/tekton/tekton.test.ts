import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../kube/client.ts';
import { parseChainsConfig } from '../../config/parse.ts';
import type { StoreRequest } from '../backend.ts';
import { annotationLimit, annotationReserve, annotationsOf, appliedBefore, sizeOf } from './annotations.ts';
import { createTektonBackend } from './backend.ts';

const signal = AbortSignal.timeout(5000);
const envelope = {
  payloadType: 'application/vnd.in-toto+json',
  payload: 'e30=',
  signatures: [{ keyid: 'SHA256:k', sig: 'c2ln' }],
};

function request(
  options: { wrap?: boolean; payload?: string; present?: Record<string, string>; certificate?: string } = {},
): StoreRequest {
  const wrap = options.wrap ?? true;
  return {
    run: {
      apiVersion: 'tekton.dev/v1',
      kind: 'TaskRun',
      metadata: { name: 'r', namespace: 'ns', uid: 'u', annotations: options.present ?? {} },
      spec: {},
    },
    artifact: {
      kind: 'taskrun',
      shortKey: 'taskrun-u',
      fullKey: 'f',
      payload: {
        json: Buffer.from(options.payload ?? '{}'),
        payloadType: 'application/vnd.in-toto+json',
        wrap,
        subjects: [],
      },
    },
    signature: {
      signature: Buffer.from('sig'),
      publicKeyPem: 'pem',
      keyId: 'SHA256:k',
      algorithm: 'a',
      scheme: 'ecdsa',
      ...(wrap ? { envelope } : {}),
      ...(options.certificate ? { certificate: options.certificate, chain: 'CHAIN' } : {}),
    },
    config: parseChainsConfig({}).config,
  };
}

const decoded = (annotations: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => [
      key.replace('chains.tekton.dev/', ''),
      Buffer.from(value, 'base64').toString(),
    ]),
  );

describe('annotationsOf', () => {
  it.each([
    ['statement', {}, { 'signature-taskrun-u': JSON.stringify(envelope), 'cert-taskrun-u': '', 'chain-taskrun-u': '' }],
    ['simplesigning', { wrap: false }, { 'signature-taskrun-u': 'sig', 'cert-taskrun-u': '', 'chain-taskrun-u': '' }],
    [
      'keyless',
      { certificate: 'CERT' },
      { 'signature-taskrun-u': JSON.stringify(envelope), 'cert-taskrun-u': 'CERT', 'chain-taskrun-u': 'CHAIN' },
    ],
  ])('of a %s', (_, options, wanted) => {
    expect(decoded(annotationsOf(request(options)))).toEqual({ 'payload-taskrun-u': '{}', ...wanted });
  });
});

describe('refuses', () => {
  const backend = createTektonBackend({ client: {} as never });
  const room = annotationLimit - annotationReserve;
  const bare = sizeOf(annotationsOf(request({ payload: '' })));
  it.each([
    ['what just fits', { payload: 'x'.repeat(Math.floor((room - bare) / 4) * 3) }, undefined],
    [
      'what is a little too long',
      { payload: 'x'.repeat(Math.floor((room - bare) / 4) * 3 + 3) },
      'add another backend to artifacts.taskrun.storage',
    ],
    ['what finds no room beside others', { present: { big: 'x'.repeat(room - bare) } }, 'bytes, which makes'],
    [
      'nothing when it replaces its own',
      { present: { 'chains.tekton.dev/payload-taskrun-u': 'x'.repeat(room) } },
      undefined,
    ],
  ])('%s', (_, options, wanted) => {
    const refusal = backend.refuses?.(request(options));
    if (wanted === undefined) expect(refusal).toBeUndefined();
    else expect(refusal).toContain(wanted);
  });
});

describe('appliedBefore', () => {
  it('are the annotations of that manager, as they are now', () => {
    const fields = (...names: string[]) => ({
      'f:metadata': { 'f:annotations': Object.fromEntries(names.map((name) => [`f:${name}`, {}])) },
    });
    const managedFields = [
      { manager: 'me', operation: 'Apply', fieldsV1: fields('mine', 'gone') },
      { manager: 'me', operation: 'Update', fieldsV1: fields('updated') },
      { manager: 'other', operation: 'Apply', fieldsV1: fields('theirs') },
      { manager: 'me', operation: 'Apply', subresource: 'status', fieldsV1: fields('status') },
    ];
    expect(
      appliedBefore({ annotations: { mine: '1', updated: '2', theirs: '3', status: '4' }, managedFields }, 'me'),
    ).toEqual({ mine: '1' });
  });
});

describe('store', () => {
  interface Patch {
    body: { metadata: Record<string, unknown> };
    force: boolean;
  }
  const world = (live: object | undefined, answers: (Error | undefined)[] = []) => {
    const patches: Patch[] = [];
    const client = {
      get: () =>
        live ? Promise.resolve(structuredClone(live)) : Promise.reject(new ApiError(404, { reason: 'NotFound' })),
      patch: (_resource: unknown, _namespace: unknown, _name: unknown, patch: Patch) => {
        patches.push(patch);
        const answer = answers.shift();
        return answer ? Promise.reject(answer) : Promise.resolve({});
      },
    };
    return { patches, backend: createTektonBackend({ client: client as never }) };
  };
  const live = { metadata: { name: 'r', namespace: 'ns', uid: 'u', resourceVersion: '7', annotations: {} } };
  const conflict = (reason: string) =>
    new ApiError(409, { reason: 'Conflict', message: 'conflict', details: { causes: [{ reason }] } });

  it('applies once, guarded by uid and resourceVersion', async () => {
    const { patches, backend } = world(live);
    await backend.store(request(), signal);
    expect(patches).toMatchObject([
      {
        type: 'apply',
        fieldManager: 'tekton-chains-controller',
        force: false,
        body: { metadata: { uid: 'u', resourceVersion: '7', annotations: annotationsOf(request()) } },
      },
    ]);
  });

  it('writes nothing when all is there', async () => {
    const { patches, backend } = world({ metadata: { ...live.metadata, annotations: annotationsOf(request()) } });
    await backend.store(request(), signal);
    expect(patches).toEqual([]);
  });

  it('takes over what another manager wrote, and looks again when the run changed', async () => {
    const { patches, backend } = world(live, [conflict('StaleVersion'), conflict('FieldManagerConflict')]);
    await backend.store(request(), signal);
    expect(patches.map((patch) => patch.force)).toEqual([false, false, true]);
  });

  it.each([
    ['is gone', undefined],
    ['has another uid', { metadata: { ...live.metadata, uid: 'other' } }],
  ])('says that the run is gone when it %s', async (_, object) => {
    await expect(world(object).backend.store(request(), signal)).rejects.toMatchObject({
      message: 'storage tekton, taskrun-u: TaskRun ns/r is gone, and its annotations with it',
      retryable: false,
    });
  });

  it('refuses what does not fit beside the annotations that the run has now', async () => {
    const { patches, backend } = world({
      metadata: { ...live.metadata, annotations: { big: 'x'.repeat(annotationLimit - annotationReserve) } },
    });
    await expect(backend.store(request(), signal)).rejects.toThrow('add another backend');
    expect(patches).toEqual([]);
  });
});
