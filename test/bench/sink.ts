/**
 * `npm run bench:sink`: how fast a sink answers events that an interceptor filters out, on a control plane without a
 * node. Sink and interceptors are processes of their own, the events are signed as GitHub signs them and arrive at
 * fixed times whether or not the ones before were answered, so that a slow answer is not hidden by a slow sender.
 * --rate and --seconds set how many, --bytes how long each is (a push's are some thousands); --shared N sends them to N
 * listeners in turn, which one shared sink serves; --profile FOLDER keeps a CPU profile of both.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Agent, request } from 'undici';
import { parseAllDocuments } from 'yaml';
import {
  clusterInterceptors,
  eventListeners,
  triggerBindings,
  triggerTemplates,
} from '../../src/api/triggers/objects.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { secrets } from '../../src/kube/resources.ts';
import type { KubeObject, Resource } from '../../src/resource.ts';
import { freePort } from '../free-port.ts';
import { makeNamespace, onPlane } from '../load/plane.ts';
import { areServed, sharedListeners } from './shared-listeners.ts';

const root = path.resolve(import.meta.dirname, '../..');
const manifest = path.join(root, 'test/integration/triggers/github-push.yaml');
const secret = 'It is a secret to everybody';
const namespace = 'bench-sink';
const listener = 'github-listener';
const systemNamespace = 'tekton-pipelines';
const pod = 'bench-sink-0';
const kinds: Record<string, Resource> = {
  EventListener: eventListeners,
  TriggerBinding: triggerBindings,
  TriggerTemplate: triggerTemplates,
};

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '20' },
    bytes: { type: 'string', default: '8192' },
    shared: { type: 'string', default: '0' },
    profile: { type: 'string' },
  },
});
const [rate, seconds, bytes] = [Number(values.rate), Number(values.seconds), Number(values.bytes)];
const shared = Number(values.shared);
if (!(rate > 0 && rate <= 10_000 && seconds > 0 && seconds <= 600))
  throw new Error(
    `--rate ${values.rate} --seconds ${values.seconds}: give up to 10000 events a second, for up to 600 s`,
  );
if (!(Number.isInteger(shared) && shared >= 0 && shared <= 500))
  throw new Error(`--shared ${values.shared}: give how many listeners, up to 500`);
if (!(bytes >= 0 && bytes <= 1024 * 1024)) throw new Error(`--bytes ${values.bytes}: give up to 1048576`);

/** What makes a body as long as wanted: a push's commits. */
const commit = {
  id: '0123456789abcdef0123456789abcdef01234567',
  message: 'Say "hello"',
  added: ['a/b.go'],
  modified: [],
};
const commits = Array.from({ length: Math.floor(bytes / JSON.stringify(commit).length) }, () => commit);

async function eventually(look: () => Promise<unknown>, what: string): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (await look().catch(() => undefined)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what} did not come about`);
}

const profiling = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`];
const processes: ChildProcess[] = [];

function startRole(role: string, flags: readonly string[]): ChildProcess {
  const env = {
    METRICS_PROMETHEUS_PORT: '0',
    PROBES_PORT: '0',
    LOG_LEVEL: 'error',
    SYSTEM_NAMESPACE: systemNamespace,
    POD_NAME: pod,
  };
  const own = { ...process.env, ...env, INTERCEPTOR_TLS_SVC_NAME: 'localhost' };
  const stdio = ['ignore', 'inherit', 'inherit'] as const;
  const child = spawn(process.execPath, [...profiling, path.join(root, 'src/cli.ts'), role, ...flags], {
    env: own,
    stdio: [...stdio],
  });
  processes.push(child);
  return child;
}

async function endRoles(): Promise<void> {
  const running = processes.filter(({ exitCode }) => exitCode === null);
  const gone = running.map((child) => new Promise((resolve) => child.once('exit', resolve)));
  for (const child of running) child.kill('SIGTERM');
  await Promise.all(gone);
}

interface Roles {
  sink: ChildProcess;
  interceptors: ChildProcess;
}

interface Served extends Roles {
  ports: readonly number[];
  /** Names of the listeners at them. */
  listeners: readonly string[];
}

async function prepare(client: KubeClient, kubeconfig: string): Promise<Served> {
  await makeNamespace(client, namespace);
  const data = { secretToken: Buffer.from(secret).toString('base64') };
  await client.create(secrets, { metadata: { name: 'github-webhook-secret', namespace }, data });
  for (const document of parseAllDocuments(readFileSync(manifest, 'utf8'))) {
    const object = document.toJS() as KubeObject & { kind: string };
    const resource = kinds[object.kind];
    if (resource === undefined) throw new Error(`${manifest}: ${object.kind} is not known here`);
    await client.create(resource, { ...object, metadata: { ...object.metadata, namespace } });
  }
  const interceptorPort = await freePort();
  const flags = [`--kubeconfig=${kubeconfig}`, '--drain-seconds=0'];
  const interceptors = startRole('interceptors', [...flags, `--port=${interceptorPort}`]);
  // No name of a Service is known on this machine; that of cel's tells the sink that it need not be asked.
  const service = { name: 'tekton-triggers-core-interceptors', namespace: systemNamespace, path: 'cel', port: 8443 };
  const places = { github: { url: `https://localhost:${interceptorPort}/github`, service: null }, cel: { service } };
  for (const [name, clientConfig] of Object.entries(places)) {
    const body = { spec: { clientConfig } };
    await eventually(() => client.patch(clusterInterceptors, undefined, name, { type: 'merge', body }), name);
  }
  return { ...(await (shared > 0 ? startShared(client, flags) : startOne(flags))), interceptors };
}

async function startOne(flags: readonly string[]): Promise<Omit<Served, 'interceptors'>> {
  const port = await freePort();
  const names = [`--el-name=${listener}`, `--el-namespace=${namespace}`];
  const sink = startRole('sink', [...flags, ...names, `--port=${port}`]);
  await eventually(async () => (await fetch(`http://127.0.0.1:${port}/live`)).ok, 'the sink');
  return { ports: [port], listeners: [listener], sink };
}

async function startShared(client: KubeClient, flags: readonly string[]): Promise<Omit<Served, 'interceptors'>> {
  const like = { namespace, name: listener };
  const ports = await sharedListeners(client, like, shared, await makeNamespace(client, systemNamespace));
  const sink = startRole('shared-sink', flags);
  await eventually(() => areServed(client, systemNamespace, pod, ports), 'the shared sink');
  return { ports, listeners: ports.map((_, index) => `${listener}-${index}`), sink };
}

interface Tally {
  /** From the first that was due to the last answer. */
  seconds: number;
  times: number[];
  answers: Map<string, number>;
}

interface SignedEvent {
  body: string;
  signature: string;
}

/** A push, signed as GitHub signs it. */
function signedPush(index: number): SignedEvent {
  const repository = { full_name: 'acme/widget-api' };
  const body = JSON.stringify({ ref: 'refs/heads/other', after: String(index), repository, commits });
  return { body, signature: `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` };
}

/**
 * Sends events at a fixed rate; each one's time counts from when it was due. They are made before, as senders have
 * machines of their own.
 */
async function send(ports: readonly number[], count: number): Promise<Tally> {
  const events = Array.from({ length: count }, (_, index) => signedPush(index));
  const agent = new Agent({ connections: Math.ceil(64 / ports.length) });
  const tally: Tally = { seconds: 0, times: [], answers: new Map() };
  const began = performance.now();
  const one = async ({ body, signature }: SignedEvent, due: number): Promise<void> => {
    const port = ports[sent.length % ports.length];
    const headers = { 'content-type': 'application/json', 'x-github-event': 'push', 'x-hub-signature-256': signature };
    const answer = await request(`http://127.0.0.1:${port}/`, { dispatcher: agent, method: 'POST', body, headers })
      .then(async ({ statusCode, body: stream }) => sorted(statusCode, await stream.text()))
      .catch((error: unknown) => String(error));
    tally.times.push(performance.now() - due);
    tally.answers.set(answer, (tally.answers.get(answer) ?? 0) + 1);
  };
  const sent: Promise<void>[] = [];
  for (const event of events) {
    const due = began + (sent.length * 1000) / rate;
    while (due > performance.now()) await new Promise((resolve) => setTimeout(resolve, 1));
    sent.push(one(event, due));
  }
  await Promise.all(sent);
  tally.seconds = (performance.now() - began) / 1000;
  await agent.close();
  return tally;
}

/** An answer without what differs between events. */
function sorted(status: number, text: string): string {
  const { triggers, errorMessage } = JSON.parse(text) as {
    triggers?: { outcome: string; interceptor?: string }[];
    errorMessage?: string;
  };
  const outcomes = triggers?.map(({ outcome, interceptor = '' }) => `${outcome} ${interceptor}`) ?? [];
  return [status, ...outcomes, ...(errorMessage ? [errorMessage] : [])].join(' ');
}

function processorSeconds({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** One round: a warm-up of a tenth, then all. @throws when an answer is other than wanted. */
async function measure(name: string, { ports, sink, interceptors }: Served, wanted: string) {
  const count = Math.round(rate * seconds);
  await send(ports, Math.ceil(count / 10));
  const used = [sink, interceptors].map(processorSeconds);
  const { seconds: took, times, answers } = await send(ports, count);
  const ordered = times.toSorted((a, b) => a - b);
  const at = (part: number) => (ordered[Math.floor(ordered.length * part)] ?? 0).toFixed(1);
  const right = answers.get(wanted) ?? 0;
  const each = [sink, interceptors].map((role, index) => (processorSeconds(role) - (used[index] ?? 0)) / count);
  const [ofSink = '', ofInterceptors = ''] = each.map((share) => (share * 1000).toFixed(2));
  console.log(
    `${name}: ${(count / took).toFixed(0)} events/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(0.999999)} ms, ` +
      `${count - right} errors; processor time of an event ${ofSink} ms in the sink, ${ofInterceptors} ms in the interceptors`,
  );
  if (right !== count) throw new Error(`not all were answered ${wanted}: ${JSON.stringify([...answers])}`);
}

await onPlane('bench-sink', async (plane, client) => {
  const processor = /model name\s*: (.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown processor';
  console.log(
    `${rate} events/s of ${bytes} bytes for ${seconds} s, ${cpus().length} cores (${processor}), Node ${process.version}` +
      (shared > 0 ? `, ${shared} listeners behind one shared sink` : ''),
  );
  try {
    const roles = await prepare(client, plane.kubeconfig);
    await measure('answered at once', roles, '202');
    const body = { metadata: { annotations: { 'triggers.tektite.dev/answer': 'outcome' } } };
    for (const name of roles.listeners) await client.patch(eventListeners, namespace, name, { type: 'merge', body });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await measure('answered after github and cel judged', roles, '202 stopped cel');
  } finally {
    await endRoles();
  }
});
