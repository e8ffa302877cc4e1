import type { Param } from '../../src/api/pipeline/v1/params.ts';
import { tasks } from '../../src/api/resources.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { secrets, serviceAccounts } from '../../src/kube/resources.ts';
import { base64, type ResolverServers } from './servers.ts';

/** Where references lead to, and from where. */
export interface Surroundings {
  servers: ResolverServers;
  /** Of the runs. */
  namespace: string;
  /** How images are named: in the registry that wants a login, and in the web server, which lets clients wait. */
  registries: { private: string; slow: string };
}

type Values = Readonly<Record<string, string>>;

/** A reference, with what its run says of where it came from, or why it cannot be had. */
export interface ReferenceRow {
  name: string;
  resolver: string;
  values: (surroundings: Surroundings) => Values;
  says: RegExp;
}

export const params = (values: Values): Param[] => Object.entries(values).map(([name, value]) => ({ name, value }));

/** What the rows need of ConfigMaps, beside leave to go to the servers. */
export const resolverSettings = {
  'git-resolver-config': { 'hasty.fetch-timeout': '3s' },
  'http-resolver-config': { 'fetch-timeout': '10s' },
  'hubresolver-config': { 'fetch-timeout': '10s' },
  'bundleresolver-config': { 'fetch-timeout': '10s' },
  'cluster-resolver-config': { 'blocked-namespaces': 'closed' },
} as const;

/** Makes what the rows refer to in the namespace of the runs. */
export async function prepareNamespace(
  client: KubeClient,
  namespace: string,
  registry: Surroundings['registries']['private'],
): Promise<void> {
  const data = { password: base64('right'), wrong: base64('wrong'), git: base64('right'), 'not-git': base64('wrong') };
  await client.create(secrets, { metadata: { name: 'login', namespace }, data });
  for (const password of ['right', 'wrong']) {
    const auths = { [registry]: { auth: base64(`robot:${password}`) } };
    await client.create(secrets, {
      metadata: { name: `registry-${password}`, namespace },
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': base64(JSON.stringify({ auths })) },
    });
  }
  await client.create(serviceAccounts, {
    metadata: { name: 'puller', namespace },
    imagePullSecrets: [{ name: 'registry-right' }],
  });
  await client.create(tasks, {
    metadata: { name: 'inside', namespace },
    spec: { steps: [{ name: 's', image: 'docker.io/library/busybox:1.36', command: ['true'] }] },
  });
}

const login = { 'http-username': 'me', 'http-password-secret': 'login' };

const http =
  (path: string, more: Values = {}) =>
  ({ servers }: Surroundings) => ({ url: `${servers.web.url}/${path}`, ...more });
const inGit =
  (more: Values) =>
  ({ servers }: Surroundings) => ({ url: servers.git.url, revision: 'main', ...more });
const inPrivateGit =
  (more: Values) =>
  ({ servers }: Surroundings) => ({ url: servers.privateGit.url, pathInRepo: 'task.yaml', ...more });
const inHub =
  (name: string, version: string, more: Values = {}) =>
  ({ servers }: Surroundings) => ({ name, version, url: servers.hub.url, ...more });
const inBundle =
  (reference: string, more: Values = {}) =>
  ({ registries }: Surroundings) => ({
    bundle: `${registries.private}/team/catalog${reference.startsWith('@') ? reference : `:${reference}`}`,
    name: 'greet',
    secret: 'registry-right',
    ...more,
  });

const noDigest = 'a'.repeat(64);

/** Tasks that run; `says` is of the address that they came from. */
export const goodReferences: readonly ReferenceRow[] = [
  { name: 'git-branch', resolver: 'git', values: inGit({ pathInRepo: 'task/hello.yaml' }), says: /^git\+http/ },
  {
    name: 'git-commit',
    resolver: 'git',
    values: (surroundings) => ({
      ...inGit({ pathInRepo: 'task/hello.yaml' })(surroundings),
      revision: surroundings.servers.git.git('rev-parse', 'HEAD'),
    }),
    says: /^git\+http/,
  },
  {
    name: 'git-token',
    resolver: 'git',
    values: inPrivateGit({ gitToken: 'login', gitTokenKey: 'git' }),
    says: /^git\+http/,
  },
  { name: 'http-login', resolver: 'http', values: http('private.yaml', login), says: /private.yaml$/ },
  { name: 'hub-constraint', resolver: 'hub', values: inHub('greet', '>=0.1.0'), says: /greet\/0.2.0$/ },
  { name: 'tekton-hub', resolver: 'hub', values: inHub('greet', '0.2', { type: 'tekton' }), says: /0.2\/yaml$/ },
  { name: 'bundle-secret', resolver: 'bundles', values: inBundle('1.0'), says: /team\/catalog$/ },
  {
    name: 'bundle-account',
    resolver: 'bundles',
    values: inBundle('1.0', { secret: '', serviceAccount: 'puller' }),
    says: /team\/catalog$/,
  },
  {
    name: 'bundle-digest',
    resolver: 'bundles',
    values: (surroundings) => inBundle(`@${surroundings.servers.bundleDigest}`)(surroundings),
    says: /team\/catalog$/,
  },
  {
    name: 'in-cluster',
    resolver: 'cluster',
    values: ({ namespace }) => ({ name: 'inside', namespace }),
    says: /task\/inside@/,
  },
];

const wrongLogin = /answered 401 .* wants other credentials/;
const late = (seconds: string) =>
  new RegExp(`resolution took longer than the time limit of ${seconds} \\(fetch-timeout in`);

/** Tasks that cannot be had: missing, slow, too large, with another digest, with wrong credentials. */
export const badReferences: readonly ReferenceRow[] = [
  {
    name: 'git-no-file',
    resolver: 'git',
    values: inGit({ pathInRepo: 'none.yaml' }),
    says: /error requesting remote resource: error getting "Git" "[\w-]+\/git-.*": error opening file "none.yaml": file does not exist/,
  },
  {
    name: 'git-no-commit',
    resolver: 'git',
    values: inGit({ revision: 'f'.repeat(40), pathInRepo: 'large.yaml' }),
    says: /not our ref f{40}/,
  },
  {
    name: 'git-bad-revision',
    resolver: 'git',
    values: inGit({ revision: '-x', pathInRepo: 'a' }),
    says: /invalid revision "-x": must not begin/,
  },
  {
    name: 'git-slow',
    resolver: 'git',
    values: (surroundings) => ({
      ...inGit({ pathInRepo: 'a.yaml', configKey: 'hasty' })(surroundings),
      url: `${surroundings.servers.web.url}/slow.git`,
    }),
    says: late('3s'),
  },
  {
    name: 'git-large',
    resolver: 'git',
    values: inGit({ pathInRepo: 'large.yaml' }),
    says: /has \d+ bytes; at most 1048576 can be handed on/,
  },
  {
    name: 'git-wrong-token',
    resolver: 'git',
    values: inPrivateGit({ gitToken: 'login', gitTokenKey: 'not-git' }),
    says: /the token .* is not enough/,
  },
  { name: 'git-no-token', resolver: 'git', values: inPrivateGit({}), says: /name a secret with a/ },
  {
    name: 'git-no-task',
    resolver: 'git',
    values: inGit({ pathInRepo: 'step.yaml' }),
    says: /resource is not a task: it is a StepAction/,
  },
  {
    name: 'http-no-url',
    resolver: 'http',
    values: () => ({}),
    says: /invalid resource request "[\w-]+\/http-.*": missing required http .* params: url/,
  },
  { name: 'http-bad-field', resolver: 'http', values: http('unknown-field.yaml'), says: /unknown field "stepz"/ },
  {
    name: 'http-missing',
    resolver: 'http',
    values: http('none.yaml'),
    says: /is not found: .* answered 404; correct the address/,
  },
  {
    name: 'http-large',
    resolver: 'http',
    values: http('large.yaml'),
    says: /response body exceeds maximum allowed size of 1048576 bytes/,
  },
  { name: 'http-slow', resolver: 'http', values: http('slow.yaml'), says: late('10s') },
  {
    name: 'http-wrong-digest',
    resolver: 'http',
    values: http('task.yaml', { digest: `sha256:${noDigest}` }),
    says: /error validating digest: SHA mismatch, expected a{64}, got [0-9a-f]{64}/,
  },
  { name: 'http-no-login', resolver: 'http', values: http('private.yaml'), says: wrongLogin },
  {
    name: 'http-wrong-login',
    resolver: 'http',
    values: http('private.yaml', { ...login, 'http-password-secret-key': 'wrong' }),
    says: wrongLogin,
  },
  {
    name: 'http-no-secret',
    resolver: 'http',
    values: http('private.yaml', { ...login, 'http-password-secret': 'none' }),
    says: /secret none not found in namespace/,
  },
  { name: 'hub-missing', resolver: 'hub', values: inHub('none', '0.1'), says: /not found on hub: .* answered 404/ },
  {
    name: 'hub-no-version',
    resolver: 'hub',
    values: inHub('greet', '>1.0'),
    says: /no version found for constraint >1.0/,
  },
  {
    name: 'hub-slow',
    resolver: 'hub',
    values: ({ servers }) => ({ name: 'greet', version: '0.1', url: `${servers.web.url}/slow` }),
    says: late('10s'),
  },
  {
    name: 'hub-large',
    resolver: 'hub',
    values: inHub('large', '0.1'),
    says: /response body exceeds maximum allowed size of \d+ bytes/,
  },
  {
    name: 'bundle-missing',
    resolver: 'bundles',
    values: inBundle('none'),
    says: /cannot retrieve the oci image: .*team\/catalog:none/,
  },
  {
    name: 'bundle-no-entry',
    resolver: 'bundles',
    values: inBundle('1.0', { name: 'none' }),
    says: /could not find object in image with kind: task/,
  },
  {
    name: 'bundle-slow',
    resolver: 'bundles',
    values: ({ registries }) => ({ bundle: `${registries.slow}/slow/x:1`, name: 'a' }),
    says: late('10s'),
  },
  {
    name: 'bundle-large',
    resolver: 'bundles',
    values: inBundle('large'),
    says: /has \d+ bytes; at most 1048576 can be handed on/,
  },
  {
    name: 'bundle-wrong-login',
    resolver: 'bundles',
    values: inBundle('1.0', { secret: 'registry-wrong' }),
    says: /the credentials are from/,
  },
  {
    name: 'bundle-no-digest',
    resolver: 'bundles',
    values: inBundle(`@sha256:${noDigest}`),
    says: /cannot retrieve the oci image/,
  },
  {
    name: 'cluster-missing',
    resolver: 'cluster',
    values: ({ namespace }) => ({ name: 'none', namespace }),
    says: /"none" not found: namespace [\w-]+ has none/,
  },
  {
    name: 'cluster-closed',
    resolver: 'cluster',
    values: () => ({ name: 'a', namespace: 'closed' }),
    says: /access to specified namespace closed is blocked/,
  },
];
