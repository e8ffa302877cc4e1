/**
 * The cluster's programs, built with `go build` from the modules in go/, each with its own go.mod so that their
 * dependencies do not meet. Built once: the cache folder's name is a digest of go.mod, go.sum, sources and flags.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureCompilerPackages } from './debian.ts';
import { messageOf } from '../../src/errors.ts';
import { cacheFolder } from '../cache-folder.ts';
import { command } from '../command.ts';
import { say } from '../progress.ts';
import { withLock } from '../lock.ts';

interface GoModule {
  /** Built where it is asked for: what costs many minutes, for a test that has a script of its own. */
  readonly onDemand?: true;
  /** Package to build, by binary name, in the order that fills the build cache best. */
  readonly binaries: Readonly<Record<string, string>>;
  readonly linkFlags?: string;
  /** Installs the compiler of C for the programs that call C; the others are built without. */
  readonly prepare?: Readonly<Record<string, () => Promise<void>>>;
  readonly extraFlags?: Readonly<Record<string, readonly string[]>>;
}

const CONTAINERD = 'github.com/containerd/containerd/v2';
const CNI = 'github.com/containernetworking/plugins/plugins';
const TRILLIAN = 'github.com/google/trillian/cmd';
const ONLY_MYSQL = ['-tags', 'mysql,etcd'];
const SIGSTORE_VERSION = 'sigs.k8s.io/release-utils/version.gitVersion';

const MODULES = {
  kubernetes: {
    binaries: {
      'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
      'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
      kubelet: 'k8s.io/kubernetes/cmd/kubelet',
      'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
      'kube-proxy': 'k8s.io/kubernetes/cmd/kube-proxy',
      kubectl: 'k8s.io/kubernetes/cmd/kubectl',
    },
    linkFlags: ['gitVersion=v1.35.4', 'gitMajor=1', 'gitMinor=35']
      .map((set) => `-X k8s.io/component-base/version.${set}`)
      .join(' '),
  },
  etcd: { binaries: { etcd: 'go.etcd.io/etcd/server/v3' } },
  containers: {
    binaries: {
      containerd: `${CONTAINERD}/cmd/containerd`,
      'containerd-shim-runc-v2': `${CONTAINERD}/cmd/containerd-shim-runc-v2`,
      ctr: `${CONTAINERD}/cmd/ctr`,
      runc: 'github.com/opencontainers/runc',
      bridge: `${CNI}/main/bridge`,
      loopback: `${CNI}/main/loopback`,
      'host-local': `${CNI}/ipam/host-local`,
      portmap: `${CNI}/meta/portmap`,
    },
    linkFlags: `-X ${CONTAINERD}/version.Version=v2.4.2`,
    prepare: { runc: ensureCompilerPackages },
    extraFlags: { runc: ['-tags', 'seccomp'] },
  },
  registry: { binaries: { registry: 'github.com/distribution/distribution/v3/cmd/registry' } },
  coredns: { binaries: { coredns: '.' } },
  provisioner: { binaries: { provisioner: '.' } },
  pause: { binaries: { pause: '.' } },
  'image-hosts': { binaries: { 'image-hosts': '.' } },
  // Enforces NetworkPolicies in the tests of the chart's.
  'kube-router': { binaries: { 'kube-router': 'github.com/cloudnativelabs/kube-router/v2/cmd/kube-router' } },
  helm: { binaries: { helm: 'helm.sh/helm/v4/cmd/helm' } },
  // The real one, as users have it.
  tkn: { binaries: { tkn: '.' }, linkFlags: '-X github.com/tektoncd/cli/pkg/cmd/version.clientVersion=0.45.0' },
  crane: { binaries: { crane: 'github.com/google/go-containerregistry/cmd/crane' } },
  'referrers-registry': { binaries: { 'referrers-registry': '.' } },
  'cosign-v3': {
    binaries: { 'cosign-v3': 'github.com/sigstore/cosign/v3/cmd/cosign' },
    linkFlags: `-X ${SIGSTORE_VERSION}=v3.1.3`,
  },
  'cosign-v2': {
    binaries: { 'cosign-v2': 'github.com/sigstore/cosign/v2/cmd/cosign' },
    linkFlags: `-X ${SIGSTORE_VERSION}=v2.6.5`,
  },
  fulcio: { binaries: { fulcio: 'github.com/sigstore/fulcio' }, linkFlags: `-X ${SIGSTORE_VERSION}=v1.8.8` },
  rekor: {
    binaries: { 'rekor-server': 'github.com/sigstore/rekor/cmd/rekor-server' },
    linkFlags: `-X ${SIGSTORE_VERSION}=v1.5.3`,
  },
  trillian: {
    binaries: {
      'trillian-log-server': `${TRILLIAN}/trillian_log_server`,
      'trillian-log-signer': `${TRILLIAN}/trillian_log_signer`,
      'trillian-createtree': `${TRILLIAN}/createtree`,
    },
    extraFlags: { 'trillian-log-server': ONLY_MYSQL, 'trillian-log-signer': ONLY_MYSQL },
  },
  'certificate-transparency': {
    binaries: { 'ct-server': 'github.com/google/certificate-transparency-go/trillian/ctfe/ct_server' },
  },
  'timestamp-authority': { binaries: { 'timestamp-server': '.' }, linkFlags: `-X ${SIGSTORE_VERSION}=v2.0.3` },
  // Of a line under the Mozilla Public License (1.14's own SDK is not published): a server of our own over its
  // packages.
  vault: { binaries: { 'vault-server': '.' } },
  'rekor-tiles': {
    binaries: { 'rekor-tiles-server': 'github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix' },
    linkFlags: `-X ${SIGSTORE_VERSION}=v2.2.1`,
  },
  // What people put before the dashboard, for its test.
  'oauth2-proxy': {
    binaries: { 'oauth2-proxy': 'github.com/oauth2-proxy/oauth2-proxy/v7' },
    linkFlags: '-X github.com/oauth2-proxy/oauth2-proxy/v7/pkg/version.VERSION=v7.15.6',
  },
  // Stands-in for the databases and brokers that Chains stores in, for tests.
  ferretdb: { binaries: { ferretdb: '.' } },
  'fake-gcs-server': { binaries: { 'fake-gcs-server': 'github.com/fsouza/fake-gcs-server' } },
  'kafka-fake': { binaries: { 'kafka-fake': '.' } },
  // The server's SQLite is C.
  spire: {
    onDemand: true,
    binaries: {
      'spire-agent': 'github.com/spiffe/spire/cmd/spire-agent',
      'spire-server': 'github.com/spiffe/spire/cmd/spire-server',
    },
    prepare: { 'spire-server': ensureCompilerPackages },
  },
} as const satisfies Record<string, GoModule>;

const SOURCES = join(import.meta.dirname, 'go');

const MODULE_LIST: readonly GoModule[] = Object.values(MODULES);

/** Every binary that is built before the tests. */
export const TOOL_NAMES: readonly string[] = MODULE_LIST.filter(({ onDemand }) => !onDemand).flatMap(({ binaries }) =>
  Object.keys(binaries),
);

/** The path of a binary, built first when it is not there. Throws, naming the module and the compiler's last lines. */
export async function tool(name: string): Promise<string> {
  const [path] = await tools([name]);
  return path as string;
}

/** The paths of several binaries, in the order asked for; what is missing is built one after the other. */
export async function tools(names: readonly string[]): Promise<string[]> {
  const paths = await Promise.all(names.map(pathOf));
  const missing: { name: string; path: string }[] = [];
  for (const [index, name] of names.entries()) {
    const path = paths[index] as string;
    if (!(await exists(path))) missing.push({ name, path });
  }
  for (const [index, { name, path }] of missing.entries()) {
    await withLock(`${path}.lock`, async () => {
      if (!(await exists(path))) await build(name, path, `${index + 1} of ${missing.length}`);
    });
  }
  return paths;
}

async function pathOf(name: string): Promise<string> {
  return join(cacheFolder(), 'bin', await digestOf(moduleOf(name)), name);
}

function moduleOf(name: string): keyof typeof MODULES {
  for (const [module, { binaries }] of Object.entries(MODULES))
    if (name in binaries) return module as keyof typeof MODULES;
  throw new Error(
    `no binary is called ${JSON.stringify(name)}: choose one of ${MODULE_LIST.flatMap(({ binaries }) => Object.keys(binaries)).join(', ')}`,
  );
}

async function digestOf(moduleName: keyof typeof MODULES): Promise<string> {
  const folder = join(SOURCES, moduleName);
  const hash = createHash('sha256').update(JSON.stringify(MODULES[moduleName]));
  for (const file of (await readdir(folder)).filter((file) => /^go\.(mod|sum)$|\.go$/.test(file)).sort()) {
    hash.update(`\0${file}\0`).update(await readFile(join(folder, file)));
  }
  return `${moduleName}-${hash.digest('hex').slice(0, 16)}`;
}

async function build(name: string, path: string, count: string): Promise<void> {
  const moduleName = moduleOf(name);
  const module: GoModule = MODULES[moduleName];
  await checkGo();
  const prepare = module.prepare?.[name];
  await prepare?.();
  await mkdir(join(path, '..'), { recursive: true });
  const began = Date.now();
  const seconds = () => Math.round((Date.now() - began) / 1000);
  const progress = setInterval(() => say(`building ${name} (${count}): ${seconds()} s so far`), 15_000);
  say(`building ${name} (${count}); the first build of a module takes minutes`);
  try {
    const flags = [
      '-trimpath',
      '-ldflags',
      `-s -w ${module.linkFlags ?? ''}`.trim(),
      ...(module.extraFlags?.[name] ?? []),
    ];
    const env = { ...process.env, CGO_ENABLED: prepare === undefined ? '0' : '1' };
    const half = `${path}.${process.pid}.part`;
    await command(['go', 'build', ...flags, '-o', half, module.binaries[name] as string], {
      cwd: join(SOURCES, moduleName),
      env,
    });
    await rename(half, path);
    say(`built ${name} in ${seconds()} s`);
  } catch (error) {
    await rm(`${path}.${process.pid}.part`, { force: true });
    throw new Error(`cannot build ${name} from hack/one-node/go/${moduleName}:\n${messageOf(error)}`, { cause: error });
  } finally {
    clearInterval(progress);
  }
}

async function checkGo(): Promise<void> {
  try {
    await command(['go', 'version']);
  } catch (error) {
    throw new Error(
      'the command "go" does not run: install Go 1.26 or newer (https://go.dev/doc/install) and put it on PATH',
      { cause: error },
    );
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
