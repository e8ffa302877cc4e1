import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { get as httpsGet } from 'node:https';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cluster, loadBusybox, pidsOf, statusOf, tracesOf } from './fixture.ts';

const run = promisify(execFile);
const NAME = 'cluster-test';
const IMAGE = 'docker.io/library/busybox:cluster-test';
/** The parts, as they are killed: together where neither needs the other to come back. */
const DYING_TOGETHER = [
  'etcd',
  'kube-apiserver',
  'containerd',
  'registry image-hosts kubelet',
  'kube-controller-manager kube-scheduler coredns kube-proxy provisioner',
];
const PARTS = DYING_TOGETHER.flatMap((parts) => parts.split(' '));

let kubectl = '';
let kubeconfig = '';

async function kube(...words: string[]): Promise<string> {
  const { stdout } = await run(kubectl, ['--kubeconfig', kubeconfig, ...words]);
  return stdout.trim();
}

async function create(manifest: object): Promise<void> {
  const process = run(kubectl, ['--kubeconfig', kubeconfig, 'create', '-f', '-']);
  process.child.stdin?.end(JSON.stringify(manifest));
  await process;
}

function waitFor(what: string, path: string, value: string, seconds = 30): Promise<string> {
  return kube('wait', what, `--for=jsonpath=${path}=${value}`, `--timeout=${seconds}s`);
}

function pod(name: string, script: string, spec: object = {}, container: object = {}): object {
  const containers = [{ name: 'main', image: IMAGE, command: ['sh', '-ec', script], ...container }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: { restartPolicy: 'Never', containers, ...spec },
  };
}

/** The body of https://HOST/PATH when HOST is that address. */
function getFrom(address: string, host: string, path: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      host: address,
      servername: host,
      path,
      ca,
      headers: { host, accept: 'application/vnd.oci.image.manifest.v1+json' },
    };
    httpsGet(options, (response) => void text(response).then(resolve, reject)).on('error', reject);
  });
}

/** Listens on a port of the cluster's namespace, until released. */
async function occupyPort(port: number): Promise<{ release(): void }> {
  const script = `require('net').createServer().listen(${port}, () => console.log('listening')); process.stdin.resume().on('end', () => process.exit())`;
  const child = spawn('hack/cluster', ['exec', process.execPath, '-e', script], {
    env: { ...process.env, TEKTITE_CLUSTER: NAME },
    stdio: 'pipe',
  });
  await once(child.stdout, 'data');
  return { release: () => child.stdin.end() };
}

describe('a full cluster', () => {
  beforeAll(async () => {
    await cluster('down', '--name', NAME);
    kubectl = (await cluster('tool', 'kubectl')).stdout;
    const up = await cluster('up', '--name', NAME);
    expect(up.code, up.stderr).toBe(0);
    kubeconfig = (await cluster('kubeconfig', '--name', NAME)).stdout;
    await loadBusybox(NAME, IMAGE);
  }, 1_800_000); // may build everything first

  afterAll(() => cluster('down', '--name', NAME));

  it('has every part healthy and a Ready node', async () => {
    const status = await statusOf(NAME);
    expect(status.healthy).toBe(true);
    expect(status.parts.map((part) => part.name).sort()).toEqual([...PARTS].sort());
    expect(await kube('get', 'nodes', '-o', 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}')).toBe(
      'True',
    );
  });

  it('is left alone by a second up, in under 5 s', async () => {
    const before = await pidsOf(NAME);
    const again = await cluster('up', '--name', NAME);
    expect(again.code, again.stderr).toBe(0);
    expect(again.seconds).toBeLessThan(5);
    expect(await pidsOf(NAME)).toEqual(before);
  });

  it('runs a restricted pod with a volume of the default class', async () => {
    const spec = {
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        fsGroup: 2000,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
    };
    const container = {
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      volumeMounts: [{ name: 'data', mountPath: '/data' }],
    };
    await kube('create', 'namespace', 'strict');
    await kube('label', 'namespace', 'strict', 'pod-security.kubernetes.io/enforce=restricted');
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'strict' } };
    await create({ ...claim, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Mi' } } } });
    const writer = pod('writer', 'echo kept > /data/file; cat /data/file; cat /proc/self/status', spec, container) as {
      metadata: object;
    };
    await create({ ...writer, metadata: { name: 'writer', namespace: 'strict' } });
    await kube('-n', 'strict', 'wait', 'pvc/data', '--for=jsonpath={.status.phase}=Bound', '--timeout=5s');
    await kube('-n', 'strict', 'wait', 'pod/writer', '--for=jsonpath={.status.phase}=Succeeded', '--timeout=30s');
    const log = await kube('-n', 'strict', 'logs', 'writer');
    expect(log).toContain('kept');
    expect(log).toMatch(/Seccomp:\s+2/);
  });

  it('resolves names and answers through a Service, from pods and from the host', async () => {
    await create(
      pod('server', 'echo hello > /index.html; exec httpd -f -p 8080 -h /', {}, { ports: [{ containerPort: 8080 }] }),
    );
    const ports = [{ port: 80, targetPort: 8080 }];
    await create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'server' },
      spec: { selector: { app: 'server' }, ports },
    });
    await waitFor('pod/server', '{.status.phase}', 'Running');
    await create(
      pod(
        'client',
        'for i in 1 2 3 4 5 6 7 8 9; do wget -qO- http://server.default.svc.cluster.local && break; sleep 1; done',
      ),
    );
    await waitFor('pod/client', '{.status.phase}', 'Succeeded');
    expect(await kube('logs', 'client')).toBe('hello');
    const address = await kube('get', 'service', 'server', '-o', 'jsonpath={.spec.clusterIP}');
    expect((await (await fetch(`http://${address}/index.html`)).text()).trim()).toBe('hello');
    expect(await kube('exec', 'server', '--', 'echo', 'inside')).toBe('inside');
  });

  it('shows its registry to pods as the image hosts of the world, over TLS', async () => {
    const script = `nslookup -type=a index.docker.io. | grep -A1 Name; nslookup no.such.example. | grep NXDOMAIN | head -1`;
    await create(pod('asker', script));
    await waitFor('pod/asker', '{.status.phase}', 'Succeeded');
    const server = new URL((await statusOf(NAME)).server).hostname;
    expect(await kube('logs', 'asker')).toMatch(new RegExp(`index.docker.io\\s+Address: ${server}[\\s\\S]*NXDOMAIN`));
    const { 'ca.crt': ca } = JSON.parse(
      await kube('get', 'configmap', 'kube-root-ca.crt', '-o', 'jsonpath={.data}'),
    ) as Record<string, string>;
    const manifest = await getFrom(
      server,
      'index.docker.io',
      '/v2/library/busybox/manifests/cluster-test',
      ca as string,
    );
    expect(manifest).toContain('application/vnd.oci.image.layer');
  });

  it('refuses an image that is nowhere, at once', async () => {
    const began = Date.now();
    await create(pod('stranger', 'true', {}, { image: 'gcr.io/no/such-image:1' }));
    const reason = '{.status.containerStatuses[0].state.waiting.reason}';
    await Promise.any([
      waitFor('pod/stranger', reason, 'ErrImagePull', 10),
      waitFor('pod/stranger', reason, 'ImagePullBackOff', 10),
    ]);
    expect(Date.now() - began).toBeLessThan(6_000);
  });

  it.each(DYING_TOGETHER)('is healed by up after kill -9 of %s', async (dying) => {
    const parts = dying.split(' ').sort();
    const before = await pidsOf(NAME);
    for (const part of parts) process.kill(before[part] as number, 'SIGKILL');
    const dead = (await statusOf(NAME)).parts.filter(({ state }) => state === 'dead');
    expect(dead.map(({ name }) => name).sort()).toEqual(parts);
    const healed = await cluster('up', '--name', NAME);
    expect(healed.code, healed.stderr).toBe(0);
    const after = await pidsOf(NAME);
    const anew = Object.keys(after).filter((part) => after[part] !== before[part]);
    expect(anew.sort()).toEqual(parts);
    expect(Object.keys(after)).toEqual(Object.keys(before));
    await kube('delete', 'pod', 'probe', '--ignore-not-found', '--wait');
    await create(pod('probe', 'echo ok'));
    await waitFor('pod/probe', '{.status.phase}', 'Succeeded');
  });

  it('keeps pods running while the parts around them die', async () => {
    expect(
      await kube('get', 'pod', 'server', '-o', 'jsonpath={.status.phase} {.status.containerStatuses[0].restartCount}'),
    ).toBe('Running 0');
  });

  it('names a part that cannot start, with the end of its log', async () => {
    const { ['kube-scheduler']: pid } = await pidsOf(NAME);
    process.kill(pid as number, 'SIGKILL');
    const squatter = await occupyPort(10259);
    const failed = await cluster('up', '--name', NAME);
    squatter.release();
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/kube-scheduler does not work: its process ended[\s\S]*address already in use/);
    expect((await cluster('up', '--name', NAME)).code).toBe(0);
  });

  const onNode = (name: string) => ({ nodeSelector: { 'kubernetes.io/hostname': name } });

  it('gets a second node, whose pods reach the others, and gives it up', async () => {
    const added = await cluster('add-node', '--name', NAME);
    expect(added.code, added.stderr).toBe(0);
    await create(pod('away', 'wget -qO- http://server.default.svc.cluster.local', onNode(added.stdout)));
    await waitFor('pod/away', '{.status.phase}', 'Succeeded');
    expect(await kube('logs', 'away')).toBe('hello');
    const removed = await cluster('remove-node', '--name', NAME);
    expect(removed.code, removed.stderr).toBe(0);
    expect(await kube('get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}')).toBe(`${NAME}-node`);
  });

  it('leaves nothing after down, with pods running on two nodes', async () => {
    const { stdout: second } = await cluster('add-node', '--name', NAME);
    await create(pod('sleeper', 'sleep 3600', onNode(second)));
    await waitFor('pod/sleeper', '{.status.phase}', 'Running');
    const index = Number(/198\.18\.(\d+)\./.exec((await statusOf(NAME)).server)?.[1]);
    expect(await tracesOf(NAME, index)).not.toEqual([]);
    const gone = await cluster('down', '--name', NAME);
    expect(gone.code, gone.stderr).toBe(0);
    expect(await tracesOf(NAME, index)).toEqual([]);
    expect((await cluster('down', '--name', NAME)).code).toBe(0);
  });
});

describe('a control plane alone', () => {
  const name = 'plane-test';
  beforeAll(() => cluster('down', '--name', name));
  afterAll(() => cluster('down', '--name', name));

  it('is up in seconds, answers, survives kill -9 with its data, and goes without a trace', async () => {
    const up = await cluster('up', '--control-plane', '--name', name);
    expect(up.code, up.stderr).toBe(0);
    expect(up.seconds).toBeLessThan(10);
    const config = (await cluster('kubeconfig', '--name', name)).stdout;
    const ask = async (...words: string[]) => (await run(kubectl, ['--kubeconfig', config, ...words])).stdout;
    await ask('create', 'configmap', 'kept', '--from-literal=a=b');
    for (const pid of Object.values(await pidsOf(name))) process.kill(pid, 'SIGKILL');
    expect((await cluster('up', '--control-plane', '--name', name)).code).toBe(0);
    expect(await ask('get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}')).toBe('b');
    const { ['kube-apiserver']: before } = await pidsOf(name);
    expect((await cluster('restart', 'kube-apiserver', '--name', name)).code).toBe(0);
    expect((await pidsOf(name))['kube-apiserver']).not.toBe(before);
    expect((await cluster('up', '--name', name)).stderr).toContain('is there as control-plane');
    await cluster('down', '--name', name);
    expect(await tracesOf(name, -1)).toEqual([]);
  });
});
