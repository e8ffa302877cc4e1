import { spawn } from 'node:child_process';
import { createServer, connect, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { tool } from '../../hack/one-node/binaries.ts';
import { clusterIssuer, type Issuer } from '../../hack/sigstore/issuer.ts';
import { startSigstore, type Sigstore } from '../../hack/sigstore/start.ts';

/** A real Rekor, Fulcio and Vault, where the pods of the node reach them. */
export interface SigningServices {
  sigstore: Sigstore;
  /** Whose ServiceAccount tokens Fulcio accepts besides those of the issuers it was started with: the cluster's. */
  issuer: string;
  vault: Vault;
  close(): Promise<void>;
}

export interface Vault {
  address: string;
  token: string;
  /** Makes a transit key of this name, and returns its public key as PEM. */
  createKey(name: string): Promise<string>;
}

export async function startSigningServices(
  host: string,
  kubeconfig: string,
  moreIssuers: readonly Issuer[] = [],
): Promise<SigningServices> {
  const issuer = await clusterIssuer(kubeconfig);
  const sigstore = await startSigstore({ rekor: true, fulcio: true, issuer, moreIssuers, address: host });
  try {
    const vault = await startVault(host);
    const close = async () => {
      await vault.close();
      await sigstore.stop();
    };
    return { sigstore, issuer: issuer.url, vault, close };
  } catch (error) {
    await sigstore.stop();
    throw error;
  }
}

async function startVault(host: string): Promise<Vault & { close(): Promise<void> }> {
  const server = spawn(await tool('vault-server'), [], { stdio: ['pipe', 'pipe', 'inherit'] });
  const line = await new Promise<string>((resolve, reject) => {
    server.once('error', reject).once('exit', (code) => reject(new Error(`vault-server ended with ${code}`)));
    createInterface({ input: server.stdout }).once('line', resolve);
  });
  const { address, token } = JSON.parse(line) as { address: string; token: string };
  const ask = async (path: string, body?: object): Promise<unknown> => {
    const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const answer = await fetch(`${address}/v1/${path}`, { headers: { 'x-vault-token': token }, ...sent });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`Vault: ${path}: ${answer.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  await ask('sys/mounts/transit', { type: 'transit' });
  const front = await passedOn(host, Number(new URL(address).port));
  return {
    address: front.address,
    token,
    async createKey(name) {
      await ask(`transit/keys/${name}`, { type: 'ecdsa-p256' });
      const { data } = (await ask(`transit/keys/${name}`)) as { data: { keys: { 1: { public_key: string } } } };
      return data.keys[1].public_key;
    },
    close() {
      server.kill();
      return front.close();
    },
  };
}

/** A port of `host` that leads to one of loopback, where the server listens. */
async function passedOn(host: string, port: number) {
  const front = createServer((socket) => {
    const inner = connect(port, '127.0.0.1');
    for (const end of [socket, inner]) end.on('error', () => [socket, inner].forEach((each) => each.destroy()));
    socket.pipe(inner).pipe(socket);
  });
  await new Promise<void>((resolve, reject) => front.once('error', reject).listen(0, host, resolve));
  return {
    address: `http://${host}:${(front.address() as AddressInfo).port}`,
    close: () => new Promise<void>((resolve) => front.close(() => resolve())),
  };
}
