import { callApi } from './api.ts';
import { messageOf } from '../../src/errors.ts';
import { nodeName, statePath, type Instance } from './instance.ts';
import { apiServerUrl, kubeconfigPath } from './kubeconfig.ts';
import { partsOf } from './parts.ts';
import { registryUrl } from './parts/registry.ts';
import { logFile, logTail, runningProcess, uptimeSeconds } from './supervise.ts';

export interface PartStatus {
  readonly name: string;
  readonly state: 'healthy' | 'unhealthy' | 'dead';
  readonly pid?: number;
  readonly uptimeSeconds?: number;
  /** What is wrong; the end of its log when it is dead. */
  readonly message?: string;
  readonly log: string;
}

export interface ClusterStatus {
  readonly name: string;
  readonly mode: Instance['mode'];
  readonly healthy: boolean;
  readonly server: string;
  readonly kubeconfig: string;
  readonly state: string;
  readonly registry?: string;
  readonly node?: string;
  readonly hostAddress?: string;
  readonly pods?: number;
  readonly parts: readonly PartStatus[];
}

/** Asks every part how it does. */
export async function statusOf(instance: Instance): Promise<ClusterStatus> {
  const [pods, ...parts] = await Promise.all([
    countPods(instance),
    ...partsOf(instance).map((part) => partStatus(instance, part.name, () => part.health(instance))),
  ]);
  const full = { registry: registryUrl(instance), node: nodeName(instance), hostAddress: instance.hostAddress, pods };
  return {
    name: instance.name,
    mode: instance.mode,
    healthy: parts.every((part) => part.state === 'healthy'),
    server: apiServerUrl(instance),
    kubeconfig: kubeconfigPath(instance, 'admin'),
    state: statePath(instance.name),
    ...(instance.mode === 'full' && full),
    parts,
  };
}

/** A table for people. */
export function statusTable(status: ClusterStatus): string {
  const lines = [
    `cluster ${status.name} (${status.mode}) at ${status.server}${status.healthy ? '' : ': NOT healthy, "hack/cluster up" heals it'}`,
  ];
  for (const part of status.parts) {
    lines.push(
      `  ${part.name.padEnd(24)}${part.state.padEnd(11)}${String(part.pid ?? '-').padEnd(9)}${part.uptimeSeconds === undefined ? '' : `${part.uptimeSeconds} s`}`,
    );
    if (part.message !== undefined) lines.push(...part.message.split('\n').map((line) => `      ${line}`));
  }
  if (status.registry !== undefined)
    lines.push(
      `  registry ${status.registry}, host as seen from pods ${status.hostAddress}, ${status.pods ?? '?'} pods`,
    );
  lines.push(`  export KUBECONFIG=${status.kubeconfig}`);
  return lines.join('\n');
}

async function partStatus(
  instance: Instance,
  name: string,
  health: () => Promise<string | undefined>,
): Promise<PartStatus> {
  const log = logFile(instance, name);
  const process = await runningProcess(instance, name);
  if (process === undefined)
    return {
      name,
      state: 'dead',
      message: `its process ended; last lines of ${log}:\n${await logTail(instance, name)}`,
      log,
    };
  const message = await health().catch(messageOf);
  const state = message === undefined ? 'healthy' : 'unhealthy';
  return { name, state, pid: process.pid, uptimeSeconds: uptimeSeconds(process), message, log };
}

async function countPods(instance: Instance): Promise<number | undefined> {
  try {
    const { body } = await callApi(instance, 'GET', '/api/v1/pods?limit=500');
    return (JSON.parse(body) as { items?: unknown[] }).items?.length;
  } catch {
    return undefined; // the API server's own line says why
  }
}
