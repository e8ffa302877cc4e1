import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { buildPod } from './build.ts';
import type { PodInput } from './input.ts';
import { podInputOf, settingsOf, taskRunOf } from './pod.fake.ts';

/**
 * Whole pods, to be read by a person: golden/<name>.yaml. After a wanted change: UPDATE_GOLDEN=1 npx vitest run
 * src/core/pod, then review the difference.
 */
const pods: [name: string, input: PodInput][] = [
  ['one-step', podInputOf({ steps: [{ name: 'hello', image: 'busybox', command: ['echo'], args: ['hi'] }] })],
  [
    'signed',
    podInputOf(
      {
        results: [{ name: 'digest' }],
        steps: [{ name: 'build', image: 'builder', command: ['make'] }],
        sidecars: [{ name: 'side', image: 'side' }],
      },
      { settings: settingsOf({ 'enforce-nonfalsifiability': 'spire', 'results-from': 'sidecar-logs' }) },
    ),
  ],
  [
    'two-steps-with-script-and-results',
    podInputOf({
      results: [{ name: 'digest' }, { name: 'url' }],
      stepTemplate: {
        env: [
          { name: 'SHARED', value: 'template' },
          { name: 'OWN', value: 'template' },
        ],
        securityContext: { runAsUser: 1000 },
      },
      steps: [
        {
          name: 'build',
          image: 'golang',
          script: 'go build ./...',
          workingDir: 'src',
          env: [{ name: 'OWN', value: 'step' }],
          timeout: '5m',
        },
        {
          image: 'busybox',
          script: '#!/bin/ash\necho done',
          onError: 'continue',
          stdoutConfig: { path: '/workspace/out' },
          results: [{ name: 'r' }],
          when: [{ input: 'a', operator: 'in', values: ['a'] }],
        },
      ],
    }),
  ],
  [
    'sidecar-with-script',
    podInputOf({
      steps: [{ name: 'use', image: 'curl', command: ['curl', 'localhost'] }],
      sidecars: [
        {
          name: 'server',
          image: 'nginx',
          script: 'nginx -g "daemon off;"',
          ports: [{ containerPort: 80 }],
          computeResources: { requests: { cpu: '100m' } },
        },
      ],
    }),
  ],
  [
    'results-sidecar',
    podInputOf(
      {
        results: [{ name: 'digest' }, { name: 'url' }],
        steps: [
          { name: 'build', image: 'golang', script: 'go build ./...', results: [{ name: 'r' }] },
          { image: 'busybox', command: ['true'] },
        ],
        sidecars: [{ name: 'server', image: 'nginx' }],
      },
      {
        taskRun: taskRunOf({ podTemplate: { securityContext: { runAsUser: 0 } } }),
        settings: settingsOf(
          { 'results-from': 'sidecar-logs', 'max-result-size': '100000' },
          { 'default-sidecar-log-polling-interval': '1s' },
        ),
      },
    ),
  ],
  [
    'native-sidecar',
    podInputOf({
      steps: [{ name: 'use', image: 'curl', command: ['curl'] }],
      sidecars: [{ name: 'db', image: 'postgres', restartPolicy: 'Always' }],
    }),
  ],
  [
    'workspaces',
    podInputOf(
      {
        workspaces: [
          { name: 'source' },
          { name: 'cache', mountPath: '/cache', readOnly: true },
          { name: 'private' },
          { name: 'missing', optional: true },
        ],
        steps: [
          { name: 'a', image: 'busybox', command: ['ls'], workspaces: [{ name: 'private', mountPath: '/secrets' }] },
          { name: 'b', image: 'busybox', command: ['ls'], volumeMounts: [{ name: 'own', mountPath: '/cache' }] },
        ],
        sidecars: [{ name: 's', image: 'busybox', command: ['sleep'] }],
        volumes: [{ name: 'own', emptyDir: {} }],
      },
      {
        workspaces: [
          { name: 'source', persistentVolumeClaim: { claimName: 'claim' }, subPath: 'dir' },
          { name: 'cache', persistentVolumeClaim: { claimName: 'claim' } },
          { name: 'private', secret: { secretName: 'token' } },
        ],
      },
    ),
  ],
  [
    'credentials',
    podInputOf(
      { steps: [{ name: 'push', image: 'git', command: ['git', 'push'] }] },
      {
        secrets: [
          {
            name: 'git.token',
            type: 'kubernetes.io/basic-auth',
            annotations: {
              'tekton.dev/git-1': 'https://gitlab.com',
              'tekton.dev/git-0': 'https://github.com',
              'tekton.dev/docker-0': 'https://gcr.io',
            },
          },
          { name: 'key', type: 'kubernetes.io/ssh-auth', annotations: { 'tekton.dev/git-0': 'github.com' } },
          { name: 'registry', type: 'kubernetes.io/dockerconfigjson' },
          { name: 'old', type: 'kubernetes.io/dockercfg' },
          { name: 'unrelated', type: 'Opaque' },
          { name: 'registry', type: 'kubernetes.io/dockerconfigjson' },
        ],
      },
    ),
  ],
  [
    'image-command',
    podInputOf(
      {
        steps: [
          { name: 'plain', image: 'docker.io/library/hello:1' },
          { name: 'args', image: 'docker.io/library/hello:1', args: ['x'] },
        ],
      },
      {
        images: new Map([
          [
            'docker.io/library/hello:1',
            {
              digest: 'sha256:abc',
              commands: { 'linux/arm64': ['/hello'], 'linux/amd64': ['/hello'] },
              defaultArgs: { 'linux/amd64': ['--default'] },
            },
          ],
        ]),
      },
    ),
  ],
  [
    'breakpoints',
    podInputOf(
      {
        steps: [
          { name: 'a', image: 'x', script: 'run' },
          { name: 'b', image: 'x', command: ['run'] },
        ],
      },
      {
        taskRun: taskRunOf({ debug: { breakpoints: { onFailure: 'enabled', beforeSteps: ['b'] } } }),
      },
    ),
  ],
  [
    'pod-template-and-resources',
    podInputOf(
      {
        steps: [
          { name: 'a', image: 'x', command: ['run'] },
          { name: 'b', image: 'x', command: ['run'], computeResources: { requests: { memory: '1Gi' } } },
        ],
      },
      {
        taskRun: taskRunOf(
          {
            podTemplate: {
              nodeSelector: { disk: 'ssd' },
              tolerations: [{ key: 'k', operator: 'Exists' }],
              securityContext: { runAsNonRoot: true, runAsUser: 1001 },
              imagePullSecrets: [{ name: 'pull' }],
              env: [
                { name: 'FROM_TEMPLATE', value: '1' },
                { name: 'FORBIDDEN', value: '1' },
              ],
              volumes: [{ name: 'extra', emptyDir: {} }],
              hostNetwork: false,
              priorityClassName: 'high',
              affinity: {
                nodeAffinity: {},
                podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone' }] },
              },
            },
            stepSpecs: [{ name: 'b', computeResources: { limits: { memory: '2Gi' } } }],
            serviceAccountName: 'builder',
          },
          undefined,
          {
            name: `a-run-with-a-name-so-long-that-the-pod-has-to-be-shortened-${'x'.repeat(4)}`,
            labels: { team: 'blue', 'app.kubernetes.io/managed-by': 'someone' },
            annotations: {
              note: 'kept',
              'chains.tekton.dev/signed': 'true',
              'kubectl.kubernetes.io/last-applied-configuration': '{}',
              'pipeline.tekton.dev/affinity-assistant': 'affinity-assistant-1',
            },
          },
        ),
        limitRanges: [
          {
            spec: {
              limits: [
                { type: 'Container', defaultRequest: { cpu: '1', memory: '1Gi' }, min: { memory: '600Mi' } },
                { type: 'Pod', min: { cpu: '9' } },
              ],
            },
          },
        ],
        settings: settingsOf(
          {
            'keep-pod-on-cancel': 'true',
            'disable-creds-init': 'true',
            'enable-termination-message-compression': 'true',
            'set-security-context-read-only-root-filesystem': 'true',
          },
          {
            'default-forbidden-env': 'FORBIDDEN',
            'default-container-resource-requirements':
              'prepare:\n  requests:\n    cpu: 10m\nprefix-step:\n  limits:\n    cpu: "2"\n',
          },
        ),
        timeoutMs: 0,
      },
    ),
  ],
];

describe('buildPod', () => {
  it.each(pods)('%s', (name, input) => {
    const file = new URL(`./golden/${name}.yaml`, import.meta.url);
    const text = stringify(JSON.parse(JSON.stringify(buildPod(input))), { lineWidth: 0, aliasDuplicateObjects: false });
    if (process.env['UPDATE_GOLDEN']) writeFileSync(file, text);
    expect(text).toBe(readFileSync(file, 'utf8'));
  });

  it('gives the same pod for the same input', () => {
    for (const [, input] of pods) expect(buildPod(input)).toEqual(buildPod(structuredClone(input)));
  });

  it.each<[string, Record<string, string>, object[], string | undefined]>([
    ['no sidecars', {}, [], 'READY'],
    ['a sidecar', {}, [{ name: 's', image: 'x' }], undefined],
    ['a sidecar nobody waits for', { 'await-sidecar-readiness': 'false' }, [{ name: 's', image: 'x' }], 'READY'],
    ['a native sidecar', {}, [{ name: 's', image: 'x', restartPolicy: 'Always' }], 'READY'],
    ['all sidecars native', { 'enable-kubernetes-sidecar': 'true' }, [{ name: 's', image: 'x' }], 'READY'],
  ])('ready annotation at creation: %s', (_name, flags, sidecars, expected) => {
    const pod = buildPod(
      podInputOf({ steps: [{ image: 'x', command: ['y'] }], sidecars: sidecars }, { settings: settingsOf(flags) }),
    );
    expect(pod.metadata.annotations?.['tekton.dev/ready']).toBe(expected);
  });

  it.each<[string, Record<string, string>, object]>([
    ['by its restartPolicy', {}, { restartPolicy: 'Always' }],
    ['by flag', { 'enable-kubernetes-sidecar': 'true' }, {}],
  ])('a native sidecar %s is an ordinary one that steps wait for where the server has none', (_name, flags, more) => {
    const { spec, metadata } = buildPod(
      podInputOf(
        { steps: [{ image: 'x', command: ['y'] }], sidecars: [{ name: 's', image: 'z', ...more }] },
        { settings: settingsOf(flags), nativeSidecarsMissing: true },
      ),
    );
    expect(spec.initContainers?.map(({ name }) => name)).toEqual(['prepare']);
    expect(spec.containers[1]).toEqual({ name: 'sidecar-s', image: 'z' });
    expect(metadata.annotations?.['tekton.dev/ready']).toBeUndefined();
  });

  it.each([
    [0, 65532],
    [1000, undefined],
    [undefined, undefined],
  ])('init container beneath a pod of user %s runs as %s', (podUser, own) => {
    const taskRun = taskRunOf({
      podTemplate: { securityContext: podUser === undefined ? {} : { runAsUser: podUser } },
    });
    const pod = buildPod(podInputOf({ steps: [{ image: 'x', command: ['y'] }] }, { taskRun }));
    expect(pod.spec.initContainers?.[0]?.securityContext?.['runAsUser']).toBe(own);
  });

  it('numbers the pods of later attempts', () => {
    const taskRun = taskRunOf({ taskSpec: {} }, { retriesStatus: [{}, {}] });
    expect(buildPod(podInputOf({ steps: [{ image: 'x', command: ['y'] }] }, { taskRun })).metadata.name).toBe(
      'run-pod-retry2',
    );
  });

  it('cuts long scripts into arguments that the kernel takes', () => {
    const script = `#!/bin/sh\n${'# é\n'.repeat(60_000)}`;
    const args = buildPod(podInputOf({ steps: [{ image: 'x', script }] })).spec.initContainers?.[0]?.args ?? [];
    const chunks = args.filter((_, index) => args[index - 1] === '-script');
    expect(chunks.length).toBeGreaterThan(2);
    for (const chunk of chunks) expect(chunk.length).toBeLessThan(131_071);
    const bytes = chunks.map((chunk) => Buffer.from(chunk.slice(chunk.indexOf('=') + 1), 'base64'));
    expect(Buffer.concat(bytes).toString('utf8')).toBe(script);
    expect(chunks.map((chunk) => /^script-0-[0-9a-f]{5}(\+?=)/.exec(chunk)?.[1])).toEqual([
      '=',
      ...chunks.slice(1).map(() => '+='),
    ]);
  });

  it.each([
    ['2 steps', 2, 0, undefined],
    ['3 steps', 3, 0, '3072'],
    ['2 steps and a sidecar', 2, 1, '3072'],
    ['20 steps and 9 sidecars', 20, 9, '409'],
  ])('every step learns how long a message the kubelet keeps: %s', (_name, steps, sidecars, expected) => {
    const pod = buildPod(
      podInputOf({
        steps: Array.from({ length: steps }, () => ({ image: 'x', command: ['y'] })),
        sidecars: Array.from({ length: sidecars }, (_, index) => ({ name: `s${index}`, image: 'x' })),
      }),
    );
    const limits = pod.spec.containers.slice(0, steps).map(({ args = [] }) => {
      const at = args.indexOf('-termination_message_limit');
      return at < 0 ? undefined : args[at + 1];
    });
    expect(limits).toEqual(Array.from({ length: steps }, () => expected));
  });

  it("sizes: the step's own, then the operator's, then the LimitRange's, each by itself", () => {
    const limits = [{ type: 'Container', defaultRequest: { cpu: '1', memory: '1Gi', 'ephemeral-storage': '10' } }];
    const pod = buildPod(
      podInputOf(
        {
          steps: [
            { name: 'own', image: 'x', command: ['y'], computeResources: { requests: { cpu: '3' } } },
            { name: 'plain', image: 'x', command: ['y'] },
            { name: 'big-one', image: 'x', command: ['y'] },
          ],
        },
        {
          limitRanges: [{ spec: { limits } }],
          settings: settingsOf(
            {},
            {
              'default-container-resource-requirements':
                'step-plain:\n  requests:\n    memory: 5Mi\nprefix-step-big:\n  limits:\n    cpu: 100m\nprefix-step-pl:\n  limits:\n    cpu: "9"\n',
            },
          ),
        },
      ),
    );
    expect(pod.spec.containers.map(({ resources }) => resources)).toEqual([
      { requests: { cpu: '3', memory: '357913941', 'ephemeral-storage': '3' } },
      { requests: { cpu: '334m', memory: '5Mi', 'ephemeral-storage': '3' } },
      { limits: { cpu: '100m' }, requests: { cpu: '100m', memory: '357913941', 'ephemeral-storage': '3' } },
    ]);
  });

  it('divides memory into whole bytes', () => {
    const taskRun = taskRunOf({ computeResources: { requests: { memory: '1Gi', cpu: '1' } } });
    const step = { image: 'x', command: ['y'] };
    const pod = buildPod(podInputOf({ steps: [step, step, step] }, { taskRun }));
    expect(pod.spec.containers[0]?.resources?.requests).toEqual({ memory: '357913941', cpu: '334m' });
  });

  it('asks for known hosts where the operator wants them', () => {
    const secrets = [{ name: 'k', type: 'kubernetes.io/ssh-auth', annotations: { 'tekton.dev/git-0': 'github.com' } }];
    const flagsOf = (required: string) =>
      buildPod(
        podInputOf(
          { steps: [{ image: 'x', command: ['y'] }] },
          { secrets, settings: settingsOf({ 'require-git-ssh-secret-known-hosts': required }) },
        ),
      ).spec.containers[0]?.args;
    expect(flagsOf('true')).toContain('-require_git_ssh_known_hosts');
    expect(flagsOf('false')).not.toContain('-require_git_ssh_known_hosts');
  });

  it.each([
    ["'a' == 'a'", true],
    [undefined, false],
  ])('brings the CEL evaluator for the guard %s: %s', (cel, expected) => {
    const when = cel === undefined ? [{ input: 'a', operator: 'in', values: ['a'] }] : [{ cel }];
    const pod = buildPod(podInputOf({ steps: [{ image: 'x', command: ['y'], when }] }));
    expect(pod.spec.initContainers?.[0]?.args?.includes('-cel')).toBe(expected);
  });

  it('spreads task-level resources over the steps', () => {
    const taskRun = taskRunOf({ computeResources: { requests: { cpu: '1' }, limits: { cpu: '2' } } });
    const pod = buildPod(
      podInputOf(
        {
          steps: [
            { image: 'x', command: ['y'] },
            { image: 'x', command: ['y'] },
          ],
        },
        { taskRun },
      ),
    );
    expect(pod.spec.containers.map((container) => container.resources)).toEqual([
      { limits: { cpu: '2' }, requests: { cpu: '500m' } },
      { limits: { cpu: '2' }, requests: { cpu: '500m' } },
    ]);
  });
});
