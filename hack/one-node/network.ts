/**
 * The full cluster's network namespace. It has one cable to the host and no other way out; the host gets one interface
 * and two routes (pods, services), which vanish with it. The namespace is held by a file of the state folder, not by
 * /run/netns, so that nothing of it lies elsewhere.
 */
import { statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { command } from '../command.ts';
import { say } from '../progress.ts';
import { hostInterface, statePath, type Instance } from './instance.ts';
import { mountPointsBelow } from './mounts.ts';

export function namespaceFile(name: string): string {
  return statePath(name, 'netns');
}

/**
 * The command line that runs `argv` inside the namespace. Not `ip netns exec`: that mounts /sys anew and hides the
 * control groups from kubelet.
 */
export function inNamespace(instance: Instance, argv: readonly string[]): string[] {
  return instance.mode === 'full' ? ['nsenter', `--net=${namespaceFile(instance.name)}`, '--', ...argv] : [...argv];
}

/** Tells one namespace from a later one of the same path. */
export function namespaceIdentity(instance: Instance): string {
  return instance.mode === 'full' ? String(statSync(namespaceFile(instance.name)).ino) : 'host';
}

/** Makes the namespace, its cable, routes and settings where they are missing. */
export async function ensureNetwork(instance: Instance): Promise<void> {
  const file = namespaceFile(instance.name);
  if ((await mountPointsBelow(file)).length === 0) {
    await writeFile(file, '');
    await command(['unshare', `--net=${file}`, 'true']);
  }
  const cable = hostInterface(instance);
  if (!linkExists(cable))
    await command(['ip', 'link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', file]);
  await command(['sh', '-ec', hostSide(instance, cable)]);
  await command(inNamespace(instance, ['sh', '-ec', insideOf(instance)]));
  await command(['sh', '-ec', hostRoutes(instance)]).catch((error: unknown) => {
    say(`the host has no route to pods and Services (port-forward still works): ${String(error)}`);
  });
}

function hostSide(instance: Instance, cable: string): string {
  return `ip addr replace ${instance.hostAddress}/30 dev ${cable}; ip link set ${cable} up`;
}

function hostRoutes(instance: Instance): string {
  return [instance.podRange, instance.serviceRange]
    .map((range) => `ip route replace ${range} via ${instance.address}`)
    .join('; ');
}

/**
 * Service addresses need some route for processes of the node itself (the API server calling a webhook): a bridge
 * without ports takes what kube-proxy does not rewrite, and drops it.
 */
function insideOf(instance: Instance): string {
  return `
ip link set lo up
ip addr replace ${instance.address}/30 dev eth0
ip link set eth0 up
[ -e /proc/sys/net/ipv4/conf/services ] || ip link add services type bridge
ip link set services up
ip route replace ${instance.serviceRange} dev services src ${instance.address}
echo 1 > /proc/sys/net/ipv4/ip_forward
modprobe br_netfilter 2>/dev/null || true
[ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables
`;
}

function linkExists(name: string): boolean {
  return statSync(`/sys/class/net/${name}`, { throwIfNoEntry: false }) !== undefined;
}
