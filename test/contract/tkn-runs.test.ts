import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import type { CustomRun } from '../../src/api/pipeline/v1beta1/customrun.ts';
import { customRuns, pipelineRuns, taskRuns } from '../../src/api/resources.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { namespaces } from '../../src/kube/resources.ts';
import type { KubeObject, Resource } from '../../src/resource.ts';
import { createRun, prepare } from './tkn-fixture.ts';
import { programs, type Outcome, type Program } from './tkn-programs.ts';

/** Export, deletion and custom tasks' runs: what tkn prints, we print, on the same objects. */
const namespace = `tkn-runs-${process.pid}`;
let client: KubeClient;
let ours: Program;
let theirs: Program;

const steps = [{ name: 's', image: 'busybox', script: 'true' }];
const times = { startTime: '2026-01-01T00:00:00Z', completionTime: '2026-01-01T00:01:05Z' };
const succeeded = { type: 'Succeeded', status: 'True', reason: 'Succeeded', message: 'All is done' } as const;
const labelled = { labels: { 'tekton.dev/pipeline': 'p', 'tekton.dev/task': 't' } };

function pipelineRun(name: string): PipelineRun {
  const metadata = { name, namespace, ...labelled, annotations: { team: 'blue' } };
  const spec = { params: [{ name: 'p', value: 'v' }], pipelineSpec: { tasks: [{ name: 'a', taskSpec: { steps } }] } };
  return { metadata, spec, status: { ...times, conditions: [succeeded] } };
}

function taskRun(name: string): TaskRun {
  const status = { ...times, podName: '', conditions: [succeeded] };
  return { metadata: { name, namespace, ...labelled }, spec: { taskSpec: { steps } }, status };
}

async function makeCustomRun(name: string, status?: CustomRun['status']): Promise<void> {
  const made = await client.create(customRuns, {
    metadata: { name, namespace, ...labelled },
    spec: { customRef: { apiVersion: 'example.dev/v1', kind: 'Wait' }, params: [{ name: 'for', value: '10s' }] },
  });
  if (status) await client.replaceStatus(customRuns, { ...made, status });
}

const makers = {
  pr: (name: string) => createRun(client, pipelineRuns, pipelineRun(name)),
  tr: (name: string) => createRun(client, taskRuns, taskRun(name)),
  customrun: (name: string) => makeCustomRun(name, { ...times, conditions: [succeeded] }),
};

beforeAll(async () => {
  client = await prepare(namespace);
  [ours, theirs] = (await programs()) as [Program, Program];
  await makers.pr('done');
  await makers.tr('done');
  await makers.customrun('done');
  await makeCustomRun('new');
});
afterAll(async () => {
  await client?.delete(namespaces, undefined, namespace).catch(() => undefined);
  await client?.close(true);
});

/** Ages may differ by what passes between two programs, and with them the width of their column. */
const timeless = ({ status, out, err }: Outcome) => ({
  status,
  out: out.replaceAll(/\d+ \w+ ago/g, 'some time ago').replaceAll(/ {2,}/g, '  '),
  err,
});

// Not `tr delete -t TASK`: tkn 0.45 panics where a TaskRun has its task embedded.
const rows = [
  'pr export done',
  'pr export nope',
  'tr export done',
  'tr export nope',
  'pr delete',
  'tr delete',
  'pr delete nope -f',
  'pr delete done --all -f',
  'pr delete done --keep 1 -f',
  'tr delete nope -f',
  'tr delete --task nope -f',
  'pr logs done',
  'tr logs done',
  'customrun list',
  'customrun list --no-headers',
  'customrun list -o name',
  'customrun list --limit 1',
  'customrun list --reverse',
  'customrun list -n nowhere',
  'customrun describe done',
  'customrun describe new',
  'customrun describe nope',
  'customrun describe done -o jsonpath={.spec.customRef.kind}',
];

describe('tkn and tektite', () => {
  it.each(rows)('%s', async (line) => {
    const words = line.split(' ');
    const place = words.includes('-n') ? [] : ['-n', namespace];
    const [mine, wanted] = [await ours.run([...words, ...place]), await theirs.run([...words, ...place])];
    expect(timeless(mine)).toEqual(timeless(wanted));
  });

  it.each([
    ['pr', 'delete gone nope -f', pipelineRuns],
    ['pr', 'delete -p p --keep 1 -f', pipelineRuns],
    ['pr', 'delete --all -f', pipelineRuns],
    ['tr', 'delete gone nope -f', taskRuns],
    ['tr', 'delete --all --keep 1 -f', taskRuns],
    ['tr', 'delete --all --keep-since 5 -f', taskRuns],
    ['customrun', 'delete gone', customRuns],
  ] as const)('%s %s', async (group, line, given) => {
    const resource = given as unknown as Resource<KubeObject>;
    const outcomes: [Outcome, string[]][] = [];
    for (const program of [ours, theirs]) {
      const names = async () =>
        (await client.list(resource, { namespace })).items.map(({ metadata }) => metadata.name ?? '').sort();
      for (const name of ['gone', 'other']) if (!(await names()).includes(name)) await makers[group](name);
      const outcome = await program.run([group, ...line.split(' '), '-n', namespace]);
      outcomes.push([outcome, await names()]);
      for (const name of ['done', 'gone', 'other']) if (!(await names()).includes(name)) await makers[group](name);
    }
    expect(outcomes[0]).toEqual(outcomes[1]);
  });

  it('customrun delete nope: the same words, and a status that says so', async () => {
    const line = ['customrun', 'delete', 'nope', '-n', namespace];
    const [mine, wanted] = [await ours.run(line), await theirs.run(line)];
    expect(mine).toEqual({ ...wanted, status: 1 });
  });
});
