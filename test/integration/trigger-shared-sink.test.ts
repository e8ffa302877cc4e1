import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pipelineRuns } from '../../src/api/resources.ts';
import { eventListeners, type EventListener } from '../../src/api/triggers/objects.ts';
import { sinkAnnotation } from '../../src/api/triggers/validate.ts';
import { HttpClient } from '../../src/http/client.ts';
import { isNotFound } from '../../src/kube/api-error.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import {
  configMaps,
  deployments,
  endpointSlices,
  secrets,
  services,
  type EndpointSlice,
} from '../../src/kube/resources.ts';
import { main as triggersController } from '../../src/triggers/controller.ts';
import { issueCertificate } from '../../src/triggers/interceptors/role/certificate.ts';
import { portsMapName, servedMapName, sharedSinkName } from '../../src/triggers/shared-sink/names.ts';
import { heldPorts } from '../../src/triggers/shared-sink/ports.ts';
import { main as sharedSink } from '../../src/triggers/shared-sink/main.ts';
import { freePort } from '../free-port.ts';
import { isTriedAgain } from '../cluster-access/test-client.ts';
import { eventually, TriggersWorld } from './triggers-world.ts';

/**
 * The shared sink with the rights that the chart and two namespaces give it, and the controller beside it. There is no
 * node: what Kubernetes says of the shared sink's pod is written by hand, and events are posted to its ports.
 */
const account = 'tekton-triggers-sa';
const pod = 'shared-sink-0';
let world: TriggersWorld;
let client: KubeClient;
let [ours, theirs] = ['', ''];
let kubectl: (...args: string[]) => Promise<string>;

const listener = (name: string, more = '', annotations = '{}') => `
apiVersion: triggers.tekton.dev/v1beta1
kind: EventListener
metadata: { name: ${name}, annotations: ${annotations} }
spec:
  serviceAccountName: ${account}
  ${more || `triggers: [{ name: push, bindings: [{ name: sha, value: $(body.sha) }], template: { spec: { params: [{ name: sha }], resourcetemplates: [${run}] } } }]`}
`;
const run =
  '{ apiVersion: tekton.dev/v1, kind: PipelineRun, metadata: { generateName: made- }, ' +
  'spec: { status: PipelineRunPending, pipelineRef: { name: $(tt.params.sha) } } }';
const outcome = '{ triggers.tektite.dev/answer: outcome }';

beforeAll(async () => {
  world = await TriggersWorld.open('shared');
  ({ client, namespace: ours } = world);
  theirs = `${ours}-theirs`;
  await world.openNamespace(theirs, account);
  await world.install(await world.render('shared-sink.yaml', 'triggers.sharedSink.enabled=true'));
  const metadata = { name: 'config-defaults-triggers', namespace: world.system };
  await client.create(configMaps, { metadata, data: { 'default-sink': 'shared' } });
  await client.create(endpointSlices, sliceOf(world.system, sharedSinkName, '10.9.0.1', pod));
  const { stdout } = await promisify(execFile)(path.resolve('hack/cluster'), ['tool', 'kubectl']);
  kubectl = async (...args) =>
    (await promisify(execFile)(stdout.trim(), [`--kubeconfig=${world.kubeconfig}`, ...args])).stdout;
  world.start(triggersController, [`--kubeconfig=${world.kubeconfig}`, '--el-image=example.com/t:1', '--disable-ha']);
  const config = await world.accountConfig(world.system, sharedSinkName);
  world.start(sharedSink, [`--kubeconfig=${config}`, '--drain-seconds=0'], {
    POD_NAME: pod,
    PROBES_PORT: String(await freePort()),
  });
}, 120_000);

afterAll(() => world.close(), 60_000);

/** What kubectl made in the row at hand. A row that is tried again begins with what it found at first. */
let created: string[][] = [];
beforeEach(async ({ task }) => {
  if (isTriedAgain(task))
    for (const [kind = '', name = '', ...where] of created.toReversed())
      await kubectl('delete', kind, name, ...where, '--ignore-not-found');
  created = [];
});

/** `kubectl create KIND NAME -n NAMESPACE ...`, or of the whole cluster. */
async function create(...words: string[]): Promise<void> {
  const [kind = '', name = '', flag = '', namespace = ''] = words;
  created.push([kind, name, ...(flag === '-n' ? [flag, namespace] : [])]);
  await kubectl('create', ...words);
}

/** What Kubernetes writes for a Service that selects one ready pod. */
function sliceOf(namespace: string, service: string, address: string, name: string): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${service}-abcde`,
      namespace,
      labels: {
        'kubernetes.io/service-name': service,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        'app.kubernetes.io/managed-by': 'EventListener',
        eventlistener: service.replace(/^el-/, ''),
      },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http-listener', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: [address], conditions: { ready: true }, targetRef: { kind: 'Pod', name } }],
  };
}

const condition = (object: EventListener, type = 'SharedSink') =>
  object.status?.conditions?.find((each) => each.type === type);

/** The condition, once it is as wanted. */
function becomes(namespace: string, name: string, reason: string): Promise<string> {
  return eventually(async () => {
    const found = condition(await client.get(eventListeners, namespace, name));
    return found?.reason === reason ? found.message : undefined;
  }, `${name}: ${reason}`);
}

const held = async () => heldPorts((await client.get(configMaps, world.system, portsMapName)).data);
const portOf = async (namespace: string, name: string) =>
  (await held()).find(({ holder }) => holder.namespace === namespace && holder.name === name)?.port;

interface Answer {
  status: number;
  eventListener?: string;
  namespace?: string;
  triggers?: { outcome: string; message?: string; created?: { name: string; namespace: string }[] }[];
}

async function post(namespace: string, name: string, sha: string): Promise<Answer> {
  const url = `http://127.0.0.1:${await portOf(namespace, name)}/`;
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ sha }) });
  return { status: answer.status, ...((await answer.json()) as object) };
}

/** Carries out the commands of a condition as they stand there. */
async function allow(message: string): Promise<void> {
  const commands = message.split('to allow it: ')[1]?.split(' && ') ?? [];
  expect(commands.length).toBeGreaterThan(1);
  for (const command of commands) {
    const [program, verb, ...words] = command.split(' ');
    expect([program, verb]).toEqual(['kubectl', 'create']);
    await create(...words);
  }
}

const isGone = async (look: Promise<unknown>): Promise<true | undefined> =>
  look.then(
    () => undefined,
    (error: unknown) => (isNotFound(error) ? true : undefined),
  );

describe('a namespace that does not let the shared sink act as its account', () => {
  it('is told what to run, and until then nothing is served for it', async () => {
    await world.apply(listener('first', '', outcome));
    const message = await becomes(ours, 'first', 'Forbidden');
    expect(message).toBe(
      `${world.system}/${sharedSinkName} may not impersonate serviceaccounts/${account}; to allow it: ` +
        `kubectl create role shared-sink-${account} -n ${ours} --verb=impersonate --resource=serviceaccounts --resource-name=${account} && ` +
        `kubectl create rolebinding shared-sink-${account} -n ${ours} --role=shared-sink-${account} --serviceaccount=${world.system}:${sharedSinkName}`,
    );
    expect(await held()).toEqual([]);
    expect(await isGone(client.get(deployments, ours, 'el-first'))).toBe(true);
    await allow(message);
  });
});

describe('one process', () => {
  it('serves three listeners of two namespaces, each behind its own Service', async () => {
    await world.apply(listener('second', '', outcome));
    await world.apply(listener('third', '', outcome), theirs);
    await allow(await becomes(theirs, 'third', 'Forbidden'));
    const all = [
      [ours, 'first'],
      [ours, 'second'],
      [theirs, 'third'],
    ] as const;
    for (const [namespace, name] of all) {
      await becomes(namespace, name, 'Served');
      const { status } = await client.get(eventListeners, namespace, name);
      expect(status?.conditions?.map(({ type, status: is }) => `${type} ${is}`)).toEqual(
        expect.arrayContaining(['Available True', 'Ready True', 'Service True', 'SharedSink True']),
      );
      const answer = await post(namespace, name, `of-${name}`);
      expect(answer).toMatchObject({ status: 202, eventListener: name, namespace, triggers: [{ outcome: 'created' }] });
      const made = await client.get(pipelineRuns, namespace, answer.triggers?.[0]?.created?.[0]?.name ?? '');
      expect(made.metadata.labels?.['triggers.tekton.dev/eventlistener']).toBe(name);
      const service = await client.get(services, namespace, `el-${name}`);
      expect(service.spec).toMatchObject({ ports: [{ name: 'http-listener', port: 8080 }] });
      expect(service.spec?.selector).toBeUndefined();
      const slice = await client.get(endpointSlices, namespace, `el-${name}-shared-ipv4`);
      expect(slice).toMatchObject({
        ports: [{ name: 'http-listener', port: await portOf(namespace, name) }],
        endpoints: [{ addresses: ['10.9.0.1'], targetRef: { name: pod } }],
      });
    }
    expect(new Set((await held()).map(({ port }) => port)).size).toBe(3);
  });
});

describe('a tenant', () => {
  it('who edits its EndpointSlice or Service gets no other listener’s port', async () => {
    const [mine, other] = [await portOf(ours, 'first'), await portOf(theirs, 'third')];
    const stolen = { ports: [{ name: 'http-listener', port: other, protocol: 'TCP' }] };
    await client.patch(endpointSlices, ours, 'el-first-shared-ipv4', { type: 'merge', body: stolen });
    const annotations = { 'triggers.tektite.dev/port': String(other) };
    await client.patch(services, ours, 'el-first', { type: 'merge', body: { metadata: { annotations } } });
    await eventually(async () => {
      const { ports } = await client.get(endpointSlices, ours, 'el-first-shared-ipv4');
      return ports?.[0]?.port === mine ? true : undefined;
    }, 'the port');
    expect([await portOf(ours, 'first'), await portOf(theirs, 'third')]).toEqual([mine, other]);
    expect(await post(theirs, 'third', 'still')).toMatchObject({ eventListener: 'third', namespace: theirs });
  });

  it('who names an account of another namespace, or of several words, gets nothing served', async () => {
    await create('serviceaccount', 'strong', '-n', theirs);
    const rights = ['--clusterrole=tekton-triggers-eventlistener-roles', `--serviceaccount=${theirs}:strong`];
    await create('rolebinding', 'strong', '-n', theirs, ...rights);
    await allow(await forbiddenAs(theirs, 'theirs-strong', 'strong'));
    await becomes(theirs, 'theirs-strong', 'Served');
    expect(await forbiddenAs(ours, 'ours-strong', 'strong')).toContain(`-n ${ours} `);
    const words = await forbiddenAs(ours, 'ours-words', `${theirs}:strong`);
    expect(words).toBe(`serviceAccountName "${theirs}:strong" is no name of an object`);
    expect([await portOf(ours, 'ours-strong'), await portOf(ours, 'ours-words')]).toEqual([undefined, undefined]);
  });

  async function forbiddenAs(namespace: string, name: string, other: string): Promise<string> {
    await world.apply(listener(name).replace(account, JSON.stringify(other)), namespace);
    return becomes(namespace, name, 'Forbidden');
  }

  it('who selects Triggers of other namespaces sees them with rights of its own account only', async () => {
    const spec = { template: { spec: { resourcetemplates: ['RUN'] } }, serviceAccountName: 'strong' };
    const trigger = (name: string, more: object) =>
      JSON.stringify({
        apiVersion: 'triggers.tekton.dev/v1beta1',
        kind: 'Trigger',
        metadata: { name, labels: { of: 'theirs' } },
        spec: { ...spec, ...more },
      }).replace('"RUN"', run.replace('$(tt.params.sha)', 'x'));
    await world.apply(trigger('theirs', {}), theirs);
    const selector = `namespaceSelector: { matchNames: [${theirs}] }`;
    await world.apply(listener('greedy', selector, outcome));
    // May not list what is in all namespaces: no port is opened for it.
    expect(await becomes(ours, 'greedy', 'NotServed')).toContain('no pod of the shared sink takes its events');
    const reader = ['--clusterrole=tekton-triggers-eventlistener-roles', `--serviceaccount=${ours}:${account}`];
    await create('clusterrolebinding', `${ours}-reader`, ...reader);
    try {
      await becomes(ours, 'greedy', 'Served');
      // The shared sink itself may act as that account: the other listener is served as it.
      expect((await post(ours, 'greedy', 'x')).triggers).toEqual([
        {
          trigger: 'theirs',
          namespace: theirs,
          outcome: 'failed',
          message:
            `${ours}/${account} may not act as ServiceAccount ${theirs}/strong: bind it ClusterRole ` +
            `tekton-triggers-eventlistener-impersonate in namespace ${theirs}`,
        },
      ]);
    } finally {
      await kubectl('delete', 'clusterrolebinding', `${ours}-reader`);
    }
  }, 90_000);
});

describe('a listener with a certificate', () => {
  const tlsFields = `resources: { kubernetesResource: { spec: { template: { spec: { containers: [{ env: [
    { name: TLS_CERT, valueFrom: { secretKeyRef: { name: served, key: tls.crt } } },
    { name: TLS_KEY, valueFrom: { secretKeyRef: { name: served, key: tls.key } } }] }] } } } } }
  triggers: [{ name: push, template: { spec: { resourcetemplates: [${run.replace('$(tt.params.sha)', 'x')}] } } }]`;

  it('is served with it, once its account may read the Secret', async () => {
    const made = await issueCertificate(['localhost'], new Date());
    const data = Object.fromEntries(
      Object.entries({ 'tls.crt': made['server-cert.pem'], 'tls.key': made['server-key.pem'] }).map(([key, text]) => [
        key,
        Buffer.from(text).toString('base64'),
      ]),
    );
    await client.create(secrets, { metadata: { name: 'served', namespace: ours }, data });
    await world.apply(listener('safe', tlsFields));
    const message = await becomes(ours, 'safe', 'Forbidden');
    expect(message).toMatch(
      `${ours}/${account} may not get secrets/served; to allow it: kubectl create role listener-`,
    );
    await allow(message);
    await becomes(ours, 'safe', 'Served');
    const { spec } = await client.get(services, ours, 'el-safe');
    expect(spec?.ports?.map(({ name, port }) => [name, port])).toEqual([['https-listener', 8443]]);
    const trust = new HttpClient({ attempts: 1, deadlineMs: 5_000, ca: [made['ca-cert.pem']] });
    try {
      const url = new URL(`https://localhost:${await portOf(ours, 'safe')}/`);
      const asked = { method: 'POST', url, operation: 'test', body: '{}' } as const;
      expect((await trust.send(asked, AbortSignal.timeout(5_000))).status).toBe(202);
    } finally {
      await trust.close();
    }
  });
});

describe('a listener that sets what only pods of its own have', () => {
  it('gets them, and says so', async () => {
    const replicas = `resources: { kubernetesResource: { replicas: 2 } }\n  triggers: [{ triggerRef: none }]`;
    await world.apply(listener('alone', replicas));
    expect(await becomes(ours, 'alone', 'OwnPods')).toContain('spec.resources.kubernetesResource.replicas');
    expect((await client.get(deployments, ours, 'el-alone')).spec?.replicas).toBe(2);
  });
});

describe('a listener that changes sides', () => {
  it('is served by the shared sink until its own pods take over, and leaves nothing behind', async () => {
    await client.patch(eventListeners, ours, 'second', own('own'));
    await eventually(() => client.get(deployments, ours, 'el-second'), 'the Deployment');
    expect((await post(ours, 'second', 'meanwhile')).status).toBe(202);
    await takesOver('second');
    await eventually(() => isGone(client.get(endpointSlices, ours, 'el-second-shared-ipv4')), 'the end of the slice');
    // A proxy may not have heard of it yet.
    expect((await post(ours, 'second', 'late')).status).toBe(202);
    const leaving = (await held()).find(({ holder }) => holder.name === 'second');
    expect(leaving?.holder.leavingSince).toBeDefined();
    expect((await client.get(services, ours, 'el-second')).spec?.selector).toMatchObject({ eventlistener: 'second' });

    await client.patch(eventListeners, ours, 'second', own('shared'));
    await becomes(ours, 'second', 'Served');
    await eventually(() => isGone(client.get(deployments, ours, 'el-second')), 'the end of the Deployment');
    await eventually(() => isGone(client.get(endpointSlices, ours, 'el-second-abcde')), 'the end of its pods’ slice');
    expect((await client.get(services, ours, 'el-second')).spec?.selector).toBeUndefined();
    expect((await post(ours, 'second', 'again')).status).toBe(202);
  });

  const own = (value: string) =>
    ({ type: 'merge', body: { metadata: { annotations: { [sinkAnnotation]: value } } } }) as const;

  /** What the kubelet and Kubernetes' controllers write when its pods are ready. */
  async function takesOver(name: string): Promise<void> {
    const deployment = await client.get(deployments, ours, `el-${name}`);
    const available = { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: '' };
    await client.replaceStatus(deployments, { ...deployment, status: { conditions: [available] } });
    await client.create(endpointSlices, sliceOf(ours, `el-${name}`, '10.9.0.2', 'own'));
  }

  it('gives its port back when it is deleted', async () => {
    await world.apply(listener('first', '', outcome));
    await becomes(ours, 'first', 'Served');
    const port = await portOf(ours, 'first');
    await client.delete(eventListeners, ours, 'first');
    await eventually(async () => ((await portOf(ours, 'first')) === undefined ? true : undefined), 'the port');
    const refused = await eventually(
      () =>
        fetch(`http://127.0.0.1:${port}/live`).then(
          () => undefined,
          () => true as const,
        ),
      'the end of the port',
    );
    expect(refused).toBe(true);
    await eventually(async () => {
      const { data } = await client.get(configMaps, world.system, servedMapName);
      return String(port) in (JSON.parse(data?.[pod] ?? '{}') as object) ? undefined : true;
    }, 'that the pod says so');
  });
});
