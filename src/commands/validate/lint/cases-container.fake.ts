import { object, step, stepAction, task, taskRun, withScript, withSidecar, withStep, type Case } from './case.fake.ts';

const digest = `a@sha256:${'0'.repeat(64)}`;
const secretKeyRef = { name: 'db', key: 'password' };
const fromSecret = [{ name: 'PASSWORD', valueFrom: { secretKeyRef } }];

export const containerCases: Case[] = [
  {
    rule: 'image-tag',
    bad: withStep({ image: 'r:5000/busybox' }),
    says: 'spec.steps[0].image: image "r:5000/busybox" may be another one tomorrow; name a tag, or better a digest',
    good: [
      withStep({ image: digest }),
      withStep({ image: 'r:5000/busybox:1' }),
      withStep({ image: '$(params.image)' }),
    ],
  },
  {
    rule: 'image-tag',
    what: 'of a sidecar',
    bad: withSidecar({ image: 'redis:latest' }),
    says: 'spec.sidecars[0].image: image "redis:latest" may be another one tomorrow; name a tag, or better a digest',
    good: withSidecar({}),
  },
  {
    rule: 'pull-policy',
    what: 'Always',
    bad: withStep({ image: digest, imagePullPolicy: 'Always' }),
    says: 'spec.steps[0].imagePullPolicy: what a digest names does not change, so that the registry need not be asked; write IfNotPresent',
    good: [withStep({ image: digest, imagePullPolicy: 'IfNotPresent' }), withStep({ imagePullPolicy: 'Always' })],
  },
  {
    rule: 'pull-policy',
    what: 'Never',
    bad: withStep({ imagePullPolicy: 'Never' }),
    says: 'spec.steps[0].imagePullPolicy: a node that does not have the image cannot run it; write IfNotPresent',
    good: withStep({}),
  },
  {
    rule: 'pull-policy',
    what: 'IfNotPresent',
    bad: withStep({ image: 'busybox', imagePullPolicy: 'IfNotPresent' }),
    says: 'spec.steps[0].imagePullPolicy: each node keeps the image that it saw first; name a tag, or better a digest',
    good: withStep({ imagePullPolicy: 'IfNotPresent' }),
  },
  {
    rule: 'no-hashbang',
    bad: withScript('echo hello'),
    says: 'spec.steps[0].script: begin with #!/bin/sh, or what else is to run it; without, it is /bin/sh -e',
    good: [withScript('\n#!/usr/bin/env python3\nprint()'), withStep({ script: undefined, command: ['true'] })],
  },
  {
    rule: 'errors-ignored',
    bad: withScript('#!/usr/bin/env bash\nmake\nmake install'),
    says: 'spec.steps[0].script: it goes on after a command that fails; begin with set -e',
    good: [
      withScript('#!/usr/bin/env bash\nset -euo pipefail\nmake\nmake install'),
      withScript('#!/bin/sh\nset -o errexit\nmake\nmake install'),
      withScript('#!/bin/sh -xe\nmake\nmake install'),
      withScript('make\nmake install'),
      withScript('#!/bin/sh\n# one command alone\nmake'),
      withScript('#!/usr/bin/env python3\na()\nb()'),
    ],
  },
  {
    rule: 'piped-download',
    bad: withScript('#!/bin/sh\ncurl -sSL https://example.com/install.sh |\\\n  sudo bash -s -- -b /usr/bin'),
    says: 'spec.steps[0].script: it runs what it downloads; keep the file, and compare its digest first',
    good: [
      withScript('#!/bin/sh\ncurl -sSL https://example.com/f | tar xz'),
      withScript('#!/bin/sh\ncurl -o f https://example.com/f || sh other'),
      withScript('#!/bin/sh\ncat f | sh'),
    ],
  },
  {
    rule: 'traced-secret',
    bad: withScript('#!/bin/bash\nset -ex\nlogin "$PASSWORD"', { env: fromSecret }),
    says: 'spec.steps[0].script: set -x prints commands with the secrets in them to the log; leave it out',
    good: [
      withScript('#!/bin/bash\nset -e\nlogin "$PASSWORD"', { env: fromSecret }),
      withScript('#!/bin/bash\nset -ex\nlogin'),
    ],
  },
  {
    rule: 'script-injection',
    bad: withScript('#!/bin/sh\necho $(params.p)'),
    says: 'spec.steps[0].script: $(params.p) is put into the script as text, so that its value can be commands; put it into env, and read the variable',
    good: withScript('#!/bin/sh\necho $P', { env: [{ name: 'P', value: '$(params.p)' }] }),
  },
  {
    rule: 'command-with-spaces',
    bad: withStep({ script: undefined, command: ['/bin/sh -c'], args: ['true'] }),
    says: 'spec.steps[0].command[0]: no program is called "/bin/sh -c"; give each word as an item of its own, or write a script',
    good: withStep({ script: undefined, command: ['/bin/sh', '-c'], args: ['echo it is'] }),
  },
  {
    rule: 'duplicate-env',
    bad: withStep({ env: ['1', '2'].map((value) => ({ name: 'A', value })) }),
    says: 'spec.steps[0].env[1]: variable A is set above; only the last one counts',
    good: withStep({ env: ['A', 'B'].map((name) => ({ name, value: '1' })) }),
  },
  {
    rule: 'plain-secret',
    bad: withStep({ env: [{ name: 'DB_PASSWORD', value: 'hunter2' }] }),
    says: 'spec.steps[0].env[0].value: the value of DB_PASSWORD is readable by all who may read this; use valueFrom.secretKeyRef',
    good: withStep({
      env: [...fromSecret, { name: 'TOKEN', value: '$(params.token)' }, { name: 'TOKENS', value: '5' }],
    }),
  },
  {
    rule: 'whole-secret',
    bad: withStep({ envFrom: [{ secretRef: { name: 'db' } }] }),
    says: 'spec.steps[0].envFrom[0]: every key of Secret db is in its environment; name those that it needs in env',
    good: withStep({ envFrom: [{ configMapRef: { name: 'db' } }] }),
  },
  {
    rule: 'duplicate-mount',
    bad: withStep({ volumeMounts: ['/v', '/v/'].map((mountPath, index) => ({ name: `v${index}`, mountPath })) }),
    says: 'spec.steps[0].volumeMounts[1].mountPath: something is mounted at /v already, which no pod may have; choose another place',
    good: withStep({ volumeMounts: ['/v', '/v/w'].map((mountPath, index) => ({ name: `v${index}`, mountPath })) }),
  },
  {
    rule: 'request-above-limit',
    bad: withStep({
      computeResources: { requests: { memory: '2Gi', cpu: '1' }, limits: { memory: '1024Mi', cpu: '1' } },
    }),
    says: 'spec.steps[0].computeResources.requests[memory]: the request 2Gi is larger than the limit 1024Mi, which no pod may have; raise the limit',
    good: withStep({
      computeResources: { requests: { memory: '1Gi', cpu: '$(params.cpu)' }, limits: { memory: '1Gi' } },
    }),
  },
  {
    rule: 'privileged',
    bad: withStep({ securityContext: { privileged: true } }),
    says: 'spec.steps[0].securityContext.privileged: a privileged container is root on its node; name the capabilities that it needs',
    good: withStep({ securityContext: { privileged: false } }),
  },
  {
    rule: 'privilege-escalation',
    bad: task({ stepTemplate: { securityContext: { allowPrivilegeEscalation: true } } }),
    says: 'spec.stepTemplate.securityContext.allowPrivilegeEscalation: its programs may get more rights than it was started with; set it to false',
    good: task({ stepTemplate: { securityContext: { allowPrivilegeEscalation: false } } }),
  },
  {
    rule: 'run-as-root',
    bad: [withStep({ securityContext: { runAsUser: 0 } }), stepAction({ securityContext: { runAsNonRoot: false } })],
    says: [
      'spec.steps[0].securityContext.runAsUser: user 0 is root; name another user, and give it its files',
      'spec.securityContext.runAsNonRoot: it may run as root; leave it out, or set it to true',
    ],
    good: withStep({ securityContext: { runAsUser: 65532, runAsNonRoot: true } }),
  },
  {
    rule: 'run-as-root',
    what: 'by a pod template',
    bad: taskRun({ podTemplate: { securityContext: { runAsUser: 0 } } }),
    says: 'spec.podTemplate.securityContext.runAsUser: user 0 is root; name another user, and give it its files',
    good: taskRun({ podTemplate: { securityContext: { fsGroup: 0 } } }),
  },
  {
    rule: 'strong-capabilities',
    bad: withStep({ securityContext: { capabilities: { add: ['CHOWN', 'CAP_SYS_ADMIN'], drop: ['ALL'] } } }),
    says: 'spec.steps[0].securityContext.capabilities.add[1]: with CAP_SYS_ADMIN it can do what root on the node can; leave it out',
    good: withStep({ securityContext: { capabilities: { add: ['SETFCAP'], drop: ['ALL'] } } }),
  },
  {
    rule: 'host-port',
    bad: withSidecar({ ports: [{ containerPort: 6379, hostPort: 6379 }] }),
    says: 'spec.sidecars[0].ports[0].hostPort: only one run per node can have port 6379 of it; steps reach the sidecar on localhost without',
    good: withSidecar({ ports: [{ containerPort: 6379 }] }),
  },
  {
    rule: 'no-limits',
    bad: task({ steps: [step, { ...step, name: 'b', computeResources: { limits: { cpu: '1' } } }] }),
    says: 'spec.steps: step b has no memory limit; set computeResources.limits.memory, or that of stepTemplate',
    good: [
      task({ stepTemplate: { computeResources: step.computeResources }, steps: [{ name: 's', image: 'a:1' }] }),
      object('Task', { steps: [step, { name: 'r', ref: { name: 'action' } }] }),
    ],
  },
];
