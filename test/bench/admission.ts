// What the webhook's answers cost: `npm run bench:admission`. First a Pipeline of 50 tasks, judged without a network;
// then creations as the API server asks about them: HTTP/1.1 over TLS from another process. One at a time says how
// long it waits; several connections say how many there can be, with the caller's processor time left out.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request as send } from 'node:https';
import { defaultValidationContext } from '../../src/api/pipeline/v1/validation.ts';
import { serve } from '../../src/http/server.ts';
import { createLogger } from '../../src/log.ts';
import { issueAuthority, issueServer } from '../../src/webhook/certificates/issue.ts';
import { webhookRoutes } from '../../src/webhook/routes.ts';

const ROUNDS = 3_000;

const step = { name: 's', image: 'busybox:1', script: 'echo $(params.p) > $(results.r.path)' };
const task = (index: number) => ({
  name: `task-${index}`,
  ...(index > 0 ? { runAfter: [`task-${index - 1}`] } : {}),
  params: [{ name: 'p', value: index > 0 ? `$(tasks.task-${index - 1}.results.r)` : '$(params.p)' }],
  taskSpec: { params: [{ name: 'p', type: 'string' }], results: [{ name: 'r', type: 'string' }], steps: [step] },
});
const spec = {
  params: [{ name: 'p', type: 'string' }],
  tasks: Array.from({ length: 50 }, (_each, index) => task(index)),
};
const pipeline = { apiVersion: 'tekton.dev/v1', kind: 'Pipeline', metadata: { name: 'p' }, spec };
const taskRun = {
  apiVersion: 'tekton.dev/v1',
  kind: 'TaskRun',
  metadata: { generateName: 'run-', labels: { 'example.com/of': 'bench' } },
  spec: {
    params: [{ name: 'p', value: 'v' }],
    taskSpec: { params: [{ name: 'p' }], results: [{ name: 'r' }], steps: [step, { ...step, name: 't' }] },
  },
};
const reviewOf = (object: typeof pipeline | typeof taskRun, resource: string) => ({
  kind: 'AdmissionReview',
  request: {
    uid: 'u',
    kind: { group: 'tekton.dev', version: 'v1', kind: object.kind },
    resource: { group: 'tekton.dev', version: 'v1', resource },
    operation: 'CREATE',
    userInfo: { username: 'me' },
    object,
  },
});
const review = reviewOf(pipeline, 'pipelines');
const conversion = {
  kind: 'ConversionReview',
  request: { uid: 'u', desiredAPIVersion: 'tekton.dev/v1beta1', objects: [pipeline] },
};

const routes = webhookRoutes({
  settings: () => defaultValidationContext,
  gates: { runControllers: [], signers: [], resolvers: [], allowUnsigned: true },
  configNames: {},
  log: createLogger({ name: 'bench', level: 'error' }),
});

async function measure(path: string, body: Buffer): Promise<void> {
  const handler = routes.find((route) => route.path === path)?.handler;
  if (!handler) throw new Error(`no route ${path}`);
  const request = {
    method: 'POST',
    path,
    query: new URLSearchParams(),
    rawQuery: '',
    params: {},
    headers: {},
    rawHeaders: [],
    body,
  };
  const all: number[] = [];
  const undisturbed: number[] = [];
  const before = process.cpuUsage();
  for (let round = 0; round < ROUNDS; round++) {
    const interruptions = process.resourceUsage().involuntaryContextSwitches;
    const start = performance.now();
    const { status } = await handler({ ...request, signal: new AbortController().signal });
    const time = performance.now() - start;
    if (status !== 200) throw new Error(`${path} answered ${status}`);
    if (round < ROUNDS / 10) continue;
    all.push(time);
    // Others may be at work on this machine. A call that the kernel never took the processor from has our time alone:
    // judging, compiling, and the collector's pauses.
    if (process.resourceUsage().involuntaryContextSwitches === interruptions) undisturbed.push(time);
  }
  const { user, system } = process.cpuUsage(before);
  const cost = ((user + system) / 1000 / ROUNDS).toFixed(2);
  console.log(
    `${path}: ${body.length} bytes, processor time ${cost} ms; ${undisturbed.length} calls undisturbed, ${quantiles(undisturbed)}; all ${all.length}, ${quantiles(all)}`,
  );
}

function quantiles(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) => (sorted[Math.floor(sorted.length * part)] ?? 0).toFixed(2);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}

const SERVED_MS = 5_000;
const CONNECTIONS = 8;

interface Load {
  created: number;
  /** How long validation alone took for its caller, in milliseconds. */
  waited: number[];
}

/** Creations one after the other on each connection: the two calls of each, defaults and then validation. */
async function load({ port, ca, body, connections }: Order): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ca });
  const call = (path: string) =>
    new Promise<void>((resolve, reject) => {
      const words = { port, host: 'localhost', path, agent, method: 'POST' };
      const sent = send(words, (answer) => {
        if (answer.statusCode !== 200) reject(new Error(`${path} answered ${answer.statusCode}`));
        answer.resume().once('end', resolve);
      });
      sent.once('error', reject).end(body);
    });
  const end = Date.now() + SERVED_MS;
  const waited: number[] = [];
  const loop = async () => {
    while (Date.now() < end) {
      await call('/defaulting');
      const start = performance.now();
      await call('/resource-validation');
      waited.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: connections }, loop));
  agent.destroy();
  return { created: waited.length, waited };
}

interface Order {
  port: number;
  ca: string;
  body: string;
  connections: number;
}

async function measureServed(what: string, body: string): Promise<void> {
  const authority = await issueAuthority('bench', new Date(), 3_600_000);
  const certificate = await issueServer(authority, ['localhost'], new Date(), 3_600_000);
  const log = createLogger({ name: 'bench', level: 'error' });
  const server = await serve(routes, { port: 0, certificate, bodyLimit: 1 << 24, log });
  const caller = fork(import.meta.filename, ['caller']);
  const round = async (connections: number) => {
    caller.send({ port: server.port, ca: authority.cert, body, connections } satisfies Order);
    return ((await once(caller, 'message')) as [Load])[0];
  };
  // The first calls are compiled.
  await round(CONNECTIONS);
  const { waited } = await round(1);
  const before = process.cpuUsage();
  const { created } = await round(CONNECTIONS);
  const { user, system } = process.cpuUsage(before);
  caller.disconnect();
  await server.close();
  const cost = (user + system) / 1000 / created;
  console.log(
    `${what}, both calls over TLS: ${created} in ${SERVED_MS / 1000} s, processor time ${cost.toFixed(2)} ms each: ${Math.round(2000 / cost)} a second on 2 cores; one at a time validation takes ${quantiles(waited)} for its caller`,
  );
}

async function main(): Promise<void> {
  const cpu = /model name\s*: (.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown processor';
  console.log(`Pipeline of 50 tasks, ${cpu}, Node ${process.version}`);
  await measure('/defaulting', Buffer.from(JSON.stringify(review)));
  await measure('/resource-validation', Buffer.from(JSON.stringify(review)));
  await measure('/resource-conversion', Buffer.from(JSON.stringify(conversion)));
  await measureServed('creation of a TaskRun', JSON.stringify(reviewOf(taskRun, 'taskruns')));
  await measureServed('creation of that Pipeline', JSON.stringify(review));
}

if (process.argv[2] === 'caller')
  process.on('message', (order: Order) => void load(order).then((made) => process.send?.(made)));
else await main();
