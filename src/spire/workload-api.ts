import { createPrivateKey, X509Certificate } from 'node:crypto';
import { messageOf } from '../errors.ts';
import { askAgent, type Agent } from './agent.ts';

interface Answer {
  svids?: { spiffe_id: string; x509_svid: Buffer; x509_svid_key: Buffer; bundle: Buffer }[];
}

/** Who a process is, by the word of the SPIFFE agent on its node. */
export interface Identity {
  /** `spiffe://...` */
  id: string;
  /** Its certificate and what is between it and the authority, in PEM form. */
  chain: string;
  key: string;
  /** The authorities of its trust domain. */
  authorities: X509Certificate[];
}

/**
 * The identity of this process.
 * @param socket `unix:///spiffe-workload-api/spire-agent.sock`
 * @throws naming the socket, and what to look at
 */
export async function fetchIdentity(socket: string, signal: AbortSignal): Promise<Identity> {
  signal.throwIfAborted();
  try {
    return await askAgent(socket, (agent) => firstIdentity(agent, signal));
  } catch (error) {
    signal.throwIfAborted();
    throw new Error(
      `SPIFFE Workload API ${socket}: ${messageOf(error)}; check that the agent runs on this node, that its socket is mounted (chart value controller.spiffeSocket), and that the controller is registered with it`,
      { cause: error },
    );
  }
}

async function firstIdentity({ client, metadata, options }: Agent, signal: AbortSignal): Promise<Identity> {
  const fetch = client['FetchX509SVID'] as (
    this: unknown,
    request: object,
    metadata: unknown,
    options: object,
  ) => AsyncIterable<Answer> & { cancel(): void };
  const call = fetch.call(client, {}, metadata, options);
  const stop = () => call.cancel();
  signal.addEventListener('abort', stop, { once: true });
  try {
    // The agent goes on to tell of each new certificate: the present one is enough.
    for await (const answer of call) return identityOf(answer);
    throw new Error('it gave no answer');
  } finally {
    signal.removeEventListener('abort', stop);
    call.cancel();
  }
}

function identityOf({ svids: [svid] = [] }: Answer): Identity {
  if (svid === undefined) throw new Error('it has no identity for this process');
  return {
    id: svid.spiffe_id,
    chain: certificatesIn(svid.x509_svid)
      .map((certificate) => certificate.toString())
      .join(''),
    key: String(
      createPrivateKey({ key: svid.x509_svid_key, format: 'der', type: 'pkcs8' }).export({
        format: 'pem',
        type: 'pkcs8',
      }),
    ),
    authorities: certificatesIn(svid.bundle),
  };
}

/**
 * Certificates in DER form, one behind the other.
 * @throws for bytes that are something else
 */
export function certificatesIn(der: Buffer): X509Certificate[] {
  const found: X509Certificate[] = [];
  for (let rest = der; rest.length > 0;) {
    const size = sizeOfFirst(rest);
    if (size === undefined || size > rest.length) throw new Error('what should be certificates is something else');
    found.push(new X509Certificate(rest.subarray(0, size)));
    rest = rest.subarray(size);
  }
  return found;
}

/** Bytes of the DER sequence at the beginning, which is longer than 127 bytes and shorter than 16 MB. */
function sizeOfFirst(der: Buffer): number | undefined {
  const lengthBytes = (der[1] ?? 0) - 0x80;
  if (der[0] !== 0x30 || lengthBytes < 1 || lengthBytes > 3 || der.length < 2 + lengthBytes) return undefined;
  return 2 + lengthBytes + der.readUIntBE(2, lengthBytes);
}
