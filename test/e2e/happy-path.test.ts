import { describe, expect, it } from 'vitest';
import { pipelines, tasks } from '../../src/api/resources.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { pods } from '../../src/kube/resources.ts';
import { openWorkbench } from './cluster.ts';

const image = 'docker.io/library/busybox:1.36';
const bench = openWorkbench('happy');

describe('a TaskRun', () => {
  it('runs its steps in order, hands out results and says so', async () => {
    const run = await bench.runTask({
      params: [{ name: 'who', value: 'Ada' }],
      taskSpec: {
        params: [{ name: 'who' }, { name: 'words', type: 'array', default: ['a', 'b c'] }],
        results: [{ name: 'greeting' }, { name: 'list', type: 'array' }],
        steps: [
          { name: 'write', image, script: '#!/bin/sh\nprintf "Hello, $(params.who)" > $(results.greeting.path)\n' },
          {
            name: 'count',
            image,
            command: ['sh', '-c', 'printf \'["%s","%s"]\' "$1" "$2" > $(results.list.path)', 'sh'],
            args: ['$(params.words[*])'],
          },
        ],
      },
    });
    expect(succeededCondition(run.status)).toMatchObject({
      status: 'True',
      reason: 'Succeeded',
      message: 'All Steps have completed executing',
    });
    expect(run.status?.results).toEqual([
      { name: 'greeting', type: 'string', value: 'Hello, Ada' },
      { name: 'list', type: 'array', value: ['a', 'b c'] },
    ]);
    expect(run.status?.steps?.map((step) => [step.name, step.container, step.terminated?.exitCode])).toEqual([
      ['write', 'step-write', 0],
      ['count', 'step-count', 0],
    ]);
    const pod = await bench.client.get(pods, bench.namespace, run.status?.podName ?? '');
    expect(pod.spec?.initContainers?.map((container) => container.name)).toEqual(['prepare']);
  });
});

describe('a PipelineRun of a Pipeline in the cluster', () => {
  it('passes results on, runs finally and can be inspected as with tkn', async () => {
    await bench.create(tasks, {
      apiVersion: 'tekton.dev/v1',
      kind: 'Task',
      metadata: { name: 'append' },
      spec: {
        params: [{ name: 'in' }, { name: 'letter' }],
        results: [{ name: 'out' }],
        steps: [
          {
            name: 'append',
            image,
            script: '#!/bin/sh\nprintf "%s$(params.letter)" "$(params.in)" | tee $(results.out.path)\necho\n',
          },
        ],
      },
    });
    const step = (name: string, letter: string, value: string) => ({
      name,
      taskRef: { name: 'append' },
      params: [
        { name: 'in', value },
        { name: 'letter', value: letter },
      ],
    });
    await bench.create(pipelines, {
      apiVersion: 'tekton.dev/v1',
      kind: 'Pipeline',
      metadata: { name: 'spell', labels: { team: 'words' } },
      spec: {
        params: [{ name: 'start', default: '>' }],
        tasks: [
          step('one', 'a', '$(params.start)'),
          step('two', 'b', '$(tasks.one.results.out)'),
          step('three', 'c', '$(tasks.two.results.out)'),
        ],
        finally: [
          {
            name: 'report',
            taskSpec: {
              params: [{ name: 'status' }],
              steps: [{ name: 'say', image, command: ['echo'], args: ['it $(params.status)'] }],
            },
            params: [{ name: 'status', value: '$(tasks.status)' }],
          },
        ],
        results: [{ name: 'word', value: '$(tasks.three.results.out)' }],
      },
    });
    const run = await bench.runPipeline({ pipelineRef: { name: 'spell' } }, { name: 'spell-1' });
    expect(succeededCondition(run.status)).toMatchObject({
      status: 'True',
      reason: 'Succeeded',
      message: 'Tasks Completed: 4 (Failed: 0, Cancelled 0), Skipped: 0',
    });
    expect(run.status?.results).toEqual([{ name: 'word', value: '>abc' }]);
    expect(run.metadata.labels).toMatchObject({ 'tekton.dev/pipeline': 'spell', team: 'words' });
    expect(run.status?.childReferences?.map((child) => [child.kind, child.name, child.pipelineTaskName])).toEqual([
      ['TaskRun', 'spell-1-one', 'one'],
      ['TaskRun', 'spell-1-two', 'two'],
      ['TaskRun', 'spell-1-three', 'three'],
      ['TaskRun', 'spell-1-report', 'report'],
    ]);

    const list = await bench.tektite('pipelinerun', 'list');
    expect(list.out).toMatch(/^NAME +STARTED +DURATION +STATUS\s+spell-1 +.* ago +.* +Succeeded/);
    const logs = await bench.tektite('pr', 'logs', 'spell-1');
    expect(logs.out).toContain('[three : append] >abc');
    expect(logs.out).toContain('[report : say] it Succeeded');
    const described = await bench.tektite('pr', 'describe', 'spell-1');
    expect(described.out).toContain('spell-1-two');
    expect((await bench.tektite('tr', 'list')).out.match(/Succeeded/g)).toHaveLength(5);
  });
});
