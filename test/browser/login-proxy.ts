import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { tool } from '../../hack/one-node/binaries.ts';
import { answers, startService, stopServices } from '../../hack/sigstore/services.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { KubeObject, Resource } from '../../src/resource.ts';
import { clusterRoleBindings, clusterRoles } from '../rbac.ts';
import { freePort } from '../free-port.ts';

/** The real oauth2-proxy, set up as config/docs/dashboard-login.md says. */
export interface LoginProxy {
  address: string;
  /** The ClusterRole and its binding go with it. */
  close(): Promise<void>;
}

const page = path.resolve(import.meta.dirname, '../../config/docs/dashboard-login.md');
const clusterKinds = [clusterRoleBindings, clusterRoles];

interface Documented extends KubeObject {
  data?: Record<string, string>;
  spec?: { template: { spec: { containers: { args: string[]; env: { name: string; value?: string }[] }[] } } };
  subjects?: { namespace?: string }[];
}

/** The manifests of a block of the page, in their order. */
export async function documentedObjects(block: number): Promise<Documented[]> {
  const blocks = [...(await readFile(page, 'utf8')).matchAll(/```yaml\n([\s\S]*?)```/g)];
  return parseAllDocuments(blocks[block]?.[1] ?? '').map((document) => document.toJS() as Documented);
}

export interface LoginOptions {
  client: KubeClient;
  /** In place of tekton-pipelines: its ServiceAccount dashboard-login is there. */
  namespace: string;
  dashboard: string;
  token: string;
  /** Who may log in by the form that oauth2-proxy has beside its providers, with his password. */
  people: Readonly<Record<string, string>>;
}

/**
 * Gives the account the rights that the page gives it, and starts the program with the arguments, variables and file of
 * the page's Deployment; what is different: addresses, no TLS in front, and people of its own beside GitHub's.
 */
export async function startLoginProxy(options: LoginOptions): Promise<LoginProxy> {
  const { client, namespace, dashboard, token, people } = options;
  const documented = await documentedObjects(0);
  for (const kind of clusterKinds.toReversed()) await applyDocumented(client, kind, { documented, namespace });
  const folder = await mkdtemp(path.join(tmpdir(), 'login-'));
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const alpha = documented.find(({ kind }) => kind === 'ConfigMap')?.data?.['alpha.yaml'] ?? '';
  const [container] = documented.find(({ kind }) => kind === 'Deployment')?.spec?.template.spec.containers ?? [];
  const config = path.join(folder, 'alpha.yaml');
  const passwords = path.join(folder, 'htpasswd');
  await writeFile(
    config,
    alpha.replace('0.0.0.0:4180', `127.0.0.1:${port}`).replace('http://tekton-dashboard:9097', dashboard),
  );
  await writeFile(passwords, Object.entries(people).map(passwordLine).join('\n'));
  const args = (container?.args ?? []).map((argument) =>
    argument.replace('/etc/oauth2-proxy/alpha.yaml', config).replace('https://ci.example.com', address),
  );
  const authorization = container?.env.find(({ name }) => name === 'AUTHORIZATION')?.value ?? '';
  const service = {
    name: 'oauth2-proxy',
    argv: [await tool('oauth2-proxy'), ...args, `--htpasswd-file=${passwords}`, '--cookie-secure=false'],
    env: {
      AUTHORIZATION: authorization.replace('$(TOKEN)', token),
      OAUTH2_PROXY_COOKIE_SECRET: randomBytes(16).toString('hex'),
      CLIENT_ID: 'id',
      CLIENT_SECRET: 'secret',
    },
    healthy: answers(`${address}/ping`),
  };
  const close = async () => {
    await stopServices(folder);
    for (const kind of clusterKinds) await client.delete(kind, undefined, 'dashboard-login');
    await rm(folder, { recursive: true });
  };
  try {
    await startService(service, { folder, outlive: false, signal: new AbortController().signal });
    return { address, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function applyDocumented(
  client: KubeClient,
  resource: Resource,
  { documented, namespace }: { documented: readonly Documented[]; namespace: string },
): Promise<void> {
  const body = documented.find(({ kind }) => kind === resource.kind);
  if (body === undefined) throw new Error(`${page} has no ${resource.kind}`);
  const subjects = body.subjects?.map((subject) => ({ ...subject, namespace }));
  await client.patch(resource, undefined, body.metadata.name ?? '', {
    type: 'apply',
    fieldManager: 'test',
    force: true,
    body: { ...body, ...(subjects === undefined ? {} : { subjects }) },
  });
}

/** As `htpasswd -s` writes it. */
function passwordLine([name, password]: [string, string]): string {
  return `${name}:{SHA}${createHash('sha1').update(password).digest('base64')}`;
}
