import { probeHttp } from '../api.ts';
import { statePath } from '../instance.ts';
import type { Part } from '../part.ts';

/** Listens on loopback only; its metrics port, which also tells health, is reachable from the host. */
export const etcd: Part = {
  name: 'etcd',
  modes: ['full', 'control-plane'],
  after: [],
  binaries: ['etcd'],
  launch(instance, binary) {
    const { ports } = instance;
    const client = `http://127.0.0.1:${ports.etcd}`;
    const peer = `http://127.0.0.1:${ports.etcdPeer}`;
    return {
      argv: [
        binary('etcd'),
        `--name=${instance.name}`,
        `--data-dir=${statePath(instance.name, 'etcd')}`,
        `--listen-client-urls=${client}`,
        `--advertise-client-urls=${client}`,
        `--listen-peer-urls=${peer}`,
        `--initial-advertise-peer-urls=${peer}`,
        `--initial-cluster=${instance.name}=${peer}`,
        `--listen-metrics-urls=http://${instance.address}:${ports.etcdMetrics}`,
        '--unsafe-no-fsync', // a throw-away cluster: speed before a power cut
        '--auto-compaction-mode=periodic',
        '--auto-compaction-retention=10m',
        '--log-level=warn',
      ],
    };
  },
  health: ({ address, ports }) => probeHttp(`http://${address}:${ports.etcdMetrics}/health`),
};
