import { afterEach, describe, expect, it } from 'vitest';
import { startServer, type FakeServer, type SeenRequest } from '../../signing/http-server.fake.ts';
import { envelopeJson, type DsseEnvelope } from '../../signing/dsse.ts';
import { otherKey, storeRequest } from '../request.fake.ts';
import { createArchivistaBackend, gitoid } from './backend.ts';
import { createHash } from 'node:crypto';

const signal = new AbortController().signal;

let server: FakeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** Archivista's HTTP API: github.com/in-toto/archivista, pkg/server and pkg/metadatastorage/sqlstore. */
async function archivista(options: { graphql?: boolean; broken?: boolean } = {}) {
  const stored = new Map<string, Buffer>();
  server = await startServer(({ method, path, headers, body }: SeenRequest) => {
    if (path === '/base/query') {
      if (options.graphql === false) return { status: 404, body: '404 page not found\n' };
      const { query, variables } = JSON.parse(body.toString()) as { query: string; variables: { digest: string } };
      expect(query).toBe(
        'query($digest: String!) { dsses(where: {hasPayloadDigestsWith: [{algorithm: "sha256", value: $digest}]}) { edges { node { signatures { keyID } } } } }',
      );
      const envelopes = [...stored.values()].map((bytes) => JSON.parse(bytes.toString()) as DsseEnvelope);
      const found = envelopes.filter(
        ({ payload }) => createHash('sha256').update(Buffer.from(payload, 'base64')).digest('hex') === variables.digest,
      );
      return {
        body: {
          data: {
            dsses: {
              edges: found.map(({ signatures }) => ({
                node: { signatures: signatures.map(({ keyid }) => ({ keyID: keyid })) },
              })),
            },
          },
        },
      };
    }
    const [, id] = /^\/base\/download\/([0-9a-f]{64})$/.exec(path) ?? [];
    if (id !== undefined) return stored.has(id) ? { body: stored.get(id) } : { status: 500, body: 'no such file\n' };
    expect([method, path, headers['content-type']]).toEqual(['POST', '/base/upload', 'application/json']);
    if (options.broken) return { status: 500, body: 'unable to connect to database\n' };
    const name = gitoid(body);
    if (stored.has(name))
      return { status: 500, body: 'ent: constraint failed: UNIQUE constraint failed: dsses.gitoid_sha256\n' };
    stored.set(name, body);
    return { body: { gitoid: name } };
  });
  return { stored, data: { 'storage.archivista.url': `${server.url}/base/` } };
}

describe('archivista', () => {
  it('uploads the envelope as it was signed', async () => {
    const { stored, data } = await archivista();
    const request = await storeRequest({ data });
    await createArchivistaBackend().store(request, signal);
    expect([...stored.values()].map(String)).toEqual([envelopeJson(request.signature.envelope as DsseEnvelope)]);
  });

  it.each([
    { name: 'the same payload and key, signed anew', second: {}, same: false, graphql: true, copies: 1 },
    {
      name: 'the same payload, another key',
      second: { privateKey: otherKey() },
      same: false,
      graphql: true,
      copies: 2,
    },
    { name: 'the same bytes, without GraphQL', second: {}, same: true, graphql: false, copies: 1 },
  ])('keeps $copies of $name', async ({ second, same, graphql, copies }) => {
    const { stored, data } = await archivista({ graphql });
    const request = await storeRequest({ data });
    const backend = createArchivistaBackend();
    await backend.store(request, signal);
    await backend.store(same ? request : await storeRequest({ data, ...second }), signal);
    expect(stored.size).toBe(copies);
  });

  it('sends the certificates with a keyless signature, as go-witness reads them', async () => {
    const { stored, data } = await archivista();
    const pem = (name: string) => `-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----\n`;
    await createArchivistaBackend().store(
      await storeRequest({ data, certificate: pem('leaf'), chain: pem('middle') + pem('root') }),
      signal,
    );
    const { signatures } = JSON.parse(String([...stored.values()][0])) as { signatures: object[] };
    const base64 = (name: string) => Buffer.from(pem(name)).toString('base64');
    expect(signatures).toMatchObject([
      { certificate: base64('leaf'), intermediates: [base64('middle'), base64('root')] },
    ]);
  });

  it('names a server that fails', async () => {
    const { data } = await archivista({ broken: true });
    await expect(createArchivistaBackend().store(await storeRequest({ data }), signal)).rejects.toMatchObject({
      backend: 'archivista',
      retryable: true,
      message: expect.stringMatching(
        /storage archivista, taskrun-u1: Archivista http:.*\/base\/upload: 500; check storage\.archivista\.url/,
      ),
    });
  });

  it('does not take any server that answers for an Archivista', async () => {
    server = await startServer(() => ({ body: { ok: true } }));
    await expect(
      createArchivistaBackend().store(await storeRequest({ data: { 'storage.archivista.url': server.url } }), signal),
    ).rejects.toThrow(/names no gitoid/);
  });

  it.each([
    {
      name: 'signatures of images',
      options: { image: true, data: { 'storage.archivista.url': 'http://x' } },
      error: /takes DSSE envelopes only.*artifacts\.oci\.storage/,
    },
    { name: 'no address', options: {}, error: /storage\.archivista\.url in chains-config is not set/ },
    {
      name: 'a bad address',
      options: { data: { 'storage.archivista.url': 'archivista' } },
      error: /is "archivista", which is not a URL/,
    },
  ])('refuses $name', async ({ options, error }) => {
    const request = await storeRequest(options);
    expect(createArchivistaBackend().refuses?.(request)).toMatch(error);
    await expect(createArchivistaBackend().store(request, signal)).rejects.toMatchObject({
      retryable: false,
      message: expect.stringMatching(error),
    });
  });
});
