/** Plans every abuse case in a small heap and prints a line of JSON for each; started by abuse.test.ts. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { planPipelineRun, tasksToResolve } from '../../src/core/pipelinerun/plan.ts';
import { settingsOf } from '../../src/core/pod/pod.fake.ts';
import { planTaskRun } from '../../src/core/taskrun/plan.ts';
import { startNeeds } from '../../src/core/taskrun/start.ts';
import { cases, type AbuseCase } from './cases.ts';
import { cpuMs, machineFactor } from './clock.ts';

const now = new Date('2026-01-01T00:00:10Z');
const settings = settingsOf();
const metadata = { name: 'run', namespace: 'ns', uid: 'uid', creationTimestamp: '2026-01-01T00:00:00Z' };
const start = { secrets: [], unreadableSecrets: [], limitRanges: [], images: new Map() };

/** What a reconcile asks of core, from a run as the API server sends it. */
function plan({ kind }: AbuseCase, json: string): ReturnType<typeof planTaskRun> | ReturnType<typeof planPipelineRun> {
  const object: unknown = { apiVersion: 'tekton.dev/v1', kind, metadata, spec: JSON.parse(json) as unknown };
  if (kind === 'PipelineRun') {
    const facts = { run: object as PipelineRun, taskRuns: [], settings };
    tasksToResolve(facts, now);
    return planPipelineRun({ ...facts, tasks: new Map() }, now);
  }
  const taskRun = object as TaskRun;
  const task = { kind: 'resolved', name: 'run', spec: taskRun.spec.taskSpec ?? {} } as const;
  const facts = { taskRun, task, pods: [], settings, start };
  startNeeds(facts, now);
  return planTaskRun(facts, now);
}

/** The highest resident set since the last call in MB, where the kernel tells it. */
function peakMb(): number {
  const peak = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  writeFileSync('/proc/self/clear_refs', '5');
  return Number(peak ?? 0) / 1024;
}

function measure(one: AbuseCase): object {
  const json = JSON.stringify(one.spec());
  const times: number[] = [];
  let said: string | undefined;
  globalThis.gc?.();
  peakMb();
  const before = process.memoryUsage().rss / 1024 / 1024;
  for (let round = 0; round < 3; round++)
    times.push(cpuMs(() => (said = succeededCondition(plan(one, json).status)?.message)));
  return { name: one.name, bytes: json.length, ms: Math.min(...times), mb: peakMb() - before, said };
}

// Nobody's first plan: the controller has been running for a while.
const warmUp = cases.filter(({ name }) => name.includes('1,000 steps') || name.includes('lists of 100'));
for (let round = 0; round < 20; round++) for (const one of warmUp) plan(one, JSON.stringify(one.spec()));
console.log(JSON.stringify({ factor: machineFactor() }));
for (const one of cases) {
  console.log(JSON.stringify({ begins: one.name }));
  console.log(JSON.stringify(measure(one)));
}
