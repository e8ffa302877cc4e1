import {
  described,
  listener,
  object,
  pipeline,
  pipelineRun,
  step,
  taskRun,
  taskSpec,
  template,
  v1,
  withStep,
  type Case,
  type Json,
} from './case.fake.ts';

const remote = (resolver: string, name: string, value: string) =>
  taskRun({ taskRef: { resolver, params: [{ name, value }] } });
const wayOut = '("tektite pin" writes it)';
const movingGit = `what the git resolver finds may be another thing tomorrow; give a commit's whole hash as revision ${wayOut}`;

const written = { results: [{ name: 'r' }], steps: [{ ...step, script: '#!/bin/sh\ndate > $(results.r.path)' }] };
const producer = (results = written) => ({ name: 'a', taskSpec: taskSpec(results) });
const reader = {
  name: 'b',
  taskSpec: taskSpec({ params: [{ name: 'p' }], steps: [{ ...step, env: [{ name: 'P', value: '$(params.p)' }] }] }),
  params: [{ name: 'p', value: '$(tasks.a.results.r)' }],
};
const ref = (name: string, more: Json = {}) => ({ name, taskRef: { name: 't' }, ...more });
const guarded = (when: Json) => pipeline({ params: [described('p')], tasks: [ref('a', { when: [when] })] });

const sharing = (...users: string[]) => ({
  workspaces: [{ name: 'w' }],
  tasks: users.map((name) => ref(name, { workspaces: [{ name: 'source', workspace: 'w' }] })),
});
const bound = (pipelineSpec: Json, binding: Json) =>
  pipelineRun({ pipelineRef: undefined, pipelineSpec, workspaces: [{ name: 'w', ...binding }] });
const claim = {
  volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
};
const atTheEnd = (timeouts: Json) =>
  pipelineRun({ pipelineRef: undefined, timeouts, pipelineSpec: { tasks: [ref('a')], finally: [ref('z')] } });

const trigger = (change: Json = {}) => ({ name: 't', template: { ref: 'template' }, ...change });
const github = (params?: Json[]) => ({ ref: { name: 'github' }, ...(params ? { params } : {}) });
const makes = (metadata: Json, params: Json[] = []) =>
  template({
    params,
    resourcetemplates: [{ apiVersion: v1, kind: 'TaskRun', metadata, spec: { taskRef: { name: 't' }, timeout: '5m' } }],
  });
const taking = makes({ generateName: '$(tt.params.who)-' }, [{ name: 'who' }]);
const binding = object(
  'TriggerBinding',
  { params: [{ name: 'who', value: '$(body.who)' }] },
  { name: 'b' },
  'triggers.tekton.dev/v1beta1',
);

export const pipelineCases: Case[] = [
  {
    rule: 'unread-result',
    bad: pipeline({ tasks: [producer()] }),
    says: 'spec.tasks[0].taskSpec.results[0]: nobody reads result "r" of task "a"',
    good: [
      pipeline({ tasks: [producer(), reader] }),
      pipeline({ tasks: [producer({ results: [{ name: 'IMAGE_URL' }], steps: written.steps })] }),
    ],
  },
  {
    rule: 'unused-workspace',
    what: 'of a pipeline, and of one in a run',
    bad: [
      pipeline({ workspaces: [described('w')] }),
      pipelineRun({
        pipelineRef: undefined,
        pipelineSpec: { ...sharing(), tasks: [ref('a')] },
        workspaces: [{ name: 'w', ...claim }],
      }),
    ],
    says: [
      'spec.workspaces[0]: no task gets workspace "w"',
      'spec.pipelineSpec.workspaces[0]: no task gets workspace "w"',
    ],
    good: pipeline(sharing('a')),
  },
  {
    rule: 'needless-order',
    bad: pipeline({ tasks: [producer(), { ...reader, runAfter: ['a'] }] }),
    says: 'spec.tasks[1].runAfter[0]: it runs after "a" anyway, whose results it reads',
    good: pipeline({ tasks: [producer(), reader, ref('c', { runAfter: ['a'] })] }),
  },
  {
    rule: 'duplicate-order',
    bad: pipeline({ tasks: [ref('a'), ref('b', { runAfter: ['a', 'a'] })] }),
    says: 'spec.tasks[1].runAfter[1]: "a" is named before; leave this one out',
    good: pipeline({ tasks: [ref('a'), ref('b'), ref('c', { runAfter: ['a', 'b'] })] }),
  },
  {
    rule: 'constant-when',
    bad: guarded({ input: 'params.p', operator: 'in', values: ['yes'] }),
    says: 'spec.tasks[0].when[0]: nothing in it is a variable: it always is what it is now',
    good: [
      guarded({ input: '$(params.p)', operator: 'in', values: ['yes'] }),
      guarded({ input: 'yes', operator: 'in', values: ['$(params.p)'] }),
    ],
  },
  {
    rule: 'constant-when',
    what: 'of a step',
    bad: withStep({ when: [{ input: 'a', operator: 'notin', values: ['b'] }] }),
    says: 'spec.steps[0].when[0]: nothing in it is a variable: it always is what it is now',
    good: withStep({}),
  },
  {
    rule: 'unshared-workspace',
    bad: bound(sharing('a', 'b'), { emptyDir: {} }),
    says: 'spec.workspaces[0].emptyDir: each of a, b gets an empty folder of its own; bind a volumeClaimTemplate to share files',
    good: [bound(sharing('a'), { emptyDir: {} }), bound(sharing('a', 'b'), claim)],
  },
  {
    rule: 'unshared-workspace',
    what: 'of a Pipeline among the files',
    bad: [pipeline(sharing('a', 'b'), { name: 'p' }), pipelineRun({ workspaces: [{ name: 'w', emptyDir: {} }] })],
    says: 'spec.workspaces[0].emptyDir: each of a, b gets an empty folder of its own; bind a volumeClaimTemplate to share files',
    good: [pipeline(sharing('a'), { name: 'p' }), pipelineRun({ workspaces: [{ name: 'w', emptyDir: {} }] })],
  },
  {
    rule: 'no-timeout',
    bad: [taskRun({ timeout: undefined }), pipelineRun({ timeouts: { tasks: '5m' } })],
    says: [
      "spec: no time limit of its own, so that the cluster's default holds; set spec.timeout",
      "spec: no time limit of its own, so that the cluster's default holds; set spec.timeouts.pipeline",
    ],
    good: [taskRun(), pipelineRun()],
  },
  {
    rule: 'no-timeout',
    what: 'that ends',
    bad: pipelineRun({ timeouts: { pipeline: '0h0m' } }),
    says: 'spec.timeouts.pipeline: it may run for ever; give it a time within which it is done',
    good: pipelineRun({ timeouts: { pipeline: '10m' } }),
  },
  {
    rule: 'no-finally-time',
    bad: atTheEnd({ pipeline: '1h' }),
    says: 'spec.timeouts.pipeline: tasks that take all of it leave nothing to finally; set timeouts.finally too',
    good: [
      atTheEnd({ pipeline: '1h', finally: '5m' }),
      atTheEnd({ pipeline: '1h', tasks: '50m' }),
      atTheEnd({ pipeline: '0' }),
      atTheEnd({}),
    ],
  },
  {
    rule: 'host-network',
    bad: pipelineRun({ taskRunTemplate: { podTemplate: { hostNetwork: true } } }),
    says: 'spec.taskRunTemplate.podTemplate.hostNetwork: it reaches what only the node may reach; leave it out',
    good: pipelineRun({ taskRunTemplate: { podTemplate: { hostNetwork: false } } }),
  },
  {
    rule: 'unknown-override',
    bad: [
      pipeline({}, { name: 'p' }),
      pipelineRun({
        taskRunSpecs: [
          { pipelineTaskName: 'b' },
          { pipelineTaskName: 'a', stepSpecs: [{ name: 'x', computeResources: {} }] },
        ],
      }),
      taskRun({ taskRef: undefined, taskSpec: taskSpec(), sidecarSpecs: [{ name: 'y', computeResources: {} }] }),
    ],
    says: [
      'spec.taskRunSpecs[0].pipelineTaskName: the pipeline has no task "b"',
      'spec.taskRunSpecs[1].stepSpecs[0].name: the task has no step "x"',
      'spec.sidecarSpecs[0].name: the task has no sidecar "y"',
    ],
    good: [
      pipeline({}, { name: 'p' }),
      pipelineRun({ taskRunSpecs: [{ pipelineTaskName: 'a', stepSpecs: [{ name: 's', computeResources: {} }] }] }),
      pipelineRun({ pipelineRef: { name: 'elsewhere' }, taskRunSpecs: [{ pipelineTaskName: 'b' }] }),
    ],
  },
  {
    rule: 'unpinned-reference',
    what: 'git',
    bad: remote('git', 'revision', 'main'),
    says: `spec.taskRef.params[0].value: ${movingGit}`,
    good: [remote('git', 'revision', 'a'.repeat(40)), remote('git', 'revision', '$(params.revision)')],
  },
  {
    rule: 'unpinned-reference',
    what: 'bundles',
    bad: remote('bundles', 'bundle', 'r/b:1'),
    says: `spec.taskRef.params[0].value: what the bundles resolver finds may be another thing tomorrow; give the digest of the image as bundle ${wayOut}`,
    good: remote('bundles', 'bundle', `r/b@sha256:${'0'.repeat(64)}`),
  },
  {
    rule: 'unpinned-reference',
    what: 'http and hub',
    bad: [remote('http', 'url', 'https://e/t.yaml'), remote('hub', 'name', 't')],
    says: [
      `spec.taskRef: what the http resolver finds may be another thing tomorrow; give the file's digest as digest ${wayOut}`,
      `spec.taskRef: what the hub resolver finds may be another thing tomorrow; give one version as version ${wayOut}`,
    ],
    good: [remote('http', 'digest', 'sha256:0a'), remote('hub', 'version', '0.6'), remote('cluster', 'name', 't')],
  },
  {
    rule: 'unpinned-reference',
    what: 'of a StepAction in a pipeline',
    bad: pipeline({
      tasks: [
        {
          name: 'a',
          taskSpec: { steps: [{ name: 's', ref: { resolver: 'git', params: [{ name: 'revision', value: 'v1' }] } }] },
        },
      ],
    }),
    says: `spec.tasks[0].taskSpec.steps[0].ref.params[0].value: ${movingGit}`,
    good: pipeline({ tasks: [{ name: 'a', taskSpec: { steps: [{ name: 's', ref: { name: 'action' } }] } }] }),
  },
  {
    rule: 'unverified-events',
    bad: listener({ triggers: [trigger()] }),
    says: 'spec.triggers[0]: trigger "t" has no interceptor: whoever reaches the listener starts it; have a signature checked',
    good: listener({ triggers: [trigger({ interceptors: [github()] })] }),
  },
  {
    rule: 'unverified-signature',
    bad: listener({ triggers: [trigger({ interceptors: [github([{ name: 'eventTypes', value: ['push'] }])] })] }),
    says: "spec.triggers[0].interceptors[0]: without secretRef github takes events from everybody; give it the webhook's secret",
    good: listener({
      triggers: [
        trigger({ interceptors: [github([{ name: 'secretRef', value: { secretName: 's', secretKey: 'k' } }])] }),
      ],
    }),
  },
  {
    rule: 'listener-account',
    bad: listener({ serviceAccountName: undefined, triggers: [trigger()] }),
    says: 'spec: it runs as the account default, so that its rights would be those of every pod; set spec.serviceAccountName',
    good: listener({ triggers: [trigger()] }),
  },
  {
    rule: 'unused-param',
    what: 'of a template',
    bad: makes({ generateName: '$(tt.params.a)-' }, [{ name: 'a' }, { name: 'b' }]),
    says: 'spec.params[1]: param "b" is not used',
    good: taking,
  },
  {
    rule: 'fixed-run-name',
    bad: makes({ name: 'build' }),
    says: 'spec.resourcetemplates[0].metadata.name: the second event cannot create another build; write generateName: build-',
    good: [makes({ generateName: 'build-' }), makes({ name: 'build-$(uid)' })],
  },
  {
    rule: 'duplicate-param',
    bad: template({
      params: [{ name: 'a' }, { name: 'a' }],
      resourcetemplates: [
        {
          ...object('TaskRun', { params: ['p', 'p'].map((name) => ({ name, value: '$(tt.params.a)' })) }),
          metadata: { generateName: 'r-' },
        },
      ],
    }),
    says: [
      'spec.params[1]: param "a" is there already',
      'spec.resourcetemplates[0].spec.params[1]: param "p" is there already',
    ],
    good: taking,
  },
  {
    rule: 'unused-binding',
    bad: [
      taking,
      listener({ triggers: [trigger({ bindings: [{ ref: 'b' }, { name: 'whom', value: 'x' }] })] }),
      binding,
    ],
    says: 'spec.triggers[0].bindings[1]: the template takes no "whom"',
    good: [taking, listener({ triggers: [trigger({ bindings: [{ name: 'who', value: 'x' }] })] })],
  },
  {
    rule: 'missing-binding',
    bad: [taking, object('Trigger', trigger({ name: undefined, bindings: [] }), {}, 'triggers.tekton.dev/v1beta1')],
    says: 'spec: no binding gives the template "who", which has no default',
    good: [
      taking,
      listener({ triggers: [trigger({ bindings: [{ ref: 'b' }] })] }),
      listener({ triggers: [trigger({ bindings: [{ ref: 'elsewhere' }] })] }),
      binding,
    ],
  },
];
