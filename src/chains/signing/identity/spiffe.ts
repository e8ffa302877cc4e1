import { messageOf } from '../../../errors.ts';
import { askAgent, type Agent } from '../../../spire/agent.ts';
import { SigningError } from '../signer.ts';

interface Answer {
  svids?: { spiffe_id: string; svid: string }[];
}

/**
 * A JWT-SVID for this workload from a SPIFFE agent.
 * @param socket `unix:///run/spire/sockets/agent.sock`, the bare path, or `tcp://127.0.0.1:8081`.
 * @throws SigningError naming the socket.
 */
export async function fetchJwtSvid(socket: string, audience: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  try {
    const answer = await askAgent(socket, (agent) => tokenFor(audience, agent, signal));
    const svid = answer.svids?.[0]?.svid;
    if (svid) return svid;
    throw new Error('it has no identity for this workload: register an entry for this ServiceAccount');
  } catch (error) {
    signal.throwIfAborted();
    throw new SigningError(
      `SPIFFE Workload API ${socket}: ${messageOf(error)}; check that the agent runs on this node, that its socket is mounted, and that the workload is registered`,
      { cause: error },
    );
  }
}

/** A method of a client of @grpc/grpc-js that was made from a description at run time. */
type Method<Given, Answered> = (
  request: Given,
  metadata: Agent['metadata'],
  options: Agent['options'],
  done: (error: Error | null, answer?: Answered) => void,
) => { cancel(): void };

function tokenFor(audience: string, { client, metadata, options }: Agent, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fetch = (client['FetchJWTSVID'] as Method<{ audience: string[] }, Answer>).bind(client);
    const call = fetch({ audience: [audience] }, metadata, options, (error, found) => {
      signal.removeEventListener('abort', stop);
      if (error) reject(error);
      else resolve(found ?? {});
    });
    const stop = () => call.cancel();
    signal.addEventListener('abort', stop, { once: true });
  });
}
