/** Takes an instance down and leaves nothing of it: process, mount, namespace, control group, file. */
import { existsSync } from 'node:fs';
import { readFile, readdir, readlink, rm, rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeCgroups } from './cgroup.ts';
import { command } from '../command.ts';
import {
  hostInterface,
  instanceNames,
  readInstance,
  socketDir,
  statePath,
  stateRoot,
  type Instance,
  type Machine,
} from './instance.ts';
import { unmountBelow } from './mounts.ts';
import { containerdSocket, podNetworkName } from './parts/containerd.ts';
import { partsOf, SECOND_MACHINE } from './parts.ts';
import { identify, isRunning, stopProcess, stopStarted, type Identity } from './process.ts';
import { pidFile } from './supervise.ts';

const CNI_RESULTS = '/var/lib/cni/results';
const POD_LOG_LINKS = '/var/log/containers';

/** Returns false when there was no such cluster. */
export async function down(name: string): Promise<boolean> {
  const instance = await readInstance(name);
  if (instance !== undefined) await stopParts(instance);
  if (instance?.mode === 'full') {
    await stopShims(instance, 'first');
    await stopShims(instance, 'second');
    await removeCgroups(name);
    await unmountBelow(statePath(name));
    await removeCable(instance);
    await removeTraces(instance);
  }
  const existed = existsSync(statePath(name));
  await rm(statePath(name), { recursive: true, force: true, maxRetries: 5 });
  await rm(socketDir(name), { recursive: true, force: true });
  await rmdir(stateRoot()).catch(() => {}); // other instances' state may be there
  if ((await instanceNames()).length === 0) await removeSharedFolders();
  return existed;
}

/** kubelets first, so that nobody starts pods anew; all at once after them, and hard: their state is thrown away. */
async function stopParts(instance: Instance): Promise<void> {
  const names = [...partsOf(instance), ...SECOND_MACHINE].map((part) => part.name);
  for (const name of ['kubelet', 'kubelet-second', 'containerd', 'containerd-second'])
    if (names.includes(name)) await stopStarted(pidFile(instance, name), 0);
  await Promise.all(names.map((name) => stopStarted(pidFile(instance, name), 0)));
}

/** Shims live on without containerd; they carry its socket's path in their command line. */
export async function stopShims(instance: Instance, machine: Machine): Promise<void> {
  const socket = containerdSocket(instance, machine);
  for (let attempt = 0; attempt < 10; attempt++) {
    const shims = await processesWithArgument('containerd-shim-runc-v2', socket);
    await Promise.all(shims.map((shim) => stopProcess(shim, 0)));
    if (shims.length === 0) return;
    await sleep(50);
  }
}

async function processesWithArgument(command: string, argument: string): Promise<Identity[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const found: Identity[] = [];
  for (const pid of pids) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const [program = '', ...args] = line.split('\0');
    if (!program.endsWith(command) || !args.some((arg) => arg === argument || arg.startsWith(`${argument}.`))) continue;
    try {
      const identity = identify(pid);
      if (isRunning(identity)) found.push(identity);
    } catch {
      // ended since
    }
  }
  return found;
}

async function removeCable(instance: Instance): Promise<void> {
  const cable = hostInterface(instance);
  const isThere = () => existsSync(`/sys/class/net/${cable}`);
  if (!isThere()) return;
  await command(['ip', 'link', 'delete', cable]).catch((error: unknown) => {
    // The kernel takes it away with the namespace's end of it, at its own time.
    if (isThere()) throw error;
  });
}

/** kubelet and CNI keep these few files in folders that no setting moves. */
async function removeTraces(instance: Instance): Promise<void> {
  const prefix = `${podNetworkName(instance.name)}-`;
  for (const file of await readdir(CNI_RESULTS).catch(() => []))
    if (file.startsWith(prefix)) await rm(join(CNI_RESULTS, file), { force: true });
  for (const file of await readdir(POD_LOG_LINKS).catch(() => [])) {
    const target = await readlink(join(POD_LOG_LINKS, file)).catch(() => '');
    if (target.startsWith(`${statePath(instance.name)}/`)) await unlink(join(POD_LOG_LINKS, file));
  }
}

/** Made by the first kubelet and CNI call of the machine, and expected by those that still run; kept unless empty. */
async function removeSharedFolders(): Promise<void> {
  for (const folder of [CNI_RESULTS, dirname(CNI_RESULTS), POD_LOG_LINKS]) await rmdir(folder).catch(() => {});
}
