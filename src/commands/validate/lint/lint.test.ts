import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { defaultValidationContext } from '../../../api/pipeline/v1/validation.ts';
import { validateFiles } from '../run.ts';

const tekton = 'tekton.dev/v1';

/** What is said of an object, as `rule path: message`. */
function said(kind: string, spec: object, apiVersion = tekton): string[] {
  const text = stringify({ apiVersion, kind, metadata: { name: 'n' }, spec });
  const { findings } = validateFiles([{ file: 'f.yaml', text }], defaultValidationContext, true);
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  return findings.map(({ rule, path, message }) => `${rule} ${path}: ${message}`);
}

const limits = { limits: { memory: '1Gi' } };
const step = { name: 's', image: 'busybox:1.36', script: 'true', computeResources: limits };
const task = (change: object) => ({ steps: [step], ...change });
const withStep = (change: object) => task({ steps: [{ ...step, ...change }] });
const pipeline = (change: object) => ({ tasks: [{ name: 'a', taskSpec: task({}) }], ...change });
const commit = 'a'.repeat(40);
const remote = (resolver: string, name: string, value: string) => ({
  taskRef: { resolver, params: [{ name, value }] },
  timeout: '5m',
});

interface Row {
  what: string;
  kind: string;
  spec: object;
  /** Nothing if it is as it should be. */
  want?: string;
  apiVersion?: string;
}

const tasks: Row[] = [
  { what: 'nothing to say', kind: 'Task', spec: task({}) },
  {
    what: 'an old version',
    kind: 'Task',
    apiVersion: 'tekton.dev/v1beta1',
    spec: { steps: [{ ...step, computeResources: undefined, resources: limits }] },
    want: 'old-version apiVersion: Task has tekton.dev/v1; write that',
  },
  {
    what: 'an image without a tag',
    kind: 'Task',
    spec: withStep({ image: 'r:5000/busybox' }),
    want: 'image-tag spec.steps[0].image: image "r:5000/busybox" may be another one tomorrow; name a tag, or better a digest',
  },
  {
    what: 'the latest image of a sidecar',
    kind: 'Task',
    spec: task({ sidecars: [{ name: 'c', image: 'redis:latest' }] }),
    want: 'image-tag spec.sidecars[0].image: image "redis:latest" may be another one tomorrow; name a tag, or better a digest',
  },
  { what: 'an image by digest', kind: 'Task', spec: withStep({ image: `a@sha256:${'0'.repeat(64)}` }) },
  {
    what: 'a param in a script',
    kind: 'Task',
    spec: task({ params: [{ name: 'p' }], steps: [{ ...step, script: 'echo $(params.p)' }] }),
    want: 'script-injection spec.steps[0].script: $(params.p) is put into the script as text, so that its value can be commands; put it into env, and read the variable',
  },
  {
    what: 'a param in the environment',
    kind: 'Task',
    spec: task({
      params: [{ name: 'p' }],
      steps: [{ ...step, script: 'echo $P', env: [{ name: 'P', value: '$(params.p)' }] }],
    }),
  },
  {
    what: 'a variable that is set twice',
    kind: 'Task',
    spec: withStep({
      env: [
        { name: 'A', value: '1' },
        { name: 'A', value: '2' },
      ],
    }),
    want: 'duplicate-env spec.steps[0].env[1]: variable A is set above; only the last one counts',
  },
  {
    what: 'a secret in plain text',
    kind: 'Task',
    spec: withStep({ env: [{ name: 'DB_PASSWORD', value: 'hunter2' }] }),
    want: 'plain-secret spec.steps[0].env[0].value: the value of DB_PASSWORD is readable by all who may read this; use valueFrom.secretKeyRef',
  },
  {
    what: 'a secret by reference',
    kind: 'Task',
    spec: withStep({ env: [{ name: 'DB_PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } }] }),
  },
  {
    what: 'a privileged step',
    kind: 'Task',
    spec: withStep({ securityContext: { privileged: true } }),
    want: 'privileged spec.steps[0].securityContext.privileged: a privileged container is root on its node; name the capabilities that it needs',
  },
  {
    what: 'steps without a memory limit',
    kind: 'Task',
    spec: { steps: [step, { ...step, name: 'b', computeResources: { limits: { cpu: '1' } } }] },
    want: 'no-limits spec.steps: step b has no memory limit; set computeResources.limits.memory, or that of stepTemplate',
  },
  {
    what: 'a limit of all steps',
    kind: 'Task',
    spec: { stepTemplate: { computeResources: limits }, steps: [{ ...step, computeResources: undefined }] },
  },
  {
    what: 'a folder of the node',
    kind: 'Task',
    spec: task({
      volumes: [{ name: 'v', hostPath: { path: '/' } }],
      steps: [{ ...step, volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
    }),
    want: 'host-path spec.volumes[0].hostPath: volume v is a folder of the node; use a workspace',
  },
  {
    what: 'a volume that is not mounted',
    kind: 'Task',
    spec: task({ volumes: [{ name: 'v', emptyDir: {} }] }),
    want: 'unused-volume spec.volumes[0]: volume v is mounted nowhere',
  },
  {
    what: 'a volume that is not there',
    kind: 'Task',
    spec: withStep({ volumeMounts: [{ name: 'w', mountPath: '/w' }] }),
    want: 'unknown-volume spec.steps[0].volumeMounts[0].name: the task has no volume w; a run needs one of that name in its pod template',
  },
  {
    what: 'a param that is not used',
    kind: 'Task',
    spec: task({ params: [{ name: 'p' }] }),
    want: 'unused-param spec.params[0]: param "p" is not used',
  },
  {
    what: 'a param of a StepAction that is not used',
    kind: 'StepAction',
    apiVersion: 'tekton.dev/v1beta1',
    spec: { image: 'busybox:1.36', script: 'true', params: [{ name: 'p' }] },
    want: 'unused-param spec.params[0]: param "p" is not used',
  },
  {
    what: 'a workspace that is not used',
    kind: 'Task',
    spec: task({ workspaces: [{ name: 'source' }] }),
    want: 'unused-workspace spec.workspaces[0]: workspace "source" is not used',
  },
  {
    what: 'a result that is not written',
    kind: 'Task',
    spec: task({ results: [{ name: 'said' }] }),
    want: 'unwritten-result spec.results[0]: no step writes result "said"; write to $(results.said.path)',
  },
];

const written = { results: [{ name: 'r' }], steps: [{ ...step, script: 'date > $(results.r.path)' }] };
const reader = (name: string) => ({
  name: 'b',
  taskSpec: {
    params: [{ name: 'p' }],
    steps: [{ ...step, script: 'true', env: [{ name: 'P', value: '$(params.p)' }] }],
  },
  params: [{ name: 'p', value: `$(tasks.a.results.${name})` }],
});

const pipelines: Row[] = [
  { what: 'nothing to say', kind: 'Pipeline', spec: pipeline({}) },
  {
    what: 'a param that is not used',
    kind: 'Pipeline',
    spec: pipeline({ params: [{ name: 'p' }] }),
    want: 'unused-param spec.params[0]: param "p" is not used',
  },
  {
    what: 'a workspace that no task gets',
    kind: 'Pipeline',
    spec: pipeline({ workspaces: [{ name: 'w' }] }),
    want: 'unused-workspace spec.workspaces[0]: no task gets workspace "w"',
  },
  {
    what: 'a workspace that a task gets',
    kind: 'Pipeline',
    spec: {
      workspaces: [{ name: 'w' }],
      tasks: [{ name: 'a', taskRef: { name: 't' }, workspaces: [{ name: 'source', workspace: 'w' }] }],
    },
  },
  {
    what: 'a result that nobody reads',
    kind: 'Pipeline',
    spec: { tasks: [{ name: 'a', taskSpec: written }] },
    want: 'unread-result spec.tasks[0].taskSpec.results[0]: nobody reads result "r" of task "a"',
  },
  { what: 'a result that is read', kind: 'Pipeline', spec: { tasks: [{ name: 'a', taskSpec: written }, reader('r')] } },
  {
    what: 'a result for Chains',
    kind: 'Pipeline',
    spec: {
      tasks: [
        {
          name: 'a',
          taskSpec: {
            results: [{ name: 'IMAGE_URL' }],
            steps: [{ ...step, script: 'date > $(results.IMAGE_URL.path)' }],
          },
        },
      ],
    },
  },
  {
    what: 'an order that results give already',
    kind: 'Pipeline',
    spec: {
      tasks: [
        { name: 'a', taskSpec: written },
        { ...reader('r'), runAfter: ['a'] },
      ],
    },
    want: 'needless-order spec.tasks[1].runAfter[0]: it runs after "a" anyway, whose results it reads',
  },
  {
    what: 'a task within a run',
    kind: 'PipelineRun',
    spec: { timeouts: { pipeline: '1h' }, pipelineSpec: pipeline({ workspaces: [{ name: 'w' }] }) },
    want: 'unused-workspace spec.pipelineSpec.workspaces[0]: no task gets workspace "w"',
  },
];

const wayOut = '("tektite pin" writes it)';
const references: Row[] = [
  {
    what: 'a branch',
    kind: 'TaskRun',
    spec: remote('git', 'revision', 'main'),
    want: `unpinned-reference spec.taskRef.params[0].value: what the git resolver finds may be another thing tomorrow; give a commit's whole hash as revision ${wayOut}`,
  },
  { what: 'a commit', kind: 'TaskRun', spec: remote('git', 'revision', commit) },
  {
    what: 'a bundle by tag',
    kind: 'TaskRun',
    spec: remote('bundles', 'bundle', 'r/b:1'),
    want: `unpinned-reference spec.taskRef.params[0].value: what the bundles resolver finds may be another thing tomorrow; give the digest of the image as bundle ${wayOut}`,
  },
  {
    what: 'a file without its digest',
    kind: 'TaskRun',
    spec: remote('http', 'url', 'https://e/t.yaml'),
    want: `unpinned-reference spec.taskRef: what the http resolver finds may be another thing tomorrow; give the file's digest as digest ${wayOut}`,
  },
  { what: 'a version of the hub', kind: 'TaskRun', spec: remote('hub', 'version', '0.6') },
  { what: 'what a param says', kind: 'TaskRun', spec: remote('git', 'revision', '$(params.revision)') },
  { what: 'the cluster', kind: 'TaskRun', spec: remote('cluster', 'name', 't') },
  {
    what: 'a StepAction of a branch in a pipeline',
    kind: 'Pipeline',
    spec: {
      tasks: [
        {
          name: 'a',
          taskSpec: { steps: [{ name: 's', ref: { resolver: 'git', params: [{ name: 'revision', value: 'v1' }] } }] },
        },
      ],
    },
    want: `unpinned-reference spec.tasks[0].taskSpec.steps[0].ref.params[0].value: what the git resolver finds may be another thing tomorrow; give a commit's whole hash as revision ${wayOut}`,
  },
];

const runs: Row[] = [
  {
    what: 'a TaskRun without a limit',
    kind: 'TaskRun',
    spec: { taskRef: { name: 't' } },
    want: "no-timeout spec: no time limit of its own, so that the cluster's default holds; set spec.timeout",
  },
  {
    what: 'a PipelineRun without one',
    kind: 'PipelineRun',
    spec: { pipelineRef: { name: 'p' }, timeouts: { tasks: '5m' } },
    want: "no-timeout spec: no time limit of its own, so that the cluster's default holds; set spec.timeouts.pipeline",
  },
  {
    what: 'a run without an end',
    kind: 'PipelineRun',
    spec: { pipelineRef: { name: 'p' }, timeouts: { pipeline: '0h0m' } },
    want: 'no-timeout spec.timeouts.pipeline: it may run for ever; give it a time within which it is done',
  },
  { what: 'ten minutes', kind: 'TaskRun', spec: { taskRef: { name: 't' }, timeout: '10m' } },
];

const triggers = 'triggers.tekton.dev/v1beta1';
const listeners: Row[] = [
  {
    what: 'a trigger that everybody starts',
    kind: 'EventListener',
    apiVersion: triggers,
    spec: { triggers: [{ name: 't', template: { ref: 'x' } }] },
    want: 'unverified-events spec.triggers[0]: trigger "t" has no interceptor: whoever reaches the listener starts it; have a signature checked',
  },
  {
    what: 'a trigger that looks',
    kind: 'EventListener',
    apiVersion: triggers,
    spec: { triggers: [{ name: 't', template: { ref: 'x' }, interceptors: [{ ref: { name: 'github' } }] }] },
  },
  {
    what: "a template's param that is not used",
    kind: 'TriggerTemplate',
    apiVersion: triggers,
    spec: {
      params: [{ name: 'a' }, { name: 'b' }],
      resourcetemplates: [
        {
          apiVersion: tekton,
          kind: 'TaskRun',
          metadata: { generateName: '$(tt.params.a)-' },
          spec: { taskRef: { name: 't' } },
        },
      ],
    },
    want: 'unused-param spec.params[1]: param "b" is not used',
  },
];

describe('an object that is not whole', () => {
  const hole = { name: undefined };
  it.each([
    [
      'Task',
      { steps: [{ env: [hole], volumeMounts: [hole] }], volumes: [{}], params: [{}], workspaces: [{}], results: [{}] },
    ],
    ['Pipeline', { tasks: [{ taskSpec: { results: [{}] }, runAfter: ['a'] }], params: [{}], workspaces: [{}] }],
    ['TaskRun', { timeout: 5, taskRef: { resolver: 'git', params: [{}] } }],
    ['PipelineRun', null],
    ['EventListener', { triggers: [{}] }],
  ])('%s: its errors are told', (kind, spec) => {
    const apiVersion = kind === 'EventListener' ? triggers : tekton;
    const text = stringify({ apiVersion, kind, metadata: {}, spec });
    const { findings } = validateFiles([{ file: 'f.yaml', text }], defaultValidationContext, true);
    expect(findings.some(({ severity }) => severity === 'error')).toBe(true);
  });
});

describe.each([
  ['tasks', tasks],
  ['pipelines', pipelines],
  ['references', references],
  ['runs', runs],
  ['triggers', listeners],
])('advice on %s', (_name, rows) => {
  it.each(rows)('$what', ({ kind, spec, want, apiVersion }) => {
    expect(said(kind, spec, apiVersion)).toEqual(want === undefined ? [] : [want]);
  });
});
