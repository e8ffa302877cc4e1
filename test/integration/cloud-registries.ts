import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { digestOf } from '../../src/registry/digest.ts';
import { ociManifestType } from '../../src/registry/media-types.ts';
import { FakeRegistry, ScriptedServer, type Heard, type Reply } from '../../src/registry/registry.fake.ts';
import { issueAuthority, issueServer } from '../../src/webhook/certificates/issue.ts';

export const hosts = {
  ecr: '123456789012.dkr.ecr.eu-west-1.amazonaws.com',
  gar: 'europe-docker.pkg.dev',
  acr: 'mine.azurecr.io',
} as const;
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
/** With what each of them lets an image be read. */
const wanted: Readonly<Record<string, string>> = {
  [hosts.ecr]: basic('AWS', 'of-ecr'),
  [hosts.gar]: 'Bearer of-gar',
  [hosts.acr]: 'Bearer of-acr',
};
const challenges: Readonly<Record<string, string>> = {
  [hosts.ecr]: `Basic realm="https://${hosts.ecr}/",service="ecr.amazonaws.com"`,
  [hosts.gar]: `Bearer realm="https://${hosts.gar}/v2/token",service="${hosts.gar}"`,
  [hosts.acr]: `Bearer realm="https://${hosts.acr}/oauth2/token",service="${hosts.acr}"`,
};

/**
 * What stands for three clouds: their sources of identity, and their registries by name behind a proxy, with a
 * certificate of an authority of their own. They answer as the vendors' documents say, and keep all that they hear.
 */
export class CloudRegistries {
  readonly identities: ScriptedServer;
  readonly registries: ScriptedServer;
  readonly #proxy: Server;
  readonly #folder: string;
  /** Of the process that is to have the identities. */
  readonly environment: Readonly<Record<string, string>>;
  /** Of the image that each of them has as `team/app:1`. */
  readonly digest: string;

  private constructor(
    [identities, registries]: readonly [ScriptedServer, ScriptedServer],
    proxy: Server,
    folder: string,
    digest: string,
  ) {
    this.identities = identities;
    this.registries = registries;
    this.#proxy = proxy;
    this.#folder = folder;
    this.digest = digest;
    const of = `http://${identities.host}`;
    this.environment = {
      HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      NO_PROXY: '127.0.0.1,localhost',
      // As ConfigMap config-registry-cert is mounted; the exchange for a token of ACR is no registry's.
      SSL_CERT_DIR: folder,
      NODE_EXTRA_CA_CERTS: path.join(folder, 'ca.crt'),
      AWS_ENDPOINT_URL_ECR: of,
      AWS_ACCESS_KEY_ID: 'AKID',
      AWS_SECRET_ACCESS_KEY: 'SECRET',
      GCE_METADATA_HOST: identities.host,
      IDENTITY_ENDPOINT: `${of}/msi/token`,
      IDENTITY_HEADER: 'of-the-platform',
      HOME: folder,
    };
  }

  static async start(): Promise<CloudRegistries> {
    const authority = await issueAuthority('clouds', new Date(), 3_600_000);
    const server = await issueServer(authority, Object.values(hosts), new Date(), 3_600_000);
    const folder = await mkdtemp(path.join(tmpdir(), 'tektite-clouds-'));
    await writeFile(path.join(folder, 'ca.crt'), authority.cert);
    const registries = await ScriptedServer.start(server);
    const digest = putImage(new FakeRegistry(registries));
    const { answer } = registries;
    registries.answer = (heard) => exchanged(heard) ?? refused(heard) ?? answer(heard);
    const identities = await ScriptedServer.start();
    identities.answer = issued;
    return new CloudRegistries([identities, registries], await tunnel(registries.host), folder, digest);
  }

  async stop(): Promise<void> {
    this.#proxy.closeAllConnections();
    await new Promise((resolve) => this.#proxy.close(resolve));
    await Promise.all([this.identities.stop(), this.registries.stop()]);
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function putImage(registry: FakeRegistry): string {
  const config = JSON.stringify({ os: 'linux', architecture: 'amd64', config: { Entrypoint: ['/app', 'serve'] } });
  const digest = digestOf(Buffer.from(config));
  registry.blobs.set(digest, config);
  return registry.put('team/app', '1', JSON.stringify({ schemaVersion: 2, config: { digest } }), ociManifestType);
}

/** An identity of each cloud, by its own way. */
function issued({ path: asked, headers }: Heard): Reply {
  const json = { 'content-type': 'application/json' };
  if (headers['x-amz-target'] !== undefined) {
    const authorizationToken = Buffer.from('AWS:of-ecr').toString('base64');
    return {
      status: 200,
      headers: { 'content-type': 'application/x-amz-json-1.1' },
      body: { authorizationData: [{ authorizationToken, expiresAt: Date.now() / 1000 + 43_200 }] },
    };
  }
  if (asked === '/msi/token') {
    const expires = String(Math.floor(Date.now() / 1000) + 86_400);
    return {
      status: 200,
      headers: json,
      body: { access_token: 'of-entra', expires_on: expires, token_type: 'Bearer' },
    };
  }
  const flavor = { 'metadata-flavor': 'Google' };
  if (!asked.endsWith('/token')) return { status: 200, headers: flavor, body: 'project' };
  const body = { access_token: 'of-google', expires_in: 3600, token_type: 'Bearer' };
  return { status: 200, headers: { ...flavor, ...json }, body };
}

/** What a registry gives for an identity, and to nobody else. */
function exchanged({ path: asked, method, headers }: Heard): Reply | undefined {
  const given: Readonly<Record<string, object>> = {
    '/v2/token': { token: 'of-gar' },
    '/oauth2/exchange': { refresh_token: 'of-acr-for-long' },
    '/oauth2/token': { access_token: 'of-acr' },
  };
  const body = given[asked];
  if (body === undefined) return undefined;
  const json = { 'content-type': 'application/json' };
  if (method === 'POST' || headers.authorization !== undefined) return { status: 200, headers: json, body };
  return { status: 401, headers: json, body: { errors: [{ code: 'UNAUTHORIZED', message: 'who are you?' }] } };
}

function refused({ headers: { host = '', authorization } }: Heard): Reply | undefined {
  if (authorization === wanted[host]) return undefined;
  return { status: 401, headers: { 'www-authenticate': challenges[host] ?? '' } };
}

/** A proxy by which every name leads to the registries. */
async function tunnel(to: string): Promise<Server> {
  const [address = '', port = ''] = to.split(':');
  const proxy = createServer().on('connect', (_request, socket, head: Buffer) => {
    const onward = connect(Number(port), address, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return proxy;
}
