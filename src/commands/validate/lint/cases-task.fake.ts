import {
  described,
  pipeline,
  step,
  stepAction,
  task,
  taskRun,
  taskSpec,
  withScript,
  withSidecar,
  withStep,
  type Case,
} from './case.fake.ts';

const hostPath = (path: string) => ({
  volumes: [{ name: 'v', hostPath: { path } }],
  steps: [{ ...step, volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
});
const optional = [described('cache', { optional: true })];
const readsCache = (script: string) => task({ workspaces: optional, steps: [{ ...step, script }] });
const written = { results: [described('r')], steps: [{ ...step, script: '#!/bin/sh\ndate > $(results.r.path)' }] };

export const taskCases: Case[] = [
  {
    rule: 'unnamed-step',
    bad: withStep({ name: undefined }),
    says: 'spec.steps[0]: a step without a name: its log is hard to find, and nothing can refer to it',
    good: withStep({ name: 'build' }),
  },
  {
    rule: 'no-readiness-probe',
    bad: withSidecar({ readinessProbe: undefined }),
    says: 'spec.sidecars[0]: steps begin before sidecar c serves; give it a readinessProbe',
    good: withSidecar({}),
  },
  {
    rule: 'host-path',
    bad: task(hostPath('/')),
    says: 'spec.volumes[0].hostPath: volume v is a folder of the node; use a workspace',
    good: task({ ...hostPath('/'), volumes: [{ name: 'v', emptyDir: {} }] }),
  },
  {
    rule: 'container-socket',
    bad: task(hostPath('/var/run/docker.sock')),
    says: 'spec.volumes[0].hostPath.path: whoever has /var/run/docker.sock is root on the node; build with a tool that needs no daemon, or with one in a sidecar',
    good: task(hostPath('/var/run')),
  },
  {
    rule: 'unused-volume',
    bad: task({ volumes: [{ name: 'v', emptyDir: {} }] }),
    says: 'spec.volumes[0]: volume v is mounted nowhere',
    good: [
      task(hostPath('/')),
      task({
        volumes: [{ name: 'v', emptyDir: {} }],
        steps: [{ name: 's', ref: { name: 'action' }, params: [{ name: 'volume', value: 'v' }] }],
      }),
    ],
  },
  {
    rule: 'unknown-volume',
    bad: withStep({ volumeMounts: [{ name: 'w', mountPath: '/w' }] }),
    says: 'spec.steps[0].volumeMounts[0].name: the task has no volume w; a run needs one of that name in its pod template',
    good: withStep(
      { volumeMounts: [{ name: '$(workspaces.w.volume)', mountPath: '/w' }] },
      { workspaces: [described('w')] },
    ),
  },
  {
    rule: 'unwritten-result',
    bad: task({ results: [described('said')] }),
    says: 'spec.results[0]: no step writes result "said"; write to $(results.said.path)',
    good: task(written),
  },
  {
    rule: 'unwritten-result',
    what: 'of a StepAction, and of a step',
    bad: [stepAction({ results: [described('said')] }), withStep({ results: [described('said')] })],
    says: [
      'spec.results[0]: the step does not write result "said"; write to $(step.results.said.path)',
      'spec.steps[0].results[0]: the step does not write result "said"; write to $(step.results.said.path)',
    ],
    good: withStep({ results: [described('said')], script: '#!/bin/sh\ndate > $(step.results.said.path)' }),
  },
  {
    rule: 'unchecked-workspace',
    bad: readsCache('#!/bin/sh\nls $(workspaces.cache.path)'),
    says: 'spec.workspaces[0]: where workspace "cache" is not bound its path is empty; look at $(workspaces.cache.bound) first',
    good: [
      readsCache('#!/bin/sh\nif [ $(workspaces.cache.bound) = true ]; then ls $(workspaces.cache.path); fi'),
      task({
        workspaces: [described('cache')],
        steps: [{ ...step, script: '#!/bin/sh\nls $(workspaces.cache.path)' }],
      }),
    ],
  },
  {
    rule: 'unknown-workspace-variable',
    bad: withScript('#!/bin/sh\nls $(workspaces.sauce.path)'),
    says: 'spec.steps[0]: the task declares no workspace "sauce": its variables stay as they are written',
    good: task({
      workspaces: [described('source')],
      steps: [{ ...step, script: '#!/bin/sh\nls $(workspaces.source.path)' }],
    }),
  },
  {
    rule: 'secret-param',
    bad: [task({ params: [described('git-password')] }), pipeline({ params: [described('githubToken')] })],
    says: [
      'spec.params[0]: the value of param "git-password" is readable by all who may read a run; take the name of a Secret, and read its key in env',
      'spec.params[0]: the value of param "githubToken" is readable by all who may read a run; take the name of a Secret, and read its key in env',
    ],
    good: task({ params: [described('github-token-secret'), described('tokens'), described('passwords-file')] }),
  },
  {
    rule: 'unused-param',
    bad: [
      task({ params: [described('p')] }),
      stepAction({ params: [described('p')] }),
      pipeline({ params: [described('p')] }),
    ],
    says: ['a', 'b', 'c'].map(() => 'spec.params[0]: param "p" is not used'),
    good: task({ params: [described('p')], steps: [{ ...step, env: [{ name: 'P', value: '$(params["p"])' }] }] }),
  },
  {
    rule: 'unused-workspace',
    bad: task({ workspaces: [described('source')] }),
    says: 'spec.workspaces[0]: workspace "source" is not used',
    good: task({ workspaces: [described('source', { mountPath: '/src' })], steps: [{ ...step, workingDir: '/src' }] }),
  },
  {
    rule: 'no-description',
    bad: [task({ description: undefined }), stepAction({ description: '' })],
    says: [
      'spec: nobody can see what this Task is for; set spec.description',
      'spec: nobody can see what this StepAction is for; set spec.description',
    ],
    good: [task({}), taskRun({ taskRef: undefined, taskSpec: taskSpec({ description: undefined }) })],
  },
  {
    rule: 'param-description',
    bad: task({ params: [{ name: 'p' }] }),
    says: 'spec.params[0]: say in a description what param "p" is',
    good: task({ params: [described('p')] }),
  },
  {
    rule: 'result-description',
    bad: task({ results: [{ name: 'r' }] }),
    says: 'spec.results[0]: say in a description what result "r" is',
    good: task({ results: [described('r')] }),
  },
  {
    rule: 'workspace-description',
    bad: pipeline({ workspaces: [{ name: 'w' }] }),
    says: 'spec.workspaces[0]: say in a description what workspace "w" is',
    good: pipeline({ workspaces: [described('w')] }),
  },
  {
    rule: 'kebab-case',
    bad: task({ params: [described('contextDir'), described('IMAGE_URL')], workspaces: [described('my.source')] }),
    says: [
      'spec.params[0].name: "contextDir" is not in kebab-case; write "context-dir"',
      'spec.params[1].name: "IMAGE_URL" is not in kebab-case; write "image-url"',
      'spec.workspaces[0].name: "my.source" is not in kebab-case; write "my-source"',
    ],
    good: task({ params: [described('context-dir')], results: [described('IMAGE_URL')] }),
  },
];
