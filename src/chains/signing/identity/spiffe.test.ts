import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Server, ServerCredentials, loadPackageDefinition, status, type Metadata, type ServiceDefinition, type UntypedHandleCall } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchJwtSvid } from './spiffe.ts';

const signal = new AbortController().signal;

/** From the SPIFFE Workload API specification, section 6. */
const proto = `
syntax = "proto3";
service SpiffeWorkloadAPI { rpc FetchJWTSVID(JWTSVIDRequest) returns (JWTSVIDResponse); }
message JWTSVIDRequest { repeated string audience = 1; string spiffe_id = 2; }
message JWTSVIDResponse { repeated JWTSVID svids = 1; }
message JWTSVID { string spiffe_id = 1; string svid = 2; string hint = 3; }
`;

interface Call {
  request: { audience: string[]; spiffe_id: string };
  metadata: Metadata;
}

let folder: string;
let socket: string;
let server: Server | undefined;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'spiffe-'));
  socket = path.join(folder, 'agent.sock');
});
afterEach(async () => {
  server?.forceShutdown();
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

/** An agent: refuses callers without the security header, knows one workload. */
async function agent(answer: (call: Call) => object | Error): Promise<void> {
  const file = path.join(folder, 'workload.proto');
  await writeFile(file, proto);
  const loaded = loadPackageDefinition(loadSync(file, { keepCase: true, defaults: true })) as unknown as { SpiffeWorkloadAPI: { service: ServiceDefinition } };
  server = new Server();
  const handle = (call: Call, done: (error: object | null, answer?: object) => void) => {
    if (call.metadata.get('workload.spiffe.io')[0] !== 'true') return done({ code: status.INVALID_ARGUMENT, details: 'security header missing from request' });
    const found = answer(call);
    return found instanceof Error ? done({ code: status.PERMISSION_DENIED, details: found.message }) : done(null, found);
  };
  server.addService(loaded.SpiffeWorkloadAPI.service, { FetchJWTSVID: handle as unknown as UntypedHandleCall });
  await new Promise<void>((resolve, reject) => server?.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())));
}

describe('fetchJwtSvid', () => {
  it.each(['unix://', 'unix:', ''])('asks the agent at %s<path> for the audience', async (prefix) => {
    const seen: Call['request'][] = [];
    await agent(({ request }) => {
      seen.push(request);
      return { svids: [{ spiffe_id: 'spiffe://example.org/ns/tekton-chains/sa/chains', svid: 'a.b.c' }, { svid: 'second' }] };
    });
    expect(await fetchJwtSvid(`${prefix}${socket}`, 'sigstore', signal)).toBe('a.b.c');
    expect(seen).toEqual([{ audience: ['sigstore'], spiffe_id: '' }]);
  });

  it('names the socket and the way out when the workload is not registered', async () => {
    await agent(() => new Error('no identity issued'));
    await expect(fetchJwtSvid(socket, 'sigstore', signal)).rejects.toThrow(/SPIFFE Workload API .*agent\.sock: .*no identity issued; check that the agent runs/);
  });

  it('says that an answer without an identity is none', async () => {
    await agent(() => ({ svids: [] }));
    await expect(fetchJwtSvid(socket, 'sigstore', signal)).rejects.toThrow(/has no identity for this workload/);
  });

  it('names a socket on which nobody listens', async () => {
    await expect(fetchJwtSvid(`unix://${socket}`, 'sigstore', signal)).rejects.toThrow(/agent\.sock/);
  });

  it('gives up with its caller', async () => {
    const stop = new AbortController();
    await agent(() => {
      stop.abort(new Error('enough'));
      return { svids: [{ svid: 'a.b.c' }] };
    });
    await expect(fetchJwtSvid(socket, 'sigstore', stop.signal)).rejects.toThrow('enough');
  });
});
