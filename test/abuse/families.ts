import type { Param } from '../../src/api/pipeline/v1/params.ts';
import type { PipelineTask } from '../../src/api/pipeline/v1/pipeline.ts';
import type { PipelineRun, PipelineRunSpec } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { Step, TaskSpec } from '../../src/api/pipeline/v1/task.ts';
import type { TaskRun, TaskRunSpec } from '../../src/api/pipeline/v1/taskrun.ts';
import { artifactsOf, reportsArtifacts } from '../../src/chains/formats/index.ts';
import { settings as formatSettings } from '../../src/chains/formats/fixture.fake.ts';
import { digestOf } from '../../src/core/digest/record.ts';
import type { NestedRun } from '../../src/core/digest/verify.ts';
import { decideAtOnce } from '../../src/core/need.ts';
import { childOf } from '../../src/core/pipelinerun/child/child.ts';
import { planPipelineRun } from '../../src/core/pipelinerun/plan.ts';
import { earlierTaskRuns } from '../../src/chains/plan/earlier.ts';
import { settle as settlePipelineRun } from '../../src/core/pipelinerun/settle.ts';
import { podOf, settingsOf, terminationMessage } from '../../src/core/pod/pod.fake.ts';
import { quote } from '../../src/core/podstatus/quote.ts';
import { planTaskRun } from '../../src/core/taskrun/plan.ts';
import { settle as settleTaskRun } from '../../src/core/taskrun/settle.ts';
import { supplyOf } from '../../src/core/taskrun/supply.fake.ts';
import { parseChallenge } from '../../src/registry/challenge.ts';
import { credentialsFor, keychainOfSecret } from '../../src/registry/keychain.ts';
import { parseImageReference } from '../../src/registry/reference.ts';
import { recordFamilies } from './families-records.ts';
import { referenceFamilies } from './families-references.ts';
import { suiteFamilies } from './families-suite.ts';
import { named, range, texts, type Family } from './family.ts';
import { notFound, plan } from './plan.ts';

const now = new Date('2026-01-01T00:00:10Z');
const settings = settingsOf();
const step = (script: string, more: Partial<Step> = {}): Step => ({ image: 'busybox', script, ...more });
const metadata = { name: 'run', namespace: 'ns', uid: 'uid', creationTimestamp: '2026-01-01T00:00:00Z' };
const hex = 'a'.repeat(64);

function taskRuns(name: string, size: number, spec: (size: number) => TaskRunSpec): Family {
  return { name: `TaskRun: ${name}`, size, prepare: (n) => planned('TaskRun', spec(n)) };
}

function pipelineRuns(name: string, size: number, spec: (size: number) => PipelineRunSpec): Family {
  return { name: `PipelineRun: ${name}`, size, prepare: (n) => planned('PipelineRun', spec(n)) };
}

function planned(kind: 'TaskRun' | 'PipelineRun', spec: object): () => unknown {
  const json = JSON.stringify(spec);
  return () => plan({ kind }, json);
}

const small = [step('true')];
const given = (names: readonly string[], value: Param['value'] = 'v'): Param[] =>
  names.map((name) => ({ name, value }));
const specs = (names: readonly string[]) => names.map((name) => ({ name }));

const ofTaskRuns: Family[] = [
  taskRuns('params and their uses', 1_500, (n) => ({
    params: given(named('p', n)),
    taskSpec: {
      params: specs(named('p', n)),
      steps: [
        step(
          named('p', n)
            .map((name) => `$(params.${name})`)
            .join(' '),
        ),
      ],
    },
  })),
  taskRuns('a chain of defaults', 1_500, (n) => ({
    taskSpec: {
      params: range(n).map((index) => ({
        name: `p${index}`,
        default: index === n - 1 ? 'x' : `$(params.p${index + 1})`,
      })),
      steps: small,
    },
  })),
  taskRuns('dots in a name', 40_000, (n) => ({
    taskSpec: { params: [{ name: 'p', default: `$(params${'.b'.repeat(n)})` }], steps: small },
  })),
  taskRuns('keys of an object', 3_000, (n) => ({
    params: [{ name: 'o', value: Object.fromEntries(named('k', n).map((key) => [key, 'v'])) }],
    taskSpec: {
      params: [{ name: 'o', type: 'object', properties: Object.fromEntries(named('k', n).map((key) => [key, {}])) }],
      steps: [
        step(
          named('k', n)
            .map((key) => `$(params.o.${key})`)
            .join(' '),
        ),
      ],
    },
  })),
  taskRuns('objects and texts', 800, (n) => ({
    taskSpec: {
      params: named('p', n).map((name) => ({
        name,
        type: 'object' as const,
        properties: { a: {} },
        default: { a: 'x' },
      })),
      steps: named('p', n).map((name) => step(`$(params.${name}.a)`)),
    },
  })),
  taskRuns('items of a list', 4_000, (n) => ({
    params: [{ name: 'a', value: named('i', n) }],
    taskSpec: {
      params: [{ name: 'a', type: 'array' }],
      steps: [{ image: 'i', command: ['c'], args: ['$(params.a[*])', '$(params.a[1])'] }],
    },
  })),
  taskRuns('workspaces', 800, (n) => ({
    workspaces: named('w', n).map((name) => ({ name, emptyDir: {} })),
    taskSpec: {
      workspaces: specs(named('w', n)),
      steps: [
        step(
          named('w', n)
            .map((name) => `$(workspaces.${name}.path)`)
            .join(' '),
        ),
      ],
    },
  })),
  taskRuns('results', 2_000, (n) => ({
    taskSpec: {
      results: specs(named('r', n)),
      steps: [
        step(
          named('r', n)
            .map((name) => `$(results.${name}.path)`)
            .join(' '),
        ),
      ],
    },
  })),
  taskRuns('steps over a template', 800, (n) => ({
    taskSpec: {
      stepTemplate: { env: named('E', n).map((name) => ({ name, value: 'x' })), args: named('a', n) },
      steps: range(n).map(() => step('true')),
    },
  })),
  taskRuns('a script', 200_000, (n) => ({ taskSpec: { steps: [step('echo $HOME\n'.repeat(n / 11))] } })),
  taskRuns('overrides', 1_000, (n) => ({
    stepSpecs: named('s', n).map((name) => ({ name, computeResources: {} })),
    sidecarSpecs: named('c', n).map((name) => ({ name, computeResources: {} })),
    taskSpec: { steps: small },
  })),
];

const embedded = (index: number, more: Partial<PipelineTask> = {}): PipelineTask => ({
  name: `t${index}`,
  taskSpec: { steps: small },
  ...more,
});

const ofPipelineRuns: Family[] = [
  pipelineRuns('tasks side by side', 150, (n) => ({
    pipelineSpec: { tasks: range(n).map((index) => embedded(index)) },
  })),
  pipelineRuns('tasks in a row', 150, (n) => ({
    pipelineSpec: {
      tasks: range(n).map((index) => embedded(index, index === 0 ? {} : { runAfter: [`t${index - 1}`] })),
    },
  })),
  pipelineRuns('tasks after one, by its results', 150, (n) => ({
    pipelineSpec: {
      tasks: range(n).map((index) =>
        embedded(
          index,
          index === 0
            ? { taskSpec: { results: specs(named('r', n)), steps: small } }
            : { params: [{ name: 'p', value: `$(tasks.t0.results.r${index})` }] },
        ),
      ),
    },
  })),
  pipelineRuns('params of tasks', 150, (n) => ({
    params: given(named('p', n)),
    pipelineSpec: {
      params: specs(named('p', n)),
      tasks: range(n).map((index) => embedded(index, { params: [{ name: 'p', value: `$(params.p${index})` }] })),
    },
  })),
  pipelineRuns('workspaces of tasks', 150, (n) => ({
    workspaces: named('w', n).map((name) => ({ name, emptyDir: {} })),
    pipelineSpec: {
      workspaces: specs(named('w', n)),
      tasks: range(n).map((index) => embedded(index, { workspaces: [{ name: 'w', workspace: `w${index}` }] })),
    },
  })),
  pipelineRuns('includes of a matrix', 300, (n) => ({
    pipelineSpec: {
      tasks: [
        embedded(0, {
          matrix: {
            params: [{ name: 'm', value: ['a', 'b'] }],
            include: range(n).map((index) => ({ params: [{ name: 'm', value: `x${index}` }] })),
          },
        }),
      ],
    },
  })),
  pipelineRuns('guards', 1_500, (n) => ({
    pipelineSpec: {
      tasks: [embedded(0, { when: named('v', n).map((input) => ({ input, operator: 'in', values: [input] })) })],
    },
  })),
  pipelineRuns('specs for tasks', 150, (n) => ({
    taskRunSpecs: range(n).map((index) => ({ pipelineTaskName: `t${index}`, serviceAccountName: 'a' })),
    pipelineSpec: { tasks: range(n).map((index) => embedded(index)), finally: [embedded(n)] },
  })),
];

const done = {
  conditions: [{ type: 'Succeeded', status: 'True' as const, reason: 'Succeeded', message: '' }],
  startTime: metadata.creationTimestamp,
  completionTime: metadata.creationTimestamp,
};

function child(index: number, results: number): TaskRun {
  return {
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    metadata: {
      ...metadata,
      name: `run-t${index}`,
      uid: `uid-${index}`,
      labels: { 'tekton.dev/pipelineTask': `t${index}` },
    },
    spec: { taskSpec: { steps: small } },
    status: {
      ...done,
      steps: [{ name: 'a', imageID: `r.io/image${index}@sha256:${hex}` }],
      results: named(`r${index}-`, results).map((name) => ({
        name: `${name}IMAGES`,
        type: 'string',
        value: `r.io/a/b${name}@sha256:${hex}`,
      })),
    },
  };
}

/** A PipelineRun of n tasks that have all ended. */
function ended(n: number): { run: PipelineRun; children: TaskRun[] } {
  const children = range(n).map((index) => child(index, 1));
  const run: PipelineRun = {
    apiVersion: 'tekton.dev/v1',
    kind: 'PipelineRun',
    metadata,
    spec: {},
    status: {
      ...done,
      conditions: [],
      pipelineSpec: {
        tasks: range(n).map((index) => embedded(index)),
        results: range(n).map((index) => ({
          name: `out${index}`,
          value: `$(tasks.t${index}.results.r${index}-0IMAGES)`,
        })),
      },
      childReferences: children.map(({ metadata: { name = '' } }, index) => ({
        apiVersion: 'tekton.dev/v1',
        kind: 'TaskRun',
        name,
        pipelineTaskName: `t${index}`,
      })),
      results: range(n).map((index) => ({ name: `a${index}IMAGE_URL`, value: `r.io/a/b${index}` })),
    },
  };
  return { run, children };
}

/** The same with a PipelineRun of one task for each of its tasks. */
function endedWithin(n: number): { run: PipelineRun; nested: NestedRun[] } {
  const { run } = ended(n);
  const childReferences = (run.status?.childReferences ?? []).map((child) => ({ ...child, kind: 'PipelineRun' }));
  const nested = range(n).map((index) => {
    const inner = ended(1);
    const labels = { 'tekton.dev/pipelineTask': `t${index}` };
    const own = { ...inner.run, metadata: { ...metadata, name: `run-t${index}`, labels } };
    return { run: own, children: inner.children, nested: [] };
  });
  return { run: { ...run, status: { ...run.status, childReferences } }, nested };
}

function finishedPod(n: number) {
  const spec: TaskSpec = { results: specs(named('r', n)), steps: [{ name: 's', image: 'i', command: ['c'] }] };
  const results = Object.fromEntries(named('r', n).map((key) => [key, 'v']));
  const artifacts = {
    outputs: range(n).map((index) => ({ name: 'one', values: [{ uri: `u${index}`, digest: { sha256: hex } }] })),
  };
  const message = terminationMessage(results, [{ key: 'a', value: JSON.stringify(artifacts), type: 6 }]);
  const status = { name: 'step-s', state: { terminated: { exitCode: 0, message } } };
  return { spec, pod: podOf(spec, { phase: 'Succeeded', containerStatuses: [status] }) };
}

const others: Family[] = [
  {
    name: 'TaskRun: what a finished pod reports',
    size: 400,
    prepare: (n) => {
      const { spec, pod } = finishedPod(n);
      const taskRun: TaskRun = {
        metadata: { ...metadata, name: 'run' },
        spec: { taskSpec: spec },
        status: { taskSpec: spec, podName: pod.metadata.name ?? '', startTime: metadata.creationTimestamp },
      };
      const facts = { taskRun, pods: [pod], settings };
      return () => settleTaskRun(facts, decideAtOnce(planTaskRun(facts, now), supplyOf()), [], now);
    },
  },
  {
    name: 'PipelineRun: its end',
    size: 150,
    prepare: (n) => {
      const { run, children } = ended(n);
      const facts = { run, children: children.map((child) => childOf('TaskRun', child)), settings };
      return () => {
        return settlePipelineRun(run, decideAtOnce(planPipelineRun(facts, now), notFound), [], now);
      };
    },
  },
  ...(['in-toto', 'slsa/v2alpha3', 'slsa/v2alpha4'] as const).flatMap((format): Family[] => [
    {
      name: `${format}: children of a PipelineRun`,
      size: 200,
      prepare: (n) => {
        const { run, children } = ended(n);
        return () => artifactsOf(run, children, formatSettings(format, { deep: true }));
      },
    },
    {
      name: `${format}: PipelineRuns within a PipelineRun`,
      size: 100,
      prepare: (n) => {
        const { run, nested } = endedWithin(n);
        return () => artifactsOf(run, [], formatSettings(format, { deep: true }), nested);
      },
    },
    {
      name: `${format}: TaskRuns before a TaskRun`,
      size: 200,
      prepare: (n) => {
        const { run, children } = ended(n);
        const [first] = children;
        return () => {
          earlierTaskRuns(first?.metadata.name ?? '', run);
          return first && artifactsOf(first, children, formatSettings(format));
        };
      },
    },
    {
      name: `${format}: results of a TaskRun`,
      size: 1_000,
      prepare: (n) => {
        const run = child(0, n);
        return () => reportsArtifacts(run) && artifactsOf(run, [], formatSettings(format));
      },
    },
  ]),
  texts(
    'digest: JSON',
    200_000,
    (n) => JSON.stringify(named('k', n / 10)),
    (text) => digestOf(JSON.parse(text)),
  ),
  texts('messages: quotes', 100_000, (n) => '"\u0001a'.repeat(n / 3), quote),
  texts('challenge: a word and a bracket', 100_000, (n) => `${'a'.repeat(n)}(`, parseChallenge),
  texts('challenge: open quotes', 100_000, (n) => 'a="\\"'.repeat(n / 5), parseChallenge),
  texts('reference: dashes', 100_000, (n) => `r.io/${'a-'.repeat(n / 2)}`, parseImageReference),
  texts('reference: dots', 100_000, (n) => `r.io/${'a.'.repeat(n / 2)}A`, parseImageReference),
  texts(
    'keychain: entries',
    2_000,
    (n) =>
      JSON.stringify({
        auths: Object.fromEntries(named('host', n).map((host) => [`${host}/v1/`, { username: 'u', password: 'p' }])),
      }),
    (text) =>
      credentialsFor([keychainOfSecret({ '.dockerconfigjson': Buffer.from(text).toString('base64') })], 'host1', 'a/b'),
  ),
];

export const families: readonly Family[] = [
  ...ofTaskRuns,
  ...ofPipelineRuns,
  ...others,
  ...recordFamilies,
  ...referenceFamilies,
  ...suiteFamilies,
];
