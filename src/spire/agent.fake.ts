import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  loadPackageDefinition,
  Server,
  ServerCredentials,
  status,
  type Metadata,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { Issued, Server as Authority } from '../core/spire/spire.fake.ts';

/** From the SPIFFE Workload API specification, sections 5 and 6. */
const proto = `
syntax = "proto3";
service SpiffeWorkloadAPI {
  rpc FetchX509SVID(X509SVIDRequest) returns (stream X509SVIDResponse);
  rpc FetchJWTSVID(JWTSVIDRequest) returns (JWTSVIDResponse);
}
message X509SVIDRequest {}
message X509SVIDResponse { repeated X509SVID svids = 1; repeated bytes crl = 2; map<string, bytes> federated_bundles = 3; }
message X509SVID { string spiffe_id = 1; bytes x509_svid = 2; bytes x509_svid_key = 3; bytes bundle = 4; string hint = 5; }
message JWTSVIDRequest { repeated string audience = 1; string spiffe_id = 2; }
message JWTSVIDResponse { repeated JWTSVID svids = 1; }
message JWTSVID { string spiffe_id = 1; string svid = 2; string hint = 3; }
`;

export interface TokenRequest {
  audience: string[];
  spiffe_id: string;
}

/** What the agent gives to whoever asks. An Error is a refusal. */
export interface SpiffeAnswers {
  /** X.509 SVIDs, with who issued them. */
  identities?: { of: () => Issued[] | Error; authority: Authority['authority'] };
  /** JWT SVIDs, as the response that they are in. */
  tokens?: (request: TokenRequest) => object | Error;
}

export interface SpiffeAgent {
  /** `unix:///...` */
  socket: string;
  stop(): Promise<void>;
}

type Refusal = { code: status; details: string };

/** The word of an agent that does not answer: without the security header, or with an Error. */
function refusalOf(metadata: Metadata, answer: unknown): Refusal | undefined {
  if (metadata.get('workload.spiffe.io')[0] !== 'true')
    return { code: status.INVALID_ARGUMENT, details: 'security header missing from request' };
  return answer instanceof Error ? { code: status.PERMISSION_DENIED, details: answer.message } : undefined;
}

function x509Of({ certificate, key }: Issued, authority: Issued): object {
  return {
    spiffe_id: certificate.subjectAltName?.replace('URI:', '') ?? '',
    x509_svid: certificate.raw,
    x509_svid_key: key.export({ type: 'pkcs8', format: 'der' }),
    bundle: authority.certificate.raw,
  };
}

/** A SPIFFE agent on a socket of its own (at `place`, when given), which keeps its answer open as real ones do. */
export async function startSpiffeAgent({ identities, tokens }: SpiffeAnswers, place?: string): Promise<SpiffeAgent> {
  const folder = await mkdtemp(path.join(tmpdir(), 'agent-'));
  const socket = place ?? path.join(folder, 'agent.sock');
  const file = path.join(folder, 'workload.proto');
  await writeFile(file, proto);
  const { SpiffeWorkloadAPI } = loadPackageDefinition(
    loadSync(file, { keepCase: true, defaults: true }),
  ) as unknown as { SpiffeWorkloadAPI: { service: ServiceDefinition } };
  const none = new Error('no identity issued');
  const fetchX509 = (call: ServerWritableStream<object, object>) => {
    const found = identities?.of() ?? none;
    const refusal = refusalOf(call.metadata, found);
    if (refusal || found instanceof Error || !identities) return void call.emit('error', refusal);
    return void call.write({ svids: found.map((issued) => x509Of(issued, identities.authority)) });
  };
  const fetchJwt = (
    { request, metadata }: ServerUnaryCall<TokenRequest, object>,
    done: (error: Refusal | null, answer?: object) => void,
  ) => {
    const found = refusalOf(metadata, undefined) ? none : (tokens?.(request) ?? none);
    const refusal = refusalOf(metadata, found);
    if (refusal) done(refusal);
    else done(null, found);
  };
  const server = new Server();
  server.addService(SpiffeWorkloadAPI.service, {
    FetchX509SVID: fetchX509 as UntypedHandleCall,
    FetchJWTSVID: fetchJwt as UntypedHandleCall,
  });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  return {
    socket: `unix://${socket}`,
    async stop() {
      server.forceShutdown();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
