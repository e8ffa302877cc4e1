import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tamperings } from '../digest/tamper.fake.ts';
import { podChanges } from './changes.ts';
import { podOf } from './pod.fake.ts';
import type { Container, NewPod, Pod } from './types.ts';

const { metadata, spec } = podOf({
  steps: [
    {
      name: 'one',
      image: 'golang',
      command: ['go'],
      env: [{ name: 'A', value: '1' }],
      computeResources: { requests: { cpu: '1000m' } },
      securityContext: { allowPrivilegeEscalation: false, runAsUser: 0 },
    },
  ],
  sidecars: [{ name: 'db', image: 'postgres', ports: [{ containerPort: 80 }] }],
});
const { uid: _uid, creationTimestamp: _created, ...sentMetadata } = metadata;
const sent: NewPod = { apiVersion: 'v1', kind: 'Pod', metadata: sentMetadata, spec };

const token = 'kube-api-access-x7k2p';
const tokenMount = { name: token, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true };
const tokenVolume = {
  name: token,
  projected: {
    defaultMode: 420,
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
  },
};
const toleration = (name: string) => ({
  key: `node.kubernetes.io/${name}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
});

/** A pod as a server with the usual admission gives it back. */
function served(pod: NewPod): Pod {
  const complete = (container: Container): Container => ({
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'Always',
    ...container,
    resources: { ...container.resources },
    volumeMounts: [...(container.volumeMounts ?? []), tokenMount],
    ...(container.ports ? { ports: container.ports.map((port) => ({ protocol: 'TCP', ...port })) } : {}),
  });
  const returned: Pod = structuredClone(pod);
  Object.assign(returned.metadata, { uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z', resourceVersion: '1' });
  Object.assign(returned.spec, {
    initContainers: returned.spec.initContainers?.map(complete),
    containers: returned.spec.containers.map(complete),
    volumes: [...(returned.spec.volumes ?? []), tokenVolume],
    tolerations: [toleration('not-ready'), toleration('unreachable')],
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    securityContext: {},
    priority: 0,
    preemptionPolicy: 'PreemptLowerPriority',
    enableServiceLinks: true,
    terminationGracePeriodSeconds: 30,
    serviceAccount: returned.spec.serviceAccountName,
    nodeName: 'node-1',
  });
  const step = returned.spec.containers[0] as Container;
  step.resources = { requests: { cpu: '1', memory: '64Mi' }, limits: { cpu: '2' } };
  for (const volume of returned.spec.volumes ?? []) {
    const items = (volume['downwardAPI'] as { items?: { fieldRef: object }[] } | undefined)?.items;
    for (const item of items ?? []) item.fieldRef = { ...item.fieldRef, apiVersion: 'v1' };
    if (items) Object.assign(volume['downwardAPI'] as object, { defaultMode: 420 });
  }
  return returned;
}

const with_ = (change: (pod: Pod, step: Container) => void): Pod => {
  const pod = served(sent);
  change(pod, pod.spec.containers[0] as Container);
  return pod;
};

describe('what differs from the pod that was sent', () => {
  it.each<[string, Pod, string[]]>([
    ['nothing but what Kubernetes adds', served(sent), []],
    ['its status', { ...served(sent), status: { phase: 'Running' } }, []],
    ['an image', with_((_pod, step) => (step.image = 'evil')), ['spec.containers[step-one].image']],
    ['arguments', with_((_pod, step) => step.args?.push('x')), ['spec.containers[step-one].args']],
    [
      'a variable more',
      with_((_pod, step) => step.env?.push({ name: 'LD_PRELOAD', value: '/x' })),
      ['spec.containers[step-one].env'],
    ],
    [
      'a variable',
      with_((_pod, step) => (step.env = [{ name: 'A', value: '2' }])),
      ['spec.containers[step-one].env[A].value'],
    ],
    [
      'a lifecycle hook',
      with_((_pod, step) => (step.lifecycle = { postStart: {} })),
      ['spec.containers[step-one].lifecycle'],
    ],
    [
      'privileges',
      with_((_pod, step) => Object.assign(step.securityContext ?? {}, { privileged: true })),
      ['spec.containers[step-one].securityContext.privileged'],
    ],
    [
      'a restriction less',
      with_((_pod, step) => (step.securityContext = { runAsUser: 0 })),
      ['spec.containers[step-one].securityContext.allowPrivilegeEscalation'],
    ],
    [
      'a container more',
      with_((pod) => pod.spec.containers.push({ name: 'evil', image: 'x' })),
      ['spec.containers[evil]'],
    ],
    ['a container less', with_((pod) => pod.spec.containers.pop()), ['spec.containers[sidecar-db]']],
    [
      'an init container first',
      with_((pod) => pod.spec.initContainers?.unshift({ name: 'evil', image: 'x' })),
      ['spec.initContainers[evil]'],
    ],
    ['the order of containers', with_((pod) => pod.spec.containers.reverse()), ['spec.containers']],
    [
      'a debug container',
      with_((pod) => (pod.spec.ephemeralContainers = [{ name: 'd' }])),
      ['spec.ephemeralContainers[d]'],
    ],
    ['the network of the host', with_((pod) => (pod.spec.hostNetwork = true)), ['spec.hostNetwork']],
    [
      'a volume more',
      with_((pod) => pod.spec.volumes?.push({ name: 'v', hostPath: { path: '/' } })),
      ['spec.volumes[v]'],
    ],
    [
      'a volume that is only called as the token is',
      with_((pod) => {
        pod.spec.volumes = [
          ...(spec.volumes ?? []),
          { ...tokenVolume, projected: { ...tokenVolume.projected, sources: [] } },
        ];
      }),
      [`spec.volumes[${token}]`],
    ],
    [
      'the token where it can be written',
      with_((_pod, step) => {
        step.volumeMounts = (step.volumeMounts ?? []).map((mount) =>
          mount.name === token ? { ...mount, readOnly: false } : mount,
        );
      }),
      [`spec.containers[step-one].volumeMounts[${tokenMount.mountPath}]`],
    ],
    [
      'a mount elsewhere',
      with_((_pod, step) => step.volumeMounts?.push({ ...tokenMount, mountPath: '/bin' })),
      ['spec.containers[step-one].volumeMounts[/bin]'],
    ],
    [
      'a request lowered',
      with_((_pod, step) => (step.resources = { requests: { cpu: '1m' } })),
      ['spec.containers[step-one].resources.requests.cpu'],
    ],
    ['a scheduler of its own', with_((pod) => (pod.spec.schedulerName = 'mine')), ['spec.schedulerName']],
    [
      'another account',
      with_((pod) => (pod.spec.serviceAccountName = 'admin')),
      ['spec.serviceAccountName', 'spec.serviceAccount'],
    ],
    [
      'an owner more',
      with_((pod) => pod.metadata.ownerReferences?.push({ apiVersion: 'v1', kind: 'Pod', name: 'x', uid: 'y' })),
      ['metadata.ownerReferences'],
    ],
    [
      'a label',
      with_((pod) => Object.assign(pod.metadata.labels ?? {}, { 'tekton.dev/taskRun': 'x' })),
      ['metadata.labels[tekton.dev/taskRun]'],
    ],
    [
      'an annotation that steers the runtime',
      with_((pod) => Object.assign(pod.metadata.annotations ?? {}, { 'io.katacontainers.x': 'y' })),
      ['metadata.annotations[io.katacontainers.x]'],
    ],
    [
      "the network's annotations",
      with_((pod) => Object.assign(pod.metadata.annotations ?? {}, { 'cni.projectcalico.org/podIP': 'y' })),
      [],
    ],
    [
      'the gate, which the run moves itself',
      with_((pod) => Object.assign(pod.metadata.annotations ?? {}, { 'tekton.dev/ready': '' })),
      [],
    ],
  ])('%s', (_name, returned, expected) => expect(podChanges(sent, returned)).toEqual(expected));
});

/** Places of a served pod that may hold anything of their kind: they are the server's to fill. */
const free = [
  /^\.nodeName$/,
  /^\.(priority|preemptionPolicy)( gone)?$/,
  /^\.tolerations\[\d\]\.tolerationSeconds$/,
  /^\.containers\[0\]\.resources\.(requests\.memory|limits\.cpu|(requests|limits)\.added)( gone)?$/,
  // Leaving out what was added beyond what was sent is no change.
  / gone$/,
];

describe('for any pod', () => {
  it('every change of a leaf of what a server gave back is found', () => {
    const returned = served(sent);
    const changes = tamperings(returned.spec).filter(({ path }) => !free.some((place) => place.test(path)));
    expect(changes.length).toBeGreaterThan(150);
    for (const { path, value } of changes)
      expect(podChanges(sent, { ...returned, spec: value as Pod['spec'] }), `spec${path}`).not.toEqual([]);
  });

  it('every leaf that was sent and is gone is found, unless it says nothing', () => {
    const gone = tamperings(sent.spec).filter(({ path }) => path.endsWith(' gone'));
    const returned = served(sent);
    for (const { path, value } of gone) {
      if (/emptyDir gone$/.test(path)) continue; // none is the default source of a volume
      const changes = podChanges(sent, { ...returned, spec: value as Pod['spec'] });
      expect(changes, `spec${path}`).not.toEqual([]);
    }
  });

  it('what is sent and comes back as it is is no change', () => {
    const json = fc.dictionary(fc.string({ minLength: 1, maxLength: 6 }), fc.jsonValue({ maxDepth: 2 }), {
      maxKeys: 3,
    });
    fc.assert(
      fc.property(fc.array(json, { maxLength: 3 }), json, (containers, more) => {
        const pod = {
          ...sent,
          spec: { ...more, containers: containers.map((one, index) => ({ ...one, name: `c${index}` })) },
        } as NewPod;
        expect(podChanges(pod, structuredClone(pod))).toEqual([]);
      }),
    );
  });
});
