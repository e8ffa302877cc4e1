import { createHash, createPublicKey } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { startServer, type FakeAnswer, type FakeServer, type SeenRequest } from '../../signing/http-server.fake.ts';
import { signatureContent } from '../content.ts';
import { digest, otherKey, statement, storeRequest, type RequestOptions } from '../request.fake.ts';
import { createGrafeasBackend } from './backend.ts';
import { resourceUris } from './statement.ts';

const signal = new AbortController().signal;
const data = { 'storage.grafeas.projectid': 'p', 'storage.grafeas.noteid': 'note' };
const uri = `index.docker.io/library/app@${digest}`;

let server: FakeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

interface Stored {
  resourceUri: string;
  noteName: string;
  envelope: { payload: string };
}

/** Container Analysis's REST API as documented, with pages of one occurrence. */
async function containerAnalysis() {
  const notes = new Map<string, unknown>();
  const occurrences: Stored[] = [];
  const answer = ({ method, path, headers, body }: SeenRequest): FakeAnswer => {
    if (headers.authorization !== 'Bearer fake-access-token')
      return { status: 401, body: { error: { message: 'no token' } } };
    const { pathname, searchParams } = new URL(path, 'http://x');
    if (method === 'POST' && pathname === '/v1/projects/p/notes') {
      const name = `projects/p/notes/${searchParams.get('noteId')}`;
      if (notes.has(name))
        return { status: 409, body: { error: { message: 'note already exists', status: 'ALREADY_EXISTS' } } };
      notes.set(name, JSON.parse(body.toString()));
      return { body: { name } };
    }
    if (method === 'POST' && pathname === '/v1/projects/p/occurrences') {
      const occurrence = JSON.parse(body.toString()) as Stored;
      if (!notes.has(occurrence.noteName)) return { status: 404, body: { error: { message: 'note does not exist' } } };
      occurrences.push(occurrence);
      return { body: { name: `projects/p/occurrences/${occurrences.length}` } };
    }
    const [, note] = /^\/v1\/(projects\/p\/notes\/[^/]+)\/occurrences$/.exec(pathname) ?? [];
    if (method !== 'GET' || note === undefined)
      return { status: 400, body: { error: { message: `unknown call ${method} ${path}` } } };
    const filter = searchParams.get('filter');
    const found = occurrences.filter(
      ({ noteName, resourceUri }) => noteName === note && filter === `resourceUrl="${resourceUri}"`,
    );
    const page = Number(searchParams.get('pageToken') ?? 0);
    return {
      body: {
        occurrences: found.slice(page, page + 1),
        ...(page + 1 < found.length ? { nextPageToken: String(page + 1) } : {}),
      },
    };
  };
  server = await startServer(answer);
  const options = {
    env: { CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINERANALYSIS: `${server.url}/` },
    accessToken: async () => 'fake-access-token',
  };
  return { notes, occurrences, backend: () => createGrafeasBackend(options) };
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

describe('grafeas', () => {
  it('writes an ATTESTATION occurrence for an image', async () => {
    const { notes, occurrences, backend } = await containerAnalysis();
    const request = await storeRequest({ data: { ...data, 'storage.grafeas.notehint': 'hint' }, image: true });
    await backend().store(request, signal);
    expect([...notes]).toEqual([
      [
        'projects/p/notes/note-simplesigning',
        { shortDescription: 'OCI Artifact Attestation Note', attestation: { hint: { humanReadableName: 'hint' } } },
      ],
    ]);
    const {
      signature,
      artifact: { payload },
    } = request;
    const spki = createPublicKey(signature.publicKeyPem).export({ format: 'der', type: 'spki' });
    expect(occurrences).toEqual([
      {
        resourceUri: uri,
        noteName: 'projects/p/notes/note-simplesigning',
        attestation: {
          serializedPayload: base64(payload.json),
          signatures: [
            {
              signature: base64(signature.signature),
              publicKeyId: `ni:///sha-256;${createHash('sha256').update(spki).digest('base64url')}`,
            },
          ],
        },
        envelope: {
          payload: base64(payload.json),
          payloadType: 'application/vnd.dev.cosign.simplesigning.v1+json',
          signatures: [{ sig: base64(signature.signature), keyid: signature.keyId }],
        },
      },
    ]);
  });

  it('writes a BUILD occurrence for each digest that a statement is about', async () => {
    const { notes, occurrences, backend } = await containerAnalysis();
    const kms = {
      'artifacts.pipelinerun.signer': 'kms',
      'signers.kms.kmsref': 'gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k',
    };
    const subject = [...statement.subject, { name: 'file', digest: { sha256: '11', sha512: '22' } }];
    const request = await storeRequest({
      data: { ...data, ...kms },
      kind: 'PipelineRun',
      payload: { ...statement, subject },
    });
    await backend().store(request, signal);
    expect([...notes]).toEqual([
      [
        'projects/p/notes/note-pipelinerun-intoto',
        {
          shortDescription: 'Build Provenance Note for PipelineRun',
          build: { builderVersion: 'tekton.dev/v1/PipelineRun' },
        },
      ],
    ]);
    expect(occurrences.map(({ resourceUri }) => resourceUri)).toEqual([uri, 'file@sha256:11', 'file@sha512:22']);
    const { builder, buildType, invocation, buildConfig, metadata, materials } = statement.predicate;
    expect(occurrences[0]).toEqual({
      resourceUri: uri,
      noteName: 'projects/p/notes/note-pipelinerun-intoto',
      build: {
        intotoStatement: {
          _type: statement._type,
          subject,
          predicateType: statement.predicateType,
          slsaProvenanceZeroTwo: { builder, buildType, invocation, buildConfig, metadata, materials },
        },
      },
      envelope: {
        payload: base64(request.artifact.payload.json),
        payloadType: 'application/vnd.in-toto+json',
        signatures: [{ sig: base64(signatureContent(request.signature)), keyid: kms['signers.kms.kmsref'] }],
      },
    });
  });

  it('gives SLSA v1.0 its own field', async () => {
    const { occurrences, backend } = await containerAnalysis();
    const predicate = {
      buildDefinition: {
        buildType: 'b',
        externalParameters: { runSpec: { params: null } },
        internalParameters: {},
        resolvedDependencies: [{ name: 'task', uri: 'u', digest: { sha1: 'c' } }],
      },
      runDetails: {
        builder: { id: 'i' },
        metadata: { invocationId: 'u1', startedOn: '2026-01-02T03:04:05Z' },
        byproducts: [{ name: 'r', mediaType: 'application/json', content: 'MQ==' }],
      },
    };
    await backend().store(
      await storeRequest({
        data,
        payload: { ...statement, predicateType: 'https://slsa.dev/provenance/v1', predicate },
      }),
      signal,
    );
    expect(occurrences).toMatchObject([
      { build: { inTotoSlsaProvenanceV1: { predicateType: 'https://slsa.dev/provenance/v1', predicate } } },
    ]);
  });

  it('names the note after the namespace of each run', async () => {
    const { notes, backend } = await containerAnalysis();
    const one = backend();
    for (const namespace of ['a', 'b', 'a'])
      await one.store(await storeRequest({ data: { 'storage.grafeas.projectid': 'p' }, namespace }), signal);
    expect([...notes.keys()]).toEqual([
      'projects/p/notes/tekton-a-taskrun-intoto',
      'projects/p/notes/tekton-b-taskrun-intoto',
    ]);
  });

  it.each<{ name: string; second: RequestOptions; copies: number }>([
    { name: 'the same payload and key', second: {}, copies: 1 },
    { name: 'another key', second: { privateKey: otherKey() }, copies: 2 },
    { name: 'another payload', second: { payload: { ...statement, predicate: {} } }, copies: 2 },
  ])('keeps $copies of $name, also after a restart', async ({ second, copies }) => {
    const { occurrences, backend } = await containerAnalysis();
    await backend().store(await storeRequest({ data }), signal);
    await backend().store(await storeRequest({ data, ...second }), signal);
    const third = backend();
    for (const options of [second, {}]) await third.store(await storeRequest({ data, ...options }), signal);
    expect(occurrences).toHaveLength(copies);
  });

  it('makes a note again that somebody deleted', async () => {
    const { notes, occurrences, backend } = await containerAnalysis();
    const one = backend();
    await one.store(await storeRequest({ data }), signal);
    notes.clear();
    occurrences.length = 0;
    await one.store(await storeRequest({ data }), signal);
    expect([notes.size, occurrences.length]).toEqual([1, 1]);
  });

  it('stores nothing for a statement about nothing, as upstream', async () => {
    const { occurrences, backend } = await containerAnalysis();
    await backend().store(await storeRequest({ data, payload: { ...statement, subject: undefined } }), signal);
    expect(occurrences).toEqual([]);
  });

  it('names project and rights when it is refused', async () => {
    server = await startServer(() => ({
      status: 403,
      body: { error: { message: 'containeranalysis.notes.create denied' } },
    }));
    const backend = createGrafeasBackend({
      env: { CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINERANALYSIS: server.url },
      accessToken: async () => 't',
    });
    await expect(backend.store(await storeRequest({ data }), signal)).rejects.toThrow(
      /storage grafeas, taskrun-u1: Container Analysis .*403.*notes\.create denied; check storage\.grafeas\.projectid/,
    );
    expect(backend.refuses?.(await storeRequest())).toMatch(/storage\.grafeas\.projectid in chains-config is not set/);
  });

  it('names a resource once', () =>
    expect(
      resourceUris({
        _type: '',
        predicateType: '',
        subject: [
          { name: 'a', digest: { sha256: '1' } },
          { name: 'a', digest: { sha256: '1' } },
        ],
      }),
    ).toEqual(['a@sha256:1']));
});
