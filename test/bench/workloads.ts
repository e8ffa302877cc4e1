import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';

/** The workloads of the design's table of speeds: the same shapes that upstream was measured with. */

const image = 'docker.io/library/busybox:1.36';

/** One command and one script. */
export function twoStepTaskRun(namespace: string): TaskRun {
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    metadata: { generateName: 'bench-', namespace },
    spec: {
      taskSpec: {
        steps: [
          { name: 'command', image, command: ['echo', 'hello'] },
          { name: 'script', image, script: '#!/bin/sh\necho world\n' },
        ],
      },
    },
  };
}

const passOn = (previous: string | undefined) => ({
  params: previous ? [{ name: 'in', value: `$(tasks.${previous}.results.out)` }] : [{ name: 'in', value: 'start' }],
  taskSpec: {
    params: [{ name: 'in' }],
    results: [{ name: 'out' }],
    steps: [{ name: 'pass', image, script: '#!/bin/sh\nprintf "%s+" "$(params.in)" > $(results.out.path)\n' }],
  },
});

/** Three tasks in a row, each handing its result to the next. */
export function threeTaskPipelineRun(namespace: string): PipelineRun {
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata: { generateName: 'bench-', namespace },
    spec: {
      pipelineSpec: {
        tasks: [
          { name: 'first', ...passOn(undefined) },
          { name: 'second', ...passOn('first') },
          { name: 'third', ...passOn('second') },
        ],
      },
    },
  };
}

/** What a run costs without any controller: a bare Pod of two containers that end at once. */
export function barePod(namespace: string) {
  const container = (name: string) => ({ name, image, command: ['true'] });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'bench-', namespace },
    spec: { restartPolicy: 'Never', containers: [container('first'), container('second')] },
  };
}
