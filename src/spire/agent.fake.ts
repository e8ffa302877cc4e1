import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  loadPackageDefinition,
  Server,
  ServerCredentials,
  status,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { Issued, Server as Authority } from '../core/spire/spire.fake.ts';

/** From the SPIFFE Workload API specification, section 5. */
const proto = `
syntax = "proto3";
service SpiffeWorkloadAPI { rpc FetchX509SVID(X509SVIDRequest) returns (stream X509SVIDResponse); }
message X509SVIDRequest {}
message X509SVIDResponse { repeated X509SVID svids = 1; repeated bytes crl = 2; map<string, bytes> federated_bundles = 3; }
message X509SVID { string spiffe_id = 1; bytes x509_svid = 2; bytes x509_svid_key = 3; bytes bundle = 4; string hint = 5; }
`;

export interface SpiffeAgent {
  /** `unix:///...` */
  socket: string;
  stop(): Promise<void>;
}

/** A SPIFFE agent on a socket of its own, which keeps its answer open as real ones do. An Error is a refusal. */
export async function startSpiffeAgent(
  identities: () => Issued[] | Error,
  { authority }: Pick<Authority, 'authority'>,
): Promise<SpiffeAgent> {
  const folder = await mkdtemp(path.join(tmpdir(), 'agent-'));
  const socket = path.join(folder, 'agent.sock');
  const file = path.join(folder, 'workload.proto');
  await writeFile(file, proto);
  const { SpiffeWorkloadAPI } = loadPackageDefinition(loadSync(file, { keepCase: true })) as unknown as {
    SpiffeWorkloadAPI: { service: ServiceDefinition };
  };
  const server = new Server();
  const handle = (call: ServerWritableStream<object, object>) => {
    const refuse = (code: status, details: string) => void call.emit('error', { code, details });
    if (call.metadata.get('workload.spiffe.io')[0] !== 'true')
      return refuse(status.INVALID_ARGUMENT, 'security header missing from request');
    const found = identities();
    if (found instanceof Error) return refuse(status.PERMISSION_DENIED, found.message);
    const svids = found.map(({ certificate, key }) => ({
      spiffe_id: certificate.subjectAltName?.replace('URI:', '') ?? '',
      x509_svid: certificate.raw,
      x509_svid_key: key.export({ type: 'pkcs8', format: 'der' }),
      bundle: authority.certificate.raw,
    }));
    return void call.write({ svids });
  };
  server.addService(SpiffeWorkloadAPI.service, { FetchX509SVID: handle as UntypedHandleCall });
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
