/** One cluster of this machine: its name, where its state lies, and the addresses and ports it was given once. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { withLock } from '../lock.ts';

/** `full` has a node that runs pods, in a network namespace; `control-plane` is etcd and the API server on loopback. */
export type Mode = 'full' | 'control-plane';

export interface Instance {
  readonly name: string;
  readonly mode: Mode;
  /** Numbers the address block (full) so that instances of one machine do not meet; unused by a control plane alone. */
  readonly index: number;
  /** Where the API server listens, and the node's address. */
  readonly address: string;
  /** The host's end of the cable to the namespace; the same as `address` on loopback. */
  readonly hostAddress: string;
  readonly podRange: string;
  readonly serviceRange: string;
  readonly ports: {
    readonly api: number;
    readonly etcd: number;
    readonly etcdPeer: number;
    readonly etcdMetrics: number;
  };
}

const MAX_INDEX = 15;
const NAME = /^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/; // short: unix socket paths have 107 characters

/**
 * The folder that holds every instance's state. Users other than root can have a control plane alone, in their home.
 */
export function stateRoot(): string {
  const forUser = () => join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'tektite');
  return process.env['TEKTITE_STATE_DIR'] ?? (process.getuid?.() === 0 ? '/var/lib/tektite' : forUser());
}

/** Path of a file of an instance's state. */
export function statePath(name: string, ...parts: string[]): string {
  return join(stateRoot(), name, ...parts);
}

/** A machine that runs pods: the first is always there, the second for what needs two. */
export type Machine = 'first' | 'second';

/** Path of a file of one machine's state. */
export function machinePath(name: string, machine: Machine, ...parts: string[]): string {
  return statePath(name, ...(machine === 'second' ? ['second'] : []), ...parts);
}

/** Short folder for sockets: the shims' are named by a 64-digit digest. */
export function socketDir(name: string): string {
  return `/run/tektite-${name}`;
}

/** Throws unless the text can name an instance. */
export function checkName(name: string): string {
  if (NAME.test(name)) return name;
  throw new Error(
    `cluster name ${JSON.stringify(name)}: use at most 20 lower-case letters, digits and dashes, a letter first`,
  );
}

/** The instance as it was made, or undefined when there is none of that name. */
export async function readInstance(name: string): Promise<Instance | undefined> {
  try {
    return JSON.parse(await readFile(statePath(name, 'instance.json'), 'utf8')) as Instance;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The instance of that name, made now if there is none. Throws when there is one of the other mode. */
export async function ensureInstance(name: string, mode: Mode): Promise<Instance> {
  return withLock(join(stateRoot(), 'addresses.lock'), async () => {
    const known = await readInstance(name);
    if (known?.mode === mode) return known;
    if (known !== undefined)
      throw new Error(`cluster ${name} is there as ${known.mode}: take it down first, or choose another --name`);
    const made = mode === 'full' ? fullInstance(name, await freeIndex()) : await controlPlaneInstance(name);
    await mkdir(statePath(name), { recursive: true, mode: 0o755 });
    await writeFile(statePath(name, 'instance.json'), `${JSON.stringify(made, null, 2)}\n`);
    return made;
  });
}

/** Names of all instances below the state root. */
export async function instanceNames(): Promise<string[]> {
  const entries = await readdir(stateRoot()).catch(() => []);
  return entries.filter((entry) => existsSync(statePath(entry, 'instance.json'))).sort();
}

/** The host's network interface of a full instance. */
export function hostInterface(instance: Instance): string {
  return `tektite${instance.index}`;
}

/** The `n`th address of the service range: 1 is the API server's, 10 the DNS server's. */
export function serviceAddress(instance: Instance, n: number): string {
  return instance.serviceRange.replace(/\.0\/\d+$/, `.${n}`);
}

export function nodeName(instance: Instance, machine: Machine = 'first'): string {
  return `${instance.name}-${machine === 'second' ? 'second' : 'node'}`;
}

function fullInstance(name: string, index: number): Instance {
  return {
    name,
    mode: 'full',
    index,
    address: `198.18.${index}.2`,
    hostAddress: `198.18.${index}.1`,
    podRange: `10.244.${index * 16}.0/20`,
    serviceRange: `10.${96 + index}.0.0/16`,
    ports: { api: 6443, etcd: 2379, etcdPeer: 2380, etcdMetrics: 2381 },
  };
}

async function controlPlaneInstance(name: string): Promise<Instance> {
  const [api, etcd, etcdPeer, etcdMetrics] = (await freePorts(4)) as [number, number, number, number];
  const loopback = {
    address: '127.0.0.1',
    hostAddress: '127.0.0.1',
    podRange: '10.244.0.0/20',
    serviceRange: '10.96.0.0/16',
  };
  return { name, mode: 'control-plane', index: 0, ...loopback, ports: { api, etcd, etcdPeer, etcdMetrics } };
}

async function freeIndex(): Promise<number> {
  const others = await Promise.all((await instanceNames()).map(readInstance));
  const taken = new Set(others.filter((other) => other?.mode === 'full').map((other) => other?.index));
  for (let index = 0; index <= MAX_INDEX; index++) {
    if (!taken.has(index) && !existsSync(`/sys/class/net/tektite${index}`)) return index;
  }
  throw new Error(
    `all ${MAX_INDEX + 1} address blocks are in use: take a cluster down first (${[...taken].join(', ')})`,
  );
}

/** Ports that are free now; all are held open until all are known, so they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address !== null && typeof address === 'object') ports.push(address.port);
  }
  for (const server of servers) await new Promise((closed) => server.close(closed));
  return ports;
}
