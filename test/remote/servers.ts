import { createHash } from 'node:crypto';
import { startServer, type FakeAnswer, type FakeServer, type SeenRequest } from '../../src/http/http-server.fake.ts';
import { ociConfigType, ociManifestType } from '../../src/registry/media-types.ts';
import { startMemoryRegistry, type MemoryRegistry } from '../../src/registry/memory-registry.fake.ts';
import { commitFiles, startGitBackend, type GitBackend } from '../../src/resolvers/git/git-backend.fake.ts';
import { startHub } from '../../src/resolvers/hub/hub-server.fake.ts';

export const base64 = (text: string) => Buffer.from(text).toString('base64');
const image = 'docker.io/library/busybox:1.36';

/** A Task as catalogs have them, with as many more characters. */
export const task = (name: string, more = '') => `
apiVersion: tekton.dev/v1beta1
kind: Task
metadata: { name: ${name}, labels: { from: remote } }
spec:
  params: [{ name: who, default: world }]
  steps:
    - name: greet
      image: ${image}
      resources: { limits: { memory: 64Mi } }
      script: echo hello $(params.who)${more}
`;
const stepAction = `
apiVersion: tekton.dev/v1beta1
kind: StepAction
metadata: { name: greet }
spec:
  params: [{ name: who, default: world }]
  results: [{ name: greeting }]
  image: ${image}
  env: [{ name: WHO, value: $(params.who) }]
  script: |
    printf 'hello %s' "$WHO" > $(step.results.greeting.path)
`;
const tooLarge = task('large', ' '.repeat(3 * 1024 * 1024));
/** Below the limit of a request, above that of a definition. */
const large = task('large', ' '.repeat(1024 * 1024));

export interface ResolverServers {
  git: GitBackend;
  /** Whoever reads it gives the password "right". */
  privateGit: GitBackend;
  /** Serves what `pages` has, /private.yaml for me:right, and nothing below /slow in any time. */
  web: FakeServer;
  hub: FakeServer;
  /** For robot:right. */
  registry: MemoryRegistry;
  bundleDigest: string;
  close(): Promise<void>;
}

/** The servers that references lead to: git's own backend, a hub with both APIs, a registry, a plain HTTP server. */
export async function startResolverServers(
  pages: Readonly<Record<string, string>>,
  host = '127.0.0.1',
): Promise<ResolverServers> {
  const git = await startGitBackend({ config: ['uploadpack.allowFilter=true'], host });
  commitFiles(git, { 'task/hello.yaml': task('hello'), 'large.yaml': large, 'step.yaml': stepAction });
  const privateGit = await startGitBackend({ config: ['uploadpack.allowFilter=true'], login: 'git:right', host });
  // Its own pushes go by the file system.
  commitFiles(privateGit, { 'task.yaml': task('private') });
  const all = {
    '/large.yaml': large,
    '/task.yaml': task('by-http'),
    '/unknown-field.yaml': task('odd').replace('steps:', 'stepz:'),
    ...pages,
  };
  const web = await startServer((request) => webAnswer(request, all), host);
  const hub = await startHub(
    [
      { kind: 'task', name: 'greet', version: '0.1.0', yaml: task('old') },
      { kind: 'task', name: 'greet', version: '0.2.0', yaml: task('by-hub') },
      { kind: 'task', name: 'large', version: '0.1.0', yaml: tooLarge },
    ],
    host,
  );
  const registry = await startMemoryRegistry('robot:right', host);
  const bundleDigest = store(registry, '1.0', task('by-bundle'));
  store(registry, 'large', large);
  return {
    git,
    privateGit,
    web,
    hub,
    registry,
    bundleDigest,
    async close() {
      git.close();
      privateGit.close();
      await Promise.all([web.close(), hub.close(), registry.close()]);
    },
  };
}

function webAnswer({ path, headers }: SeenRequest, pages: Readonly<Record<string, string>>) {
  if (path.includes('/slow'))
    return new Promise<FakeAnswer>((resolve) => setTimeout(() => resolve({ status: 204 }), 60_000).unref());
  if (path === '/private.yaml')
    return headers.authorization === `Basic ${base64('me:right')}` ? { body: task('private') } : { status: 401 };
  const body = pages[path];
  return body === undefined ? { status: 404 } : { body };
}

/** Stores a bundle of one Task, and gives back its digest. */
function store(registry: MemoryRegistry, tag: string, yaml: string): string {
  const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const blob = (bytes: Buffer) => {
    registry.blobs.set(digestOf(bytes), bytes);
    return { digest: digestOf(bytes), size: bytes.length };
  };
  const annotations = {
    'dev.tekton.image.apiVersion': 'v1beta1',
    'dev.tekton.image.kind': 'task',
    'dev.tekton.image.name': 'greet',
  };
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', ...blob(Buffer.from(yaml)), annotations };
  const config = { mediaType: ociConfigType, ...blob(Buffer.from('{}')) };
  const manifest = { schemaVersion: 2, mediaType: ociManifestType, config, layers: [layer] };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const stored = { bytes, type: ociManifestType };
  registry.manifests.set(tag, stored).set(digestOf(bytes), stored);
  return digestOf(bytes);
}
