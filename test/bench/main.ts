/**
 * `npm run bench`: times runs on the cluster that the kubeconfig names, else on this machine's own one-node cluster
 * (Tektite must be installed there), and counts the API writes of one PipelineRun. Prints a table; exit status 1 when a
 * goal is missed. --runs 5 sets how often. Beside each time stands the same work done by bare pods, measured just
 * before. --control-plane and --remote measure without a node: see control-plane.ts and remote.ts.
 */
import { parseArgs } from 'node:util';
import { pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import { isSuccessful, succeededCondition } from '../../src/core/condition.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { pods } from '../../src/kube/resources.ts';
import { openCluster } from '../cluster-access/access.ts';
import { createNamespace, deleteNamespace } from '../cluster-access/namespaces.ts';
import { describe, waitForEnd } from '../cluster-access/runs.ts';
import { controllerEvents, controllerWrites, difference, readWrites } from './api-writes.ts';
import { benchControlPlane } from './control-plane.ts';
import { benchRemote } from './remote.ts';
import { barePod, threeTaskPipelineRun, twoStepTaskRun } from './workloads.ts';

if (process.argv.includes('--control-plane')) {
  await benchControlPlane(process.argv.slice(2));
  process.exit();
}

if (process.argv.includes('--remote')) process.exit((await benchRemote(process.argv.slice(2))) ? 0 : 1);

const { values: options } = parseArgs({
  options: {
    kubeconfig: { type: 'string' },
    context: { type: 'string' },
    runs: { type: 'string', default: '5' },
  },
});
const { client } = await openCluster(options, 'tektite-bench');
const signal = AbortSignal.timeout(15 * 60_000);
const repeats = Math.max(1, Number(options.runs));

interface Row {
  work: string;
  measured: string;
  /** The same work by bare pods. */
  floor: string;
  goal: string;
  reached: boolean;
}

async function timeRun(resource: Resource, object: object): Promise<number> {
  const started = performance.now();
  const created = await client.create(resource, object as KubeObject, { signal });
  const { namespace = '', name = '' } = created.metadata;
  const run = await waitForEnd(client, { kind: resource.kind, namespace, name }, signal);
  const seconds = (performance.now() - started) / 1000;
  if (!isSuccessful(run.status))
    throw new Error(`${resource.kind} ${name} failed: ${describe(succeededCondition(run.status))}`);
  return seconds;
}

async function timeBarePod(namespace: string): Promise<number> {
  const started = performance.now();
  const created = await client.create(pods, barePod(namespace), { signal });
  const selection = {
    namespace,
    fieldSelector: `metadata.name=${created.metadata.name}`,
    resourceVersion: created.metadata.resourceVersion ?? '',
    signal,
  };
  for await (const event of client.watch(pods, selection)) {
    const phase = (event.object as { status?: { phase?: string } }).status?.phase;
    if (phase === 'Succeeded') return (performance.now() - started) / 1000;
    if (phase === 'Failed') throw new Error('the bare pod failed');
  }
  throw new Error('the watch of the bare pod ended early');
}

async function series(count: number, once: () => Promise<number>): Promise<number[]> {
  await once(); // the first one warms image and page caches
  const seconds: number[] = [];
  for (let index = 0; index < count; index += 1) seconds.push(await once());
  return seconds.sort((left, right) => left - right);
}

const seconds = (value: number) => `${value.toFixed(2)} s`;
function spread(sorted: number[]): string {
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  return `${seconds(at(0.5))} (${at(0).toFixed(2)} to ${at(1).toFixed(2)}, ${sorted.length} runs)`;
}
const median = (sorted: number[]) => sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;

const taskRunResource = taskRuns as unknown as Resource;
const pipelineRunResource = pipelineRuns as unknown as Resource;

async function countWrites(namespace: string): Promise<Row> {
  await new Promise((resolve) => setTimeout(resolve, 3000)); // let earlier runs' last writes arrive
  const eventsBefore = await controllerEvents(client, namespace, signal);
  const before = await readWrites(client, signal);
  await timeRun(pipelineRunResource, threeTaskPipelineRun(namespace));
  await new Promise((resolve) => setTimeout(resolve, 3000)); // events are written behind the run
  const counts = controllerWrites(difference(await readWrites(client, signal), before));
  const events = (await controllerEvents(client, namespace, signal)) - eventsBefore;
  for (const [key, count] of [...counts].sort()) console.log(`    ${String(count).padStart(3)} ${key}`);
  console.log(`    ${String(events).padStart(3)} events of the controller`);
  const conflicts = [...counts].filter(([key]) => key.endsWith(' 409')).reduce((sum, [, count]) => sum + count, 0);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0) + events - 1; // the user's own create
  return {
    work: 'API writes of that PipelineRun',
    measured: `${total}, ${conflicts} of them 409`,
    floor: '',
    goal: '<= 30, no 409',
    reached: total <= 30 && conflicts === 0,
  };
}

/** The same number of pods in the same order, made by nobody but this script: what no controller can be faster than. */
async function timeBareChain(namespace: string): Promise<number> {
  const started = performance.now();
  for (let index = 0; index < CHAIN_LENGTH; index += 1) await timeBarePod(namespace);
  return (performance.now() - started) / 1000;
}

const CHAIN_LENGTH = 3;
const BATCH_SIZE = 15;

async function timeBatch(once: () => Promise<number>): Promise<number> {
  const started = performance.now();
  await Promise.all(Array.from({ length: BATCH_SIZE }, once));
  return (performance.now() - started) / 1000;
}

const namespace = await createNamespace(client, 'bench', signal);
const rows: Row[] = [];
try {
  const bareSingle = await series(repeats, () => timeBarePod(namespace));
  const single = await series(repeats, () => timeRun(taskRunResource, twoStepTaskRun(namespace)));
  rows.push({
    work: 'TaskRun, 2 steps',
    measured: spread(single),
    floor: spread(bareSingle),
    goal: '<= 3.6 s',
    reached: median(single) <= 3.6,
  });
  const bareThree = await series(repeats, () => timeBareChain(namespace));
  const three = await series(repeats, () => timeRun(pipelineRunResource, threeTaskPipelineRun(namespace)));
  rows.push({
    work: 'PipelineRun, 3 tasks in a row',
    measured: spread(three),
    floor: spread(bareThree),
    goal: '<= 9.5 s',
    reached: median(three) <= 9.5,
  });
  const bareBatch = await timeBatch(() => timeBareChain(namespace));
  const batch = await timeBatch(() => timeRun(pipelineRunResource, threeTaskPipelineRun(namespace)));
  rows.push({
    work: `${BATCH_SIZE} of those at once`,
    measured: seconds(batch),
    floor: seconds(bareBatch),
    goal: '<= 25 s',
    reached: batch <= 25,
  });
  rows.push(await countWrites(namespace));
} finally {
  await deleteNamespace(client, namespace, AbortSignal.timeout(30_000));
  await client.close();
}

const columns = [
  ['work', (row: Row) => row.work],
  ['measured', (row: Row) => row.measured],
  ['floor: bare pods', (row: Row) => row.floor],
  ['goal', (row: Row) => `${row.goal}${row.reached ? '' : ' (missed)'}`],
] as const;
const widths = columns.map(([title, cell]) => Math.max(title.length, ...rows.map((row) => cell(row).length)));
const line = (cells: readonly string[]) =>
  `| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`;
console.log(`\n${line(columns.map(([title]) => title))}`);
console.log(line(widths.map((width) => '-'.repeat(width))));
for (const row of rows) console.log(line(columns.map(([, cell]) => cell(row))));
process.exitCode = rows.every((row) => row.reached) ? 0 : 1;
