import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { parse, stringify } from 'yaml';
import { startServer, type FakeServer } from '../../src/http/http-server.fake.ts';
import { ociConfigType, ociManifestType } from '../../src/registry/media-types.ts';
import { Registries } from '../../src/registry/client.ts';
import { commitFiles, startGitBackend, type GitBackend } from '../../src/resolvers/git/git-backend.fake.ts';
import { startHub } from '../../src/resolvers/hub/hub-server.fake.ts';
import { toSign, type Definition } from '../../src/resolvers/trust/signed-forms.ts';

export const image = 'docker.io/library/busybox:1.36';
export const bundle = 'ghcr.io/e2e/catalog:1.0';
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const signersKey = publicKey.export({ format: 'pem', type: 'spki' }).toString();

/** The shape of catalogs' Tasks: v1beta1, a hub's annotations, optional workspaces, params without types, limits. */
const catalogTask = (name: string, parts: { takes: string; gives: string; script: string }) => `
apiVersion: tekton.dev/v1beta1
kind: Task
metadata:
  name: ${name}
  labels: { app.kubernetes.io/version: "0.9" }
  annotations:
    tekton.dev/pipelines.minVersion: "0.38.0"
    tekton.dev/tags: test
spec:
  description: >-
    One of two Tasks that hand a file on.
  workspaces:
    - name: source
    - { name: settings, optional: true, mountPath: /settings }
  params:
    - { name: ${parts.takes}, type: string }
    - { name: depth, default: "1" }
    - { name: userHome, type: string, default: /tekton/home }
  results:
    - name: ${parts.gives}
      description: What it found.
  steps:
    - name: work
      image: ${image}
      env:
        - { name: GIVEN, value: $(params.${parts.takes}) }
        - { name: HOME, value: $(params.userHome) }
        - { name: SETTINGS, value: $(workspaces.settings.bound) }
      resources:
        limits: { memory: 64Mi }
      securityContext: { runAsNonRoot: true, runAsUser: 65532 }
      script: |
        #!/bin/sh
        set -eu
        [ "$SETTINGS" = false ]
        ${parts.script}
`;

const write = catalogTask('write', {
  takes: 'text',
  gives: 'written',
  script: 'printf %s "$GIVEN" > $(workspaces.source.path)/file; printf yes > $(results.written.path)',
});
const measure = catalogTask('measure', {
  takes: 'file',
  gives: 'length',
  script: 'wc -c < "$(workspaces.source.path)/$GIVEN" | tr -d "\\n" > $(results.length.path)',
});

const hubTask = (name: string) =>
  `{ resolver: hub, params: [{ name: kind, value: task }, { name: name, value: ${name} }, { name: version, value: "0.9" }] }`;
const pipeline = `
apiVersion: tekton.dev/v1
kind: Pipeline
metadata: { name: write-and-measure }
spec:
  params: [{ name: text, type: string }]
  workspaces: [{ name: shared }]
  tasks:
    - name: write
      taskRef: ${hubTask('write')}
      params: [{ name: text, value: $(params.text) }]
      workspaces: [{ name: source, workspace: shared }]
    - name: measure
      runAfter: [write]
      taskRef: ${hubTask('measure')}
      params: [{ name: file, value: file }]
      workspaces: [{ name: source, workspace: shared }]
  results: [{ name: length, value: $(tasks.measure.results.length) }]
`;

/** A Task that says where it came from. */
export const greeting = (from: string) => `
apiVersion: tekton.dev/v1
kind: Task
metadata: { name: ${from} }
spec:
  results: [{ name: from }]
  steps:
    - name: say
      image: ${image}
      script: |
        #!/bin/sh
        printf ${from} > $(results.from.path)
`;

export function signed(yaml: string): string {
  const { definition, digest } = toSign(parse(yaml) as Definition);
  const signature = sign('sha256', digest, privateKey).toString('base64');
  return stringify({
    ...definition,
    metadata: { ...definition.metadata, annotations: { 'tekton.dev/signature': signature } },
  });
}

export interface RemoteServers {
  host: string;
  git: GitBackend;
  commit: string;
  hub: FakeServer;
  web: FakeServer;
  /** Of the definitions that the hub has. */
  digests: { write: string; measure: string };
  close(): Promise<void>;
}

/** The servers that references lead to, on the node's host where its pods reach them; and a bundle in its registry. */
export async function startRemoteServers(registry: string): Promise<RemoteServers> {
  const host = hostBeside(registry);
  const git = await startGitBackend({ config: ['uploadpack.allowFilter=true'], host });
  const commit = commitFiles(git, { 'pipeline.yaml': pipeline, 'task/git.yaml': greeting('git') });
  const hub = await startHub(
    [
      { kind: 'task', name: 'write', version: '0.9.0', yaml: write },
      { kind: 'task', name: 'measure', version: '0.9.0', yaml: measure },
    ],
    host,
  );
  const pages: Readonly<Record<string, string>> = {
    '/task.yaml': greeting('http'),
    '/signed.yaml': signed(greeting('signed')),
    '/changed.yaml': signed(greeting('signed')).replace('printf signed', 'printf sighed'),
  };
  const web = await startServer(({ path }) => {
    const body = pages[path];
    return body === undefined ? { status: 404 } : { body };
  }, host);
  await pushBundle(registry, greeting('bundles'));
  return {
    host,
    git,
    commit,
    hub,
    web,
    digests: { write: sha256(write), measure: sha256(measure) },
    async close() {
      git.close();
      await Promise.all([hub.close(), web.close()]);
    },
  };
}

/** This machine's address on the cable to the node. */
export function hostBeside(registry: string): string {
  const net = registry.replace(/\.\d+:\d+$/, '.');
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each?.map(({ address }) => address) ?? []);
  const found = addresses.find((address) => address.startsWith(net));
  if (found === undefined) throw new Error(`this machine has no address beside the registry's, ${registry}`);
  return found;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function pushBundle(registry: string, task: string): Promise<void> {
  const signal = AbortSignal.timeout(30_000);
  const registries = new Registries({ mirrors: { '*': `http://${registry}` } });
  try {
    const repository = registries.repository('ghcr.io', 'e2e/catalog', { access: 'push' });
    const config = Buffer.from('{}');
    const layer = Buffer.from(task);
    const blob = async (bytes: Buffer) => ({ digest: await repository.pushBlob(bytes, signal), size: bytes.length });
    const annotations = {
      'dev.tekton.image.apiVersion': 'v1',
      'dev.tekton.image.kind': 'task',
      'dev.tekton.image.name': 'bundles',
    };
    const manifest = {
      schemaVersion: 2,
      mediaType: ociManifestType,
      config: { mediaType: ociConfigType, ...(await blob(config)) },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...(await blob(layer)), annotations }],
    };
    await repository.putManifest(
      '1.0',
      { bytes: Buffer.from(JSON.stringify(manifest)), mediaType: ociManifestType },
      signal,
    );
  } finally {
    await registries.close();
  }
}
