import { dirname } from 'node:path';
import { probeSocket } from '../api.ts';
import { PAUSE_IMAGE, registryUrl } from './registry.ts';
import { machinePath, socketDir, statePath, type Instance, type Machine } from '../instance.ts';
import { PART_PATH, type Part } from '../part.ts';

/** Absolute, because ctr and kubelet need it so. */
export function containerdSocket(instance: Instance, machine: Machine = 'first'): string {
  return machinePath(instance.name, machine, 'containerd.sock');
}

/** Also names the files that CNI leaves in /var/lib/cni, so that `down` finds its own. */
export function podNetworkName(name: string): string {
  return `tektite-${name}`;
}

export const containerd = containerdOf('first');
export const secondContainerd = containerdOf('second');

function containerdOf(machine: Machine): Part {
  return {
    name: machine === 'second' ? 'containerd-second' : 'containerd',
    modes: ['full'],
    after: [],
    binaries: ['containerd', 'containerd-shim-runc-v2', 'ctr', 'runc', 'bridge', 'loopback', 'host-local', 'portmap'],
    launch(instance, binary) {
      const own = (...parts: string[]) => machinePath(instance.name, machine, 'containerd', ...parts);
      const binaries = dirname(binary('containerd'));
      return {
        argv: [binary('containerd'), '--config', own('config.toml')],
        env: { PATH: `${binaries}:${PART_PATH}` }, // where it looks for its shim
        folders: [socketDir(instance.name)],
        files: {
          [own('config.toml')]: daemonConfig(instance, machine, binaries),
          [own('certs.d', '_default', 'hosts.toml')]: mirrorConfig(instance),
          [own('cni', '10-pods.conflist')]: podNetwork(instance),
        },
      };
    },
    health: (instance) => probeSocket(containerdSocket(instance, machine)),
  };
}

/**
 * restrict_oom_score_adj: without CAP_SYS_RESOURCE nobody may lower it. runc's root and the shims' sockets are kept out
 * of shared folders.
 */
function daemonConfig(instance: Instance, machine: Machine, binaries: string): string {
  const state = (...parts: string[]) => machinePath(instance.name, machine, ...parts);
  return `version = 3
root = '${state('containerd', 'root')}'
state = '${state('containerd', 'state')}'
disabled_plugins = ['io.containerd.nri.v1.nri', 'io.containerd.internal.v1.opt', 'io.containerd.internal.v1.tracing',
  'io.containerd.snapshotter.v1.btrfs', 'io.containerd.snapshotter.v1.zfs', 'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.blockfile', 'io.containerd.snapshotter.v1.erofs']
[grpc]
  address = '${containerdSocket(instance, machine)}'
[ttrpc]
  address = '${containerdSocket(instance, machine)}.ttrpc'
[plugins.'io.containerd.shim.v1.manager']
  socket_dir = '${socketDir(instance.name)}'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '${PAUSE_IMAGE}'
[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = '${state('containerd', 'certs.d')}'
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['${binaries}']
  conf_dir = '${state('containerd', 'cni')}'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  BinaryName = '${binaries}/runc'
  Root = '${state('runc')}'
`;
}

/** Every registry of the world is ours, and there is no other to ask after it: an unknown image fails at once. */
function mirrorConfig(instance: Instance): string {
  return `server = '${registryUrl(instance)}'
capabilities = ['pull', 'resolve']
`;
}

function podNetwork(instance: Instance): string {
  const network = {
    cniVersion: '1.0.0',
    name: podNetworkName(instance.name),
    plugins: [
      {
        type: 'bridge',
        bridge: 'pods',
        isGateway: true,
        hairpinMode: true, // a pod may reach itself through its Service
        ipam: {
          type: 'host-local',
          // Of both machines: their pods are on one bridge.
          dataDir: statePath(instance.name, 'containerd', 'addresses'),
          ranges: [[{ subnet: instance.podRange }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', backend: 'nftables', capabilities: { portMappings: true } },
    ],
  };
  return JSON.stringify(network, null, 2);
}
