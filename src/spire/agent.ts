import type { Client, Metadata, ServiceDefinition } from '@grpc/grpc-js';

/**
 * The part of the SPIFFE Workload API that is used (spiffe.io, SPIFFE_Workload_API.md and workload.proto), as JSON of
 * protobuf.js.
 */
const workloadApi = {
  nested: {
    SpiffeWorkloadAPI: {
      methods: {
        FetchX509SVID: { requestType: 'X509SVIDRequest', responseType: 'X509SVIDResponse', responseStream: true },
        FetchJWTSVID: { requestType: 'JWTSVIDRequest', responseType: 'JWTSVIDResponse' },
      },
    },
    X509SVIDRequest: { fields: {} },
    X509SVIDResponse: { fields: { svids: { rule: 'repeated', type: 'X509SVID', id: 1 } } },
    X509SVID: {
      fields: {
        spiffe_id: { type: 'string', id: 1 },
        x509_svid: { type: 'bytes', id: 2 },
        x509_svid_key: { type: 'bytes', id: 3 },
        bundle: { type: 'bytes', id: 4 },
      },
    },
    JWTSVIDRequest: {
      fields: { audience: { rule: 'repeated', type: 'string', id: 1 }, spiffe_id: { type: 'string', id: 2 } },
    },
    JWTSVIDResponse: { fields: { svids: { rule: 'repeated', type: 'JWTSVID', id: 1 } } },
    JWTSVID: {
      fields: {
        spiffe_id: { type: 'string', id: 1 },
        svid: { type: 'string', id: 2 },
        hint: { type: 'string', id: 3 },
      },
    },
  },
};

const timeoutMs = 10_000;
/** An answer has a few certificates. */
const largestAnswer = 4 << 20;

/** A connection to the SPIFFE agent of this node, and what each call takes along. */
export interface Agent {
  client: Client & Record<string, unknown>;
  metadata: Metadata;
  options: { deadline: number };
}

/**
 * Asks the SPIFFE agent of this node, and closes the connection then.
 * @param socket `unix:///run/spire/sockets/agent.sock`, the bare path, or `tcp://127.0.0.1:8081`
 */
export async function askAgent<T>(socket: string, ask: (agent: Agent) => Promise<T>): Promise<T> {
  const [grpc, loader] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')]);
  const definition = loader.fromJSON(workloadApi as Parameters<typeof loader.fromJSON>[0], { keepCase: true })[
    'SpiffeWorkloadAPI'
  ];
  const Client = grpc.makeClientConstructor(definition as ServiceDefinition, 'SpiffeWorkloadAPI');
  const limits = { 'grpc.max_receive_message_length': largestAnswer };
  const client = new Client(target(socket), grpc.credentials.createInsecure(), limits);
  // The agent refuses calls without this header: a guard against forged requests.
  const metadata = new grpc.Metadata();
  metadata.set('workload.spiffe.io', 'true');
  try {
    return await ask({ client, metadata, options: { deadline: Date.now() + timeoutMs } });
  } finally {
    client.close();
  }
}

/** As gRPC names addresses. */
function target(socket: string): string {
  if (socket.startsWith('tcp://')) return socket.slice('tcp://'.length);
  return `unix:${socket.replace(/^unix:(\/\/)?/, '')}`;
}
