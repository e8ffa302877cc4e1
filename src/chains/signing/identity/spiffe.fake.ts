import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  Server,
  ServerCredentials,
  loadPackageDefinition,
  status,
  type Metadata,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** From the SPIFFE Workload API specification, section 6. */
const proto = `
syntax = "proto3";
service SpiffeWorkloadAPI { rpc FetchJWTSVID(JWTSVIDRequest) returns (JWTSVIDResponse); }
message JWTSVIDRequest { repeated string audience = 1; string spiffe_id = 2; }
message JWTSVIDResponse { repeated JWTSVID svids = 1; }
message JWTSVID { string spiffe_id = 1; string svid = 2; string hint = 3; }
`;

export interface SpiffeCall {
  request: { audience: string[]; spiffe_id: string };
  metadata: Metadata;
}

export interface SpiffeAgent {
  /** Path of its socket. */
  socket: string;
  stop(): Promise<void>;
}

/** A SPIFFE agent on a socket of its own: refuses callers without the security header; an Error is a refusal. */
export async function startSpiffeAgent(answer: (call: SpiffeCall) => object | Error): Promise<SpiffeAgent> {
  const folder = await mkdtemp(path.join(tmpdir(), 'spiffe-'));
  const socket = path.join(folder, 'agent.sock');
  const file = path.join(folder, 'workload.proto');
  await writeFile(file, proto);
  const loaded = loadPackageDefinition(loadSync(file, { keepCase: true, defaults: true })) as unknown as {
    SpiffeWorkloadAPI: { service: ServiceDefinition };
  };
  const server = new Server();
  const handle = (call: SpiffeCall, done: (error: object | null, answer?: object) => void) => {
    if (call.metadata.get('workload.spiffe.io')[0] !== 'true')
      return done({ code: status.INVALID_ARGUMENT, details: 'security header missing from request' });
    const found = answer(call);
    return found instanceof Error
      ? done({ code: status.PERMISSION_DENIED, details: found.message })
      : done(null, found);
  };
  server.addService(loaded.SpiffeWorkloadAPI.service, { FetchJWTSVID: handle });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  return {
    socket,
    async stop() {
      server.forceShutdown();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
