import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { pipelines, tasks } from '../../src/api/resources.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { namespaces } from '../../src/kube/resources.ts';
import { onTerminal, type Answers } from './terminal.ts';
import { prepare } from './tkn-fixture.ts';
import { commandLines } from './tkn-programs.ts';

/** What a person is asked on a terminal, and what comes of the answers: with tkn's own program and with ours. */
const namespace = `tkn-prompts-${process.pid}`;
const programs = await commandLines();
let client: KubeClient;

const steps = [{ name: 's', image: 'busybox', script: 'true' }];

beforeAll(async () => {
  client = await prepare(namespace);
  await client.create(tasks, {
    metadata: { name: 'greet', namespace },
    spec: {
      params: [
        { name: 'who', type: 'string', default: 'you' },
        { name: 'list', type: 'array', default: ['a', 'b'] },
      ],
      workspaces: [{ name: 'data', optional: true }],
      steps,
    },
  });
  await client.create(pipelines, {
    metadata: { name: 'build', namespace },
    spec: {
      params: [
        { name: 'url', type: 'string' },
        { name: 'list', type: 'array', default: ['a'] },
      ],
      workspaces: [{ name: 'src' }, { name: 'cache', optional: true }],
      tasks: [{ name: 'a', taskRef: { name: 'greet' } }],
    },
  });
});
afterAll(async () => {
  await client?.delete(namespaces, undefined, namespace).catch(() => undefined);
  await client?.close(true);
});

type Spec = Pick<PipelineRun['spec'] | TaskRun['spec'], 'params' | 'workspaces'>;

const rows: [line: string, answers: Answers, made: Spec][] = [
  [
    'pipeline start build',
    [
      [/Value for param `url`/, 'https://git.example'],
      [/Value for param `list`/, 'x,y'],
      [/Name for the workspace/, 'src'],
      [/Value of the Sub Path/, 'deep'],
      [/Type of the Workspace/, 'pvc'],
      [/Value of Claim Name/, 'claim'],
      [/optional workspace `cache`/, 'n'],
    ],
    {
      params: [
        { name: 'url', value: 'https://git.example' },
        { name: 'list', value: ['x', 'y'] },
      ],
      workspaces: [{ name: 'src', subPath: 'deep', persistentVolumeClaim: { claimName: 'claim' } }],
    },
  ],
  [
    'pipeline start build -p url=u -w name=src,emptyDir= --skip-optional-workspace',
    [[/Value for param `list`/, 'x']],
    {
      params: [
        { name: 'url', value: 'u' },
        { name: 'list', value: ['x'] },
      ],
      workspaces: [{ name: 'src', emptyDir: {} }],
    },
  ],
  [
    'task start greet',
    [
      [/Value for param `who`/, 'Ada'],
      [/Value for param `list`/, 'x,y'],
      [/optional workspace `data`/, 'y'],
      [/Name for the workspace/, 'data'],
      [/Value of the Sub Path/, 'deep'],
      [/Type of the Workspace/, 'emptyDir'],
      [/Type of EmptyDir/, 'Memory'],
    ],
    {
      params: [
        { name: 'who', value: 'Ada' },
        { name: 'list', value: ['x', 'y'] },
      ],
      workspaces: [{ name: 'data', subPath: 'deep', emptyDir: { medium: 'Memory' } }],
    },
  ],
];

describe.each(programs)('$name', ({ words }) => {
  it.each(rows)('%s', { timeout: 60_000 }, async (line, answers, made) => {
    const { status, out } = await onTerminal(words([...line.split(' '), '--dry-run', '-n', namespace]), answers);
    expect(status, out).toBe(0);
    const run = parse(out.slice(out.indexOf('apiVersion:'))) as { spec: Spec };
    const byName = (list: readonly { name: string }[] = []) => list.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    expect(byName(run.spec.params)).toEqual(byName(made.params));
    expect(run.spec.workspaces).toEqual(made.workspaces);
  });
});
