import type { Param, ParamSpec } from '../../src/api/pipeline/v1/params.ts';
import type { PipelineSpec } from '../../src/api/pipeline/v1/pipeline.ts';
import type { PipelineRunSpec } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { Step, TaskSpec } from '../../src/api/pipeline/v1/task.ts';
import type { TaskRunSpec } from '../../src/api/pipeline/v1/taskrun.ts';

/** One run that a tenant may create, at most 1.5 MB of JSON, and what its condition must say. */
export interface AbuseCase {
  name: string;
  kind: 'TaskRun' | 'PipelineRun';
  spec: () => unknown;
  /** Of the condition's message; a run that goes on has one too. */
  says: string;
  /** More CPU than others may take, with the reason why: whole walks over tens of thousands of values. */
  mostMs?: number;
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const step = (script: string, more: Partial<Step> = {}): Step => ({ image: 'busybox', script, ...more });
const small = [step('true')];
const large = 'x'.repeat(700_000);

function taskRun(
  name: string,
  says: string,
  taskSpec: () => TaskSpec,
  more: () => TaskRunSpec = () => ({}),
): AbuseCase {
  return { name, kind: 'TaskRun', says, spec: () => ({ ...more(), taskSpec: taskSpec() }) };
}

function pipelineRun(
  name: string,
  says: string,
  pipelineSpec: () => PipelineSpec,
  more: () => PipelineRunSpec = () => ({}),
): AbuseCase {
  return { name, kind: 'PipelineRun', says, spec: () => ({ ...more(), pipelineSpec: pipelineSpec() }) };
}

/** Ten thousand values and more: the validators of admission alone walk them a dozen times. */
function manyValues(one: AbuseCase): AbuseCase {
  return { ...one, mostMs: 200 };
}

const given =
  (...params: [string, Param['value']][]) =>
  () => ({
    params: params.map(([name, value]) => ({ name, value })),
  });
const lists = (count: number, length: number): [string, string[]][] =>
  range(count).map((index) => [`list${index}`, range(length).map(String)]);
const declared = (count: number): ParamSpec[] => range(count).map((index) => ({ name: `list${index}`, type: 'array' }));
const matrixOver = (count: number): PipelineSpec => ({
  params: declared(count),
  tasks: [
    {
      name: 'build',
      taskSpec: { params: range(count).map((index) => ({ name: `m${index}` })), steps: small },
      matrix: { params: range(count).map((index) => ({ name: `m${index}`, value: `$(params.list${index}[*])` })) },
    },
  ],
});

const substitution: AbuseCase[] = [
  taskRun(
    'a param of 700 KB 400 times in a script',
    'with its variables replaced would come to',
    () => ({ params: [{ name: 'p' }], steps: [step('$(params.p) '.repeat(400))] }),
    given(['p', large]),
  ),
  taskRun(
    'a param of 700 KB 30,000 times in a script',
    'with its variables replaced would come to',
    () => ({ params: [{ name: 'p' }], steps: [step('$(params.p) '.repeat(30_000))] }),
    given(['p', large]),
  ),
  taskRun(
    'a param of 700 KB in the scripts of 100 steps',
    'with its variables replaced would come to',
    () => ({ params: [{ name: 'p' }], steps: range(100).map(() => step('echo $(params.p)')) }),
    given(['p', large]),
  ),
  taskRun(
    'a param of 700 KB in two steps',
    'pod run-pod would come to',
    () => ({ params: [{ name: 'p' }], steps: range(2).map(() => step('echo $(params.p)')) }),
    given(['p', large]),
  ),
  taskRun(
    'a list of 40,000 items expanded 100 times',
    'with its variables replaced would come to',
    () => ({
      params: [{ name: 'p', type: 'array' }],
      steps: [{ image: 'a', command: ['c'], args: range(100).map(() => '$(params.p[*])') }],
    }),
    given(['p', range(40_000).map(String)]),
  ),
  taskRun('a script of 730 KB, which base64 makes larger than a pod', 'would come to', () => ({
    steps: [step('x'.repeat(1_200_000))],
  })),
  taskRun('550,000 opening brackets', 'Pending', () => ({
    steps: [step(`${'$('.repeat(25_000)}${'('.repeat(500_000)}`)],
  })),
  taskRun(
    'more variables than a spec may name',
    'names more than 30000 variables',
    () => ({ steps: [step('$(params.p)'.repeat(60_000))] }),
    given(['p', 'x']),
  ),
  taskRun(
    'more values than a spec may hold',
    'holds more than 60000 values',
    () => ({ params: [{ name: 'p', type: 'array' }], steps: small }),
    given(['p', range(300_000).map(() => '')]),
  ),
  taskRun('JSON of 9,000 levels', 'nested more than 200 levels deep', () => ({
    steps: [
      step('true', {
        securityContext: JSON.parse('{"a":'.repeat(9_000) + '1' + '}'.repeat(9_000)) as Record<string, unknown>,
      }),
    ],
  })),
];

const defaults: AbuseCase[] = [
  taskRun('a default of 20,000 dots', 'Pending', () => ({
    params: [{ name: 'p', default: `$(params${'.b'.repeat(20_000)})` }],
    steps: small,
  })),
  taskRun('a default of 300,000 dots', 'Pending', () => ({
    params: [{ name: 'p', default: `$(params${'.b'.repeat(300_000)})` }],
    steps: small,
  })),
  taskRun('defaults that double forty times', 'grow beyond 1 MB', () => ({
    params: [
      { name: 'p0', default: 'x'.repeat(1_000) },
      ...range(40).map((index) => ({ name: `p${index + 1}`, default: `$(params.p${index})$(params.p${index})` })),
    ],
    steps: small,
  })),
  taskRun('500 defaults that name one of 700 KB', 'grow beyond 1 MB', () => ({
    params: [
      { name: 'p', default: large },
      ...range(500).map((index) => ({ name: `q${index}`, default: '$(params.p)' })),
    ],
    steps: small,
  })),
  taskRun('a chain of 10,000 defaults', 'Pending', () => ({
    params: range(10_000).map((index) => ({
      name: `p${index}`,
      default: index === 9_999 ? '' : `$(params.p${index + 1})`,
    })),
    steps: small,
  })),
  taskRun(
    'an object of 20,000 keys',
    'Pending',
    () => ({ params: [{ name: 'o', type: 'object', properties: {} }], steps: small }),
    given(['o', Object.fromEntries(range(20_000).map((index) => [`k${index}`, '']))]),
  ),
  taskRun(
    'an object param named __proto__ without its key',
    'missing keys',
    () => ({ params: [{ name: '__proto__', type: 'object', properties: { k: {} } }], steps: small }),
    given(['__proto__', { other: '' }]),
  ),
];

const steps: AbuseCase[] = [
  taskRun('1,000 steps', 'a pod with 1000 steps would come to', () => ({
    steps: range(1_000).map(() => step('true')),
  })),
  taskRun('6,000 steps', 'a pod with 6000 steps would come to', () => ({
    steps: range(6_000).map(() => step('true')),
  })),
  taskRun('a template of 3,000 variables over 3,000 steps', 'would come to', () => ({
    stepTemplate: { env: range(3_000).map((index) => ({ name: `E${index}`, value: '' })) },
    steps: range(3_000).map(() => step('true')),
  })),
  taskRun('10,000 results told to 100 steps', 'would come to', () => ({
    results: range(10_000).map((index) => ({ name: `result-${index}` })),
    steps: range(100).map(() => step('true')),
  })),
  taskRun(
    '4,000 workspaces in 100 steps',
    'would come to',
    () => ({
      workspaces: range(4_000).map((index) => ({ name: `w${index}` })),
      steps: range(100).map(() => step('true')),
    }),
    () => ({ workspaces: range(4_000).map((index) => ({ name: `w${index}`, emptyDir: {} })) }),
  ),
];

const pipelines: AbuseCase[] = [
  pipelineRun(
    'a matrix over three lists of 300',
    'status.childReferences of 27000000 TaskRuns',
    () => matrixOver(3),
    given(...lists(3, 300)),
  ),
  pipelineRun(
    'a matrix over two lists of 100',
    'expected 0 <= 10000 <= 256',
    () => matrixOver(2),
    given(...lists(2, 100)),
  ),
  pipelineRun(
    'a matrix over nine lists of 5,000',
    'status.childReferences of',
    () => matrixOver(9),
    given(...lists(9, 5_000)),
  ),
  manyValues(
    pipelineRun('256 combinations with 8,000 includes', 'are more than 100000 values', () => ({
      tasks: [
        {
          name: 't',
          taskSpec: { steps: small },
          matrix: {
            params: [
              { name: 'a', value: range(16).map(String) },
              { name: 'b', value: range(16).map(String) },
            ],
            include: range(8_000).map((index) => ({ params: [{ name: `n${index}`, value: '' }] })),
          },
        },
      ],
    })),
  ),
  pipelineRun(
    'a param of 700 KB in 50 embedded tasks',
    'with its variables replaced would come to',
    () => ({
      params: [{ name: 'p' }],
      tasks: range(50).map((index) => ({ name: `t${index}`, taskSpec: { steps: [step('$(params.p)')] } })),
    }),
    given(['p', large]),
  ),
  manyValues(
    pipelineRun('2,000 tasks after one', 'Tasks Completed: 0', () => ({
      tasks: range(2_000).map((index) => ({
        name: `t${index}`,
        runAfter: index === 0 ? [] : ['t0'],
        taskSpec: { steps: small },
      })),
    })),
  ),
  pipelineRun(
    'a subPath that leads out of the run\u2019s',
    'leads out of',
    () => ({
      workspaces: [{ name: 'w' }],
      tasks: [
        {
          name: 't',
          workspaces: [{ name: 'w', subPath: '../../tenant-b/secrets' }],
          taskSpec: { workspaces: [{ name: 'w' }], steps: small },
        },
      ],
    }),
    () => ({ workspaces: [{ name: 'w', subPath: 'tenant-a/cache', persistentVolumeClaim: { claimName: 'shared' } }] }),
  ),
];

export const cases: readonly AbuseCase[] = [...substitution, ...defaults, ...steps, ...pipelines];
