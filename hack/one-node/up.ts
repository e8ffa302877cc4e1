import { mkdir } from 'node:fs/promises';
import { tools } from './binaries.ts';
import { ensureCgroups } from './cgroup.ts';
import { ensureRuntimePackages } from './debian.ts';
import { say } from '../progress.ts';
import { ensureInstance, statePath, type Instance, type Mode } from './instance.ts';
import { kubeconfigPath } from './kubeconfig.ts';
import { ensureNetwork } from './network.ts';
import type { Part } from './part.ts';
import { partsOf } from './parts.ts';
import { ensurePki } from './pki.ts';
import { ensurePart, trimLogs } from './supervise.ts';

/** Brings a cluster up, or heals one: whatever is there and well is left alone. Throws naming the part that failed. */
export async function up(name: string, mode: Mode): Promise<Instance> {
  if (mode === 'full' && process.getuid?.() !== 0)
    throw new Error('a node needs root: run as root, or use --control-plane');
  await ensureRuntimePackages(mode);
  const binary = await binariesOf(partsOf({ mode }));
  const began = Date.now();
  const instance = await ensureInstance(name, mode);
  await Promise.all(['log', 'run', 'pki'].map((folder) => mkdir(statePath(name, folder), { recursive: true })));
  await Promise.all([ensurePki(instance), ...(mode === 'full' ? [ensureNetwork(instance), ensureCgroups(name)] : [])]);
  await ensureParts(instance, partsOf(instance), binary);
  say(
    `cluster ${name} is up (${((Date.now() - began) / 1000).toFixed(1)} s); export KUBECONFIG=${kubeconfigPath(instance, 'admin')}`,
  );
  return instance;
}

/** Starts one part again, healthy or not. */
export async function startPart(instance: Instance, part: Part): Promise<void> {
  await ensurePart(instance, part, await binariesOf([part]));
}

/** All parts, each as soon as those it needs are healthy. The first failure ends the waiting for the others. */
async function ensureParts(
  instance: Instance,
  parts: readonly Part[],
  binary: (name: string) => string,
): Promise<void> {
  const failed = new AbortController();
  const healthy = new Map<string, Promise<void>>();
  for (const part of parts) {
    const start = async () => {
      await Promise.all(part.after.map((needed) => healthy.get(needed) ?? Promise.resolve()));
      failed.signal.throwIfAborted();
      await trimLogs(instance, part.name);
      await ensurePart(instance, part, binary, failed.signal);
    };
    healthy.set(
      part.name,
      start().catch((error: unknown) => {
        failed.abort(error);
        throw error;
      }),
    );
  }
  await Promise.allSettled(healthy.values());
  if (failed.signal.aborted) throw failed.signal.reason;
}

async function binariesOf(parts: readonly Part[]): Promise<(name: string) => string> {
  const names = parts.flatMap((part) => part.binaries);
  const paths = await tools(names);
  const byName = new Map(names.map((name, index) => [name, paths[index] as string]));
  return (name) => {
    const path = byName.get(name);
    if (path === undefined) throw new Error(`${name} was not built: list it in the part's binaries`);
    return path;
  };
}
