/** Drives hack/cluster and looks at what it leaves on the machine, for cluster.test.ts. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, readlink, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { debianEntries } from '../../hack/image-build/debian.ts';
import { writeOciImage } from '../../hack/image-build/oci.ts';
import type { ClusterStatus } from '../../hack/one-node/status.ts';

const run = promisify(execFile);
const COMMAND = resolve(import.meta.dirname, '../../hack/cluster');

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

/** Runs `hack/cluster` with the given words; never throws for a bad exit status. */
export async function cluster(...words: string[]): Promise<Outcome> {
  const began = Date.now();
  const seconds = () => (Date.now() - began) / 1000;
  try {
    const { stdout, stderr } = await run(COMMAND, words, { maxBuffer: 1 << 26 });
    return { code: 0, stdout: stdout.trim(), stderr, seconds: seconds() };
  } catch (error) {
    const { code = 1, stdout = '', stderr = '' } = error as { code?: number; stdout?: string; stderr?: string };
    return { code, stdout, stderr, seconds: seconds() };
  }
}

export async function statusOf(name: string): Promise<ClusterStatus> {
  const { stdout } = await cluster('status', '--json', '--name', name);
  return JSON.parse(stdout) as ClusterStatus;
}

/** Process ids by part. */
export async function pidsOf(name: string): Promise<Record<string, number>> {
  const { parts } = await statusOf(name);
  return Object.fromEntries(parts.map((part) => [part.name, part.pid ?? 0]));
}

/** Puts a busybox image into the cluster's registry under `name`. */
export async function loadBusybox(clusterName: string, name: string): Promise<void> {
  const cacheRoot =
    process.env['TEKTITE_CACHE_DIR'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tektite');
  const mirror = process.env['TEKTITE_DEBIAN_MIRROR'] ?? 'http://deb.debian.org';
  const entries = await debianEntries({ dir: cacheRoot, mirror, architecture: 'amd64', progress: () => {} }, [
    'busybox-static',
  ]);
  const program = entries.find((entry) => entry.path === 'usr/bin/busybox');
  if (program === undefined) throw new Error('busybox-static brings no usr/bin/busybox');
  const folder = await mkdtemp(join(tmpdir(), 'busybox-image-'));
  const link = (applet: string) =>
    ({ path: `bin/${applet}`, type: 'symlink', mode: 0o777, uid: 0, gid: 0, target: 'busybox' }) as const;
  try {
    const applets = ['sh', 'echo', 'wget', 'nslookup', 'httpd', 'cat', 'sleep', 'grep', 'head'].map(link);
    const layer = { entries: [{ ...program, path: 'bin/busybox' }, ...applets] };
    await writeOciImage({ layers: [layer], config: { cmd: ['sh'], env: ['PATH=/bin'] }, names: [name] }, folder);
    const { code, stderr } = await cluster('load', folder, '--as', name, '--name', clusterName);
    if (code !== 0) throw new Error(stderr);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Everything on the machine that belongs to an instance; nothing, when `down` did its work. `index` numbers its
 * network.
 */
export async function tracesOf(name: string, index: number): Promise<string[]> {
  const state = `/var/lib/tektite/${name}`;
  const traces = [state, `${state}.lock`, `/run/tektite-${name}`, `/sys/class/net/tektite${index}`].filter((path) =>
    existsSync(path),
  );
  const mountTable = await readFile('/proc/self/mountinfo', 'utf8');
  traces.push(...mountTable.split('\n').filter((line) => line.includes(`${state}/`)));
  for (const tree of mountTable
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '')) {
    if (existsSync(join(tree, `tektite-${name}`))) traces.push(join(tree, `tektite-${name}`));
  }
  for (const pid of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(`${state}/`)) traces.push(`process ${pid}: ${line.replaceAll('\0', ' ')}`);
  }
  traces.push(
    ...(await filesNaming('/var/lib/cni/results', `tektite-${name}-`)),
    ...(await deadLinks('/var/log/containers', state)),
  );
  return traces;
}

async function filesNaming(folder: string, prefix: string): Promise<string[]> {
  const files = await readdir(folder).catch(() => []);
  return files.filter((file) => file.startsWith(prefix)).map((file) => join(folder, file));
}

async function deadLinks(folder: string, state: string): Promise<string[]> {
  const links: string[] = [];
  for (const file of await readdir(folder).catch(() => [])) {
    if ((await readlink(join(folder, file)).catch(() => '')).startsWith(`${state}/`)) links.push(join(folder, file));
  }
  return links;
}
