import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { podChanges } from '../../src/core/pod/changes.ts';
import { podOf } from '../../src/core/pod/pod.fake.ts';
import type { NewPod, Pod as RunPod } from '../../src/core/pod/types.ts';
import { unlessExists, type KubeClient } from '../../src/kube/client.ts';
import { loadClusterConfig } from '../../src/kube/config.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { limitRanges, namespaces, pods, serviceAccounts, type LimitRange, type Pod } from '../../src/kube/resources.ts';
import { TestClient } from '../cluster-access/test-client.ts';

/**
 * Pods as a real API server gives them back, with ServiceAccount admission, LimitRanger and Priority: nothing that
 * these add may count as a change, whatever the pod looks like. The closed list of core/pod/admitted.ts stands on this.
 */
const golden = join(import.meta.dirname, '../../src/core/pod/golden');
const plain = `pod-changes-${process.pid}`;
const limited = `${plain}-limited`;
let client: KubeClient;
const priorityClasses: Resource<KubeObject & { value: number }> = {
  group: 'scheduling.k8s.io',
  version: 'v1',
  plural: 'priorityclasses',
  kind: 'PriorityClass',
  namespaced: false,
};

/** Every field of a pod that a Task or pod template can set and that the API server completes. */
const everything: NewPod = withSpec({
  containers: [
    {
      name: 'step-all',
      image: 'busybox:latest',
      command: ['true'],
      args: ['', '$(params)'],
      workingDir: '',
      env: [
        { name: 'EMPTY', value: '' },
        { name: 'FIELD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'AMOUNT', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
        { name: 'SECRET', valueFrom: { secretKeyRef: { name: 's', key: 'k', optional: false } } },
      ],
      envFrom: [{ prefix: 'P_', configMapRef: { name: 'c' } }],
      resources: { limits: { cpu: 2, memory: '1024Mi' }, requests: { cpu: '0.5' } },
      volumeMounts: [{ name: 'empty', mountPath: '/empty', readOnly: false, subPath: '' }],
      securityContext: {
        allowPrivilegeEscalation: false,
        privileged: false,
        runAsUser: 0,
        capabilities: { drop: ['ALL'] },
      },
    },
    {
      name: 'sidecar-all',
      image: 'registry.example.com/side@sha256:0000000000000000000000000000000000000000000000000000000000000000',
      ports: [{ containerPort: 80 }, { name: 'udp', containerPort: 81, protocol: 'UDP', hostPort: 0 }],
      livenessProbe: { httpGet: { port: 80 }, initialDelaySeconds: 0 },
      readinessProbe: { tcpSocket: { port: 'udp' }, periodSeconds: 2 },
      startupProbe: { grpc: { port: 80 } },
      lifecycle: { preStop: { httpGet: { port: 80 } }, postStart: { exec: { command: ['true'] } } },
      stdin: false,
      tty: true,
    },
  ],
  initContainers: [{ name: 'prepare', image: 'busybox', resources: {} }],
  volumes: [
    { name: 'empty', emptyDir: {} },
    { name: 'none' },
    { name: 'sized', emptyDir: { medium: 'Memory', sizeLimit: '1024Mi' } },
    { name: 'secret', secret: { secretName: 's', items: [{ key: 'k', path: 'p' }] } },
    { name: 'config', configMap: { name: 'c', optional: true } },
    { name: 'host', hostPath: { path: '/tmp' } },
    { name: 'claim', persistentVolumeClaim: { claimName: 'c', readOnly: false } },
    { name: 'csi', csi: { driver: 'd', readOnly: true } },
    { name: 'iscsi', iscsi: { targetPortal: '10.0.0.1', iqn: 'iqn.2001-04.com.example:a', lun: 0 } },
    { name: 'nfs', nfs: { server: 's', path: '/' } },
    {
      name: 'ephemeral',
      ephemeral: {
        volumeClaimTemplate: {
          spec: {
            accessModes: ['ReadWriteOnce'],
            storageClassName: '',
            resources: { requests: { storage: '1024Mi' } },
          },
        },
      },
    },
    {
      name: 'downward',
      downwardAPI: {
        items: [
          { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
          { path: 'cpu', resourceFieldRef: { containerName: 'step-all', resource: 'limits.cpu' } },
        ],
      },
    },
    {
      name: 'projected',
      projected: {
        sources: [
          { serviceAccountToken: { path: 'token', audience: 'a' } },
          { secret: { name: 's' } },
          { downwardAPI: { items: [{ path: 'l', fieldRef: { fieldPath: 'metadata.labels' } }] } },
        ],
      },
    },
  ],
  nodeSelector: { disk: 'ssd' },
  tolerations: [{ key: 'gpu', operator: 'Exists' }],
  affinity: {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 100, podAffinityTerm: { labelSelector: { matchLabels: { a: 'b' } }, topologyKey: 'zone' } },
      ],
    },
  },
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }],
  securityContext: { runAsNonRoot: true, fsGroup: 0, seccompProfile: { type: 'RuntimeDefault' } },
  hostAliases: [{ ip: '127.0.0.1', hostnames: ['a'] }],
  dnsConfig: { options: [{ name: 'ndots', value: '1' }] },
  priorityClassName: 'system-node-critical',
  serviceAccountName: 'default',
  restartPolicy: 'Never',
  activeDeadlineSeconds: 60,
});

const shapes: [name: string, pod: NewPod][] = [
  ...readdirSync(golden).map((file): [string, NewPod] => [
    file.replace('.yaml', ''),
    parse(readFileSync(join(golden, file), 'utf8')) as NewPod,
  ]),
  ['everything', everything],
  [
    'host-network',
    withSpec({ hostNetwork: true, containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }] }] }),
  ],
  ['no-token', withSpec({ automountServiceAccountToken: false, containers: [{ name: 'c', image: 'i' }] })],
  ['own-pull-secret', withSpec({ imagePullSecrets: [{ name: 'mine' }], containers: [{ name: 'c', image: 'i:1' }] })],
  [
    'own-token',
    withSpec({
      containers: [
        {
          name: 'c',
          image: 'i:1',
          volumeMounts: [{ name: 'own', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }],
        },
      ],
      volumes: [{ name: 'own', emptyDir: {} }],
    }),
  ],
];

function withSpec(spec: NewPod['spec']): NewPod {
  const { metadata } = podOf({ steps: [] });
  const { uid: _uid, creationTimestamp: _created, ...sent } = metadata;
  return { apiVersion: 'v1', kind: 'Pod', metadata: sent, spec };
}

async function create(namespace: string, name: string, pod: NewPod): Promise<{ sent: NewPod; returned: RunPod }> {
  const sent = { ...pod, metadata: { ...pod.metadata, name, namespace } };
  return { sent, returned: (await client.create(pods, sent as Pod)) as RunPod };
}

beforeAll(async () => {
  client = new TestClient(await loadClusterConfig({ kubeconfig: process.env['TEKTITE_TEST_KUBECONFIG'] ?? '' }), {
    userAgent: 'pod-changes-test',
  });
  for (const name of [plain, limited]) await client.create(namespaces, { metadata: { name } });
  // A golden pod names it. Whoever shares the cluster may have made it.
  await client.create(priorityClasses, { metadata: { name: 'high' }, value: 1000 }).catch(unlessExists);
  await client.create(serviceAccounts, { metadata: { name: 'default', namespace: plain } });
  await client.create(serviceAccounts, {
    metadata: { name: 'default', namespace: limited },
    imagePullSecrets: [{ name: 'registry' }],
  });
  for (const namespace of [plain, limited])
    await client.create(serviceAccounts, { metadata: { name: 'builder', namespace } });
  await client.create(limitRanges, {
    metadata: { name: 'limits', namespace: limited },
    spec: {
      limits: [{ type: 'Container', default: { cpu: '4', memory: '4Gi' }, defaultRequest: { cpu: '1m' } }],
    },
  } as unknown as LimitRange);
});

afterAll(async () => {
  for (const name of [plain, limited]) await client.delete(namespaces, undefined, name);
});

describe('what the API server adds to a pod is no change', () => {
  it.each(shapes)('%s', async (name, pod) => {
    const { sent, returned } = await create(plain, name, pod);
    expect(podChanges(sent, returned)).toEqual([]);
  });

  it.each(shapes)('%s, with a LimitRange and pull secrets of the service account', async (name, pod) => {
    const { sent, returned } = await create(limited, name, pod);
    expect(podChanges(sent, returned)).toEqual([]);
  });
});
