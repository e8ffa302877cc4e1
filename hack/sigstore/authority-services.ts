/** The services that issue: Fulcio (certificates for identities) and the timestamp authority. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { tools } from '../one-node/binaries.ts';
import { CA_PASSWORD, makeServerCertificate, type Authority } from './authorities.ts';
import type { DiscoverySettings } from './discovery.ts';
import { AUDIENCE, type Issuer } from './issuer.ts';
import { answers, freePorts, startService, type Supervision } from './services.ts';

const LOOPBACK = '127.0.0.1';

export interface FulcioOptions {
  readonly authority: Authority;
  readonly issuers: readonly Issuer[];
  /** Without a certificate log its certificates carry no proof of one, and cosign wants --insecure-ignore-sct. */
  readonly certificateLogUrl?: string;
  readonly address: string;
}

/** Fulcio with a certificate authority from files, for the tokens of these issuers. Returns its URL. */
export async function startFulcio(
  { authority, issuers, certificateLogUrl, address }: FulcioOptions,
  supervision: Supervision,
): Promise<string> {
  const [program] = await tools(['fulcio']);
  const discovery = await startDiscovery(issuers, supervision);
  const { folder } = supervision;
  const config = path.join(folder, 'fulcio.json');
  const known = issuers.map(({ url, type, spiffeTrustDomain }) => ({
    IssuerURL: url,
    ClientID: AUDIENCE,
    Type: type,
    ...(spiffeTrustDomain !== undefined && { SPIFFETrustDomain: spiffeTrustDomain }),
  }));
  const byUrl = Object.fromEntries(known.map((issuer) => [issuer.IssuerURL, issuer]));
  await writeFile(config, JSON.stringify({ OIDCIssuers: byUrl }));
  const [port] = await freePorts(address, 1);
  // One port for both kinds of calls is offered too, but panics in v1.8.8.
  const [grpc, metrics] = await freePorts(LOOPBACK, 2);
  const argv = [
    program as string,
    'serve',
    '--log_type=prod',
    `--host=${address}`,
    `--port=${port}`,
    `--grpc-host=${LOOPBACK}`,
    `--grpc-port=${grpc}`,
    `--metrics-port=${metrics}`,
    `--config-path=${config}`,
    '--ca=fileca',
    `--fileca-cert=${authority.chainPath}`,
    `--fileca-key=${authority.keyPath}`,
    `--fileca-key-passwd=${CA_PASSWORD}`,
    '--fileca-watch=false',
    `--ct-log-url=${certificateLogUrl ?? ''}`,
    `--legacy-unix-domain-socket=${path.join(folder, 'fulcio.sock')}`,
  ];
  const url = `http://${address}:${port}`;
  await startService(
    { name: 'fulcio', argv, env: discovery, healthy: answers(`${url}/api/v2/trustBundle`) },
    supervision,
  );
  return url;
}

/** Starts what answers for the issuers. Returns the environment that makes a Go program ask it. */
async function startDiscovery(issuers: readonly Issuer[], supervision: Supervision): Promise<Record<string, string>> {
  const { folder } = supervision;
  const [port] = await freePorts(LOOPBACK, 1);
  const hosts = [...new Set(issuers.map(({ url }) => new URL(url).hostname))];
  const certificate = await makeServerCertificate(folder, hosts);
  const settings: DiscoverySettings = {
    address: LOOPBACK,
    port: port as number,
    issuers,
    keyPath: certificate.keyPath,
    certificatePath: certificate.chainPath,
  };
  const file = path.join(folder, 'discovery.json');
  await writeFile(file, JSON.stringify(settings));
  const argv = [
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    path.join(import.meta.dirname, 'discovery.ts'),
    file,
  ];
  const url = `http://${LOOPBACK}:${port}`;
  await startService({ name: 'discovery', argv, healthy: answers(url) }, supervision);
  return { HTTPS_PROXY: url, SSL_CERT_FILE: certificate.chainPath };
}

/** The timestamp authority. Returns the URL that requests go to. */
export async function startTimestampAuthority(
  authority: Authority,
  address: string,
  supervision: Supervision,
): Promise<string> {
  const [program] = await tools(['timestamp-server']);
  const [port] = await freePorts(address, 1);
  const argv = [
    program as string,
    `--host=${address}`,
    `--port=${port}`,
    `--file-signer-key-path=${authority.keyPath}`,
    `--certificate-chain-path=${authority.chainPath}`,
  ];
  await startService(
    { name: 'timestamp-authority', argv, healthy: answers(`http://${address}:${port}/ping`) },
    supervision,
  );
  return `http://${address}:${port}/api/v1/timestamp`;
}
