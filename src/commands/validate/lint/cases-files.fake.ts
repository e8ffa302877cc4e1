import {
  described,
  listener,
  object,
  pipeline,
  pipelineRun,
  step,
  task,
  taskRun,
  template,
  v1,
  v1beta1,
  withStep,
  type Case,
} from './case.fake.ts';

const uses = (name: string) => pipeline({ tasks: [{ name: 'a', taskRef: { name } }] });
const oldStep = { name: 's', image: 'busybox:1.36', script: '#!/bin/sh\ntrue' };
const old = (steps: object[]) => object('Task', { description: 'd', steps }, {}, v1beta1);
const oldRun = (spec: object) => object('PipelineRun', { pipelineRef: { name: 'p' }, ...spec }, {}, v1beta1);

export const fileCases: Case[] = [
  {
    rule: 'missing-definition',
    bad: [task({}, { name: 'build' }), uses('built')],
    says: 'spec.tasks[0].taskRef.name: Task built is not in these files; it has to be on the cluster',
    good: [
      task({}, { name: 'build' }),
      uses('build'),
      uses('$(params.task)'),
      withStep({ script: undefined, image: undefined, computeResources: undefined, ref: { name: 'action' } }),
    ],
  },
  {
    rule: 'missing-definition',
    what: 'of a trigger',
    bad: [
      template({ resourcetemplates: [] }),
      listener({ triggers: [{ template: { ref: 'tempalte' }, bindings: [{ ref: 'b' }] }] }),
    ],
    says: 'spec.triggers[0].template.ref: TriggerTemplate tempalte is not in these files; it has to be on the cluster',
    good: [template({ resourcetemplates: [] }), listener({ triggers: [{ template: { ref: 'template' } }] })],
  },
  {
    rule: 'deprecated-definition',
    bad: [task({}, { name: 'build', annotations: { 'tekton.dev/deprecated': 'true' } }), uses('build')],
    says: 'spec.tasks[0].taskRef.name: Task build is marked as deprecated; its description may say what to use',
    good: [task({}, { name: 'build', labels: { 'tekton.dev/deprecated': 'false' } }), uses('build')],
  },
  {
    rule: 'unused-definition',
    bad: [task({}, { name: 'build' }), task({}, { name: 'lost' }), uses('build')],
    says: 'metadata.name: nothing in these files refers to Task lost',
    good: [
      task({}, { name: 'build' }),
      task({}, { name: 'clone' }),
      task({}, { name: 'test' }),
      uses('build'),
      template({
        resourcetemplates: [
          { apiVersion: v1, kind: 'TaskRun', metadata: { generateName: 'r-' }, spec: { taskRef: { name: 'test' } } },
        ],
      }),
      taskRun({ taskRef: { resolver: 'git', params: [{ name: 'pathInRepo', value: 'tasks/clone.yaml' }] } }),
    ],
  },
  {
    rule: 'unused-definition',
    what: 'where a variable names another',
    bad: [task({}, { name: 'build' }), task({}, { name: 'lost' }), uses('build')],
    says: 'metadata.name: nothing in these files refers to Task lost',
    good: [
      task({}, { name: 'lost' }),
      pipeline({ params: [described('t')], tasks: [{ name: 'a', taskRef: { name: '$(params.t)' } }] }),
    ],
  },
  {
    rule: 'duplicate-object',
    bad: [task(), task({ displayName: 'another' })],
    says: 'metadata.name: Task n is in f.yaml already: the last one counts',
    good: [task(), task({}, { namespace: 'other' }), pipeline()],
  },
  {
    rule: 'old-version',
    bad: [
      old([oldStep]),
      template({ resourcetemplates: [{ apiVersion: v1beta1, kind: 'TaskRun', metadata: { generateName: 'r-' } }] }),
    ],
    says: [
      'apiVersion: Task has tekton.dev/v1; write that',
      'spec.resourcetemplates[0].apiVersion: TaskRun has tekton.dev/v1; write that',
    ],
    good: [task(), object('CustomRun', { customRef: { apiVersion: 'x.dev/v1', kind: 'Wait' } }, {}, v1beta1)],
  },
  {
    rule: 'deprecated-field',
    bad: [old([{ ...oldStep, tty: true }]), oldRun({ timeout: '5m' })],
    says: [
      'spec.steps[0].tty: v1 has no tty of a step; leave it out',
      'spec.timeout: v1 has timeouts.pipeline instead',
    ],
    good: [old([oldStep]), oldRun({ timeouts: { pipeline: '5m' } }), taskRun()],
  },
  {
    rule: 'removed-kind',
    bad: object('ClusterTask', { steps: [step] }, {}, v1beta1),
    says: 'kind: Tekton has no ClusterTask any more; write a Task, and refer to it with the cluster resolver',
    good: [task(), object('Run', {}, {}, 'example.dev/v1')],
  },
  {
    rule: 'chains-annotation',
    bad: pipelineRun({}, { annotations: { 'chains.tekton.dev/signed': 'true' } }),
    says: 'metadata.annotations[chains.tekton.dev/signed]: only Chains writes it; leave it out',
    good: pipelineRun({}, { annotations: { 'chains.tekton.dev/transparency-upload': 'true' } }),
  },
  {
    rule: 'server-field',
    bad: { ...task({}, { uid: 'u', resourceVersion: '1' }), status: { a: 1 } },
    says: ['metadata.uid', 'metadata.resourceVersion', 'status'].map(
      (at) => `${at}: the cluster writes it; leave it out`,
    ),
    good: { ...task({}, { creationTimestamp: null }), status: {} },
  },
  {
    rule: 'object-size',
    bad: task({ description: 'd'.repeat(300_000) }),
    says: expect300(),
    good: task({ description: 'd'.repeat(200_000) }),
  },
  {
    rule: 'unknown-rule',
    bad: task({}, { annotations: { 'tektite.dev/lint-disable': 'no-limit, kebab-case' } }),
    says: 'metadata.annotations[tektite.dev/lint-disable]: there is no rule "no-limit"; did you mean "no-limits"?',
    good: task({}, { annotations: { 'tektite.dev/lint-disable': 'no-limits' } }),
  },
];

/** Of the object as JSON. */
function expect300(): string {
  const size = JSON.stringify(task({ description: 'd'.repeat(300_000) })).length;
  return `: ${size} bytes are more than kubectl apply can keep a copy of; use kubectl apply --server-side, or make it smaller`;
}
