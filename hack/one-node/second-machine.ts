/** The second machine of a cluster, for what needs two nodes: a containerd and a kubelet beside the first ones. */
import { rm } from 'node:fs/promises';
import { callApi } from './api.ts';
import { ensureCgroups } from './cgroup.ts';
import { stopShims } from './down.ts';
import { machinePath, nodeName, type Instance } from './instance.ts';
import { unmountBelow } from './mounts.ts';
import { SECOND_MACHINE } from './parts.ts';
import { stopPart } from './supervise.ts';
import { startPart } from './up.ts';

/** Starts it, or heals it, and gives the name of its node, which is Ready. */
export async function addSecondMachine(instance: Instance): Promise<string> {
  if (instance.mode !== 'full') throw new Error(`cluster ${instance.name} is a control plane alone: it has no nodes`);
  await ensureCgroups(instance.name, 'second');
  for (const part of SECOND_MACHINE) await startPart(instance, part);
  return nodeName(instance, 'second');
}

/** Stops it, with whatever still runs on it, and takes its node out of the cluster. */
export async function removeSecondMachine(instance: Instance): Promise<void> {
  for (const part of SECOND_MACHINE.toReversed()) await stopPart(instance, part);
  await stopShims(instance, 'second');
  await unmountBelow(machinePath(instance.name, 'second'));
  await rm(machinePath(instance.name, 'second'), { recursive: true, force: true, maxRetries: 5 });
  const name = nodeName(instance, 'second');
  const { status, body } = await callApi(instance, 'DELETE', `/api/v1/nodes/${name}`);
  if (status !== 200 && status !== 404) throw new Error(`node ${name} could not be taken out of the cluster: ${body}`);
}
