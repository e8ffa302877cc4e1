import type { ServiceDefinition } from '@grpc/grpc-js';
import { messageOf } from '../../../errors.ts';
import { SigningError } from '../signer.ts';

/**
 * The part of the SPIFFE Workload API that is used (spiffe.io, SPIFFE_Workload_API.md and workload.proto), as JSON of
 * protobuf.js.
 */
const workloadApi = {
  nested: {
    SpiffeWorkloadAPI: {
      methods: { FetchJWTSVID: { requestType: 'JWTSVIDRequest', responseType: 'JWTSVIDResponse' } },
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

interface Answer {
  svids?: { spiffe_id: string; svid: string }[];
}

const timeoutMs = 10_000;

/**
 * A JWT-SVID for this workload from a SPIFFE agent.
 * @param socket `unix:///run/spire/sockets/agent.sock`, the bare path, or `tcp://127.0.0.1:8081`.
 * @throws SigningError naming the socket.
 */
export async function fetchJwtSvid(socket: string, audience: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const [grpc, loader] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')]);
  const definition = loader.fromJSON(workloadApi as Parameters<typeof loader.fromJSON>[0], { keepCase: true })[
    'SpiffeWorkloadAPI'
  ];
  const Client = grpc.makeClientConstructor(definition as ServiceDefinition, 'SpiffeWorkloadAPI');
  const client = new Client(target(socket), grpc.credentials.createInsecure());
  // The agent refuses calls without this header: a guard against forged requests.
  const metadata = new grpc.Metadata();
  metadata.set('workload.spiffe.io', 'true');
  try {
    const answer = await new Promise<Answer>((resolve, reject) => {
      const fetch = client['FetchJWTSVID']?.bind(client) as (
        request: object,
        metadata: unknown,
        options: object,
        done: (error: Error | null, answer?: Answer) => void,
      ) => { cancel(): void };
      const call = fetch({ audience: [audience] }, metadata, { deadline: Date.now() + timeoutMs }, (error, found) => {
        signal.removeEventListener('abort', stop);
        if (error) reject(error);
        else resolve(found ?? {});
      });
      const stop = () => call.cancel();
      signal.addEventListener('abort', stop, { once: true });
    });
    const svid = answer.svids?.[0]?.svid;
    if (svid) return svid;
    throw new Error('it has no identity for this workload: register an entry for this ServiceAccount');
  } catch (error) {
    signal.throwIfAborted();
    throw new SigningError(
      `SPIFFE Workload API ${socket}: ${messageOf(error)}; check that the agent runs on this node, that its socket is mounted, and that the workload is registered`,
      { cause: error },
    );
  } finally {
    client.close();
  }
}

/** As gRPC names addresses. */
function target(socket: string): string {
  if (socket.startsWith('tcp://')) return socket.slice('tcp://'.length);
  return `unix:${socket.replace(/^unix:(\/\/)?/, '')}`;
}
