// How long the webhook takes to judge a Pipeline of 50 tasks: `npm run bench:admission`. One processor, no network.
import { readFileSync } from 'node:fs';
import { defaultValidationContext } from '../../src/api/pipeline/v1/validation.ts';
import { createLogger } from '../../src/log.ts';
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
const object = { apiVersion: 'tekton.dev/v1', kind: 'Pipeline', metadata: { name: 'p' }, spec };
const review = {
  kind: 'AdmissionReview',
  request: {
    uid: 'u',
    kind: { group: 'tekton.dev', version: 'v1', kind: 'Pipeline' },
    resource: { group: 'tekton.dev', version: 'v1', resource: 'pipelines' },
    operation: 'CREATE',
    userInfo: { username: 'me' },
    object,
  },
};
const conversion = {
  kind: 'ConversionReview',
  request: { uid: 'u', desiredAPIVersion: 'tekton.dev/v1beta1', objects: [object] },
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

const cpu = /model name\s*: (.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown processor';
console.log(`Pipeline of 50 tasks, ${cpu}, Node ${process.version}`);
await measure('/defaulting', Buffer.from(JSON.stringify(review)));
await measure('/resource-validation', Buffer.from(JSON.stringify(review)));
await measure('/resource-conversion', Buffer.from(JSON.stringify(conversion)));
