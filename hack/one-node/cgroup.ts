/**
 * The control group that all pods of an instance live in: made before kubelet starts, emptied and removed at the end.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Machine } from './instance.ts';
import { identify, stopProcess, type Identity } from './process.ts';
import { cgroupTrees } from './mounts.ts';

/** kubelet's --cgroup-root; the second machine's is within the first's, and goes with it. */
export function cgroupRoot(name: string, machine: Machine = 'first'): string {
  return `/tektite-${name}${machine === 'second' ? '/second' : ''}`;
}

/** kubelet wants its root in every v1 controller; a v1 cpuset without cpus and memory nodes takes no process. */
export async function ensureCgroups(name: string, machine: Machine = 'first'): Promise<void> {
  const { points } = await cgroupTrees();
  for (const point of points) {
    const folder = join(point, cgroupRoot(name, machine));
    await mkdir(folder, { recursive: true });
    for (const file of ['cpuset.cpus', 'cpuset.mems']) await inherit(point, folder, file);
    await delegateControllers(point);
  }
}

/** Kills every process of the instance's pods and removes the groups. Throws when some stay. */
export async function removeCgroups(name: string): Promise<void> {
  const { points } = await cgroupTrees();
  const folders = points.map((point) => join(point, cgroupRoot(name))).filter((folder) => existsSync(folder));
  for (let attempt = 0; attempt < 50; attempt++) {
    const groups = (await Promise.all(folders.map(groupsBelow))).flat();
    const processes = new Set((await Promise.all(groups.map(processesOf))).flat());
    await Promise.all([...processes].map(endPodProcess));
    await Promise.all(folders.map(removeTree));
    if (folders.every((folder) => !existsSync(folder))) return;
    await sleep(100);
  }
  throw new Error(`control groups stay: ${folders.filter((folder) => existsSync(folder)).join(', ')}`);
}

async function endPodProcess(pid: number): Promise<void> {
  let identity: Identity;
  try {
    identity = identify(pid);
  } catch {
    return; // gone already
  }
  await stopProcess(identity, 0);
}

async function inherit(parent: string, folder: string, file: string): Promise<void> {
  const value = await readFile(join(parent, file), 'utf8').catch(() => '');
  const current = await readFile(join(folder, file), 'utf8').catch(() => 'absent');
  if (value.trim() !== '' && current.trim() === '') await writeFile(join(folder, file), value.trim());
}

/** On v2 a group has the controllers that its parent passes on. */
async function delegateControllers(point: string): Promise<void> {
  const controllers = await readFile(join(point, 'cgroup.controllers'), 'utf8').catch(() => '');
  for (const controller of controllers
    .trim()
    .split(' ')
    .filter((word) => word !== '')) {
    await writeFile(join(point, 'cgroup.subtree_control'), `+${controller}`).catch(() => {}); // kubelet names one that it misses
  }
}

async function groupsBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const below = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map((entry) => groupsBelow(join(folder, entry.name))),
  );
  return [...below.flat(), folder]; // children first: the order of removal
}

async function processesOf(group: string): Promise<number[]> {
  const text = await readFile(join(group, 'cgroup.procs'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(Number);
}

async function removeTree(folder: string): Promise<void> {
  for (const group of await groupsBelow(folder)) await rmdir(group).catch(() => {}); // busy: tried again
}
