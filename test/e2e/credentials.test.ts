import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TaskRun, TaskRunSpec } from '../../src/api/pipeline/v1/taskrun.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { secrets, serviceAccounts } from '../../src/kube/resources.ts';
import { commitFiles, startGitBackend, type GitBackend } from '../../src/resolvers/git/git-backend.fake.ts';
import { openWorkbench } from './cluster.ts';
import { login, startPrivateRegistry, type PrivateRegistry } from './private-registry.ts';
import { hostBeside } from './remote-servers.ts';
import { testCluster } from './setup.ts';
import { startSshServer, type SshServer } from './ssh-server.ts';

/** What the secrets of a ServiceAccount let steps and images do, against servers that let nobody else in. */
const bench = openWorkbench('credentials');
const gitImage = 'docker.io/alpine/git:latest';
const craneImage = 'gcr.io/go-containerregistry/crane:debug';
const succeeded = { status: 'True', reason: 'Succeeded', message: 'All Steps have completed executing' };
let git: GitBackend;
let ssh: SshServer;
let registry: PrivateRegistry;

/** A secret, with what steps are told of it, and the ServiceAccount of the same name that has it. */
async function account(
  name: string,
  type: string,
  all: { data: Record<string, string>; annotations?: Record<string, string> }[],
  list: 'secrets' | 'imagePullSecrets' = 'secrets',
): Promise<void> {
  const names = all.map((_, index) => `${name}-${index}`);
  await Promise.all(
    all.map(({ data, annotations = {} }, index) =>
      bench.create(secrets, { metadata: { name: `${name}-${index}`, annotations }, type, stringData: data }),
    ),
  );
  await bench.create(serviceAccounts, { metadata: { name }, [list]: names.map((each) => ({ name: each })) });
}

async function makeAccounts(): Promise<void> {
  const key = (name: 'a' | 'b', target: string) => ({
    data: { 'ssh-privatekey': ssh.keys[name], known_hosts: ssh.knownHosts },
    annotations: { 'tekton.dev/git-0': target },
  });
  const config = { data: { '.dockerconfigjson': registry.dockerConfig } };
  const [basic, sshAuth, docker] = ['basic-auth', 'ssh-auth', 'dockerconfigjson'].map(
    (type) => `kubernetes.io/${type}`,
  );
  await Promise.all([
    account('git-basic', basic ?? '', [
      { data: { username: 'git', password: 'right' }, annotations: { 'tekton.dev/git-0': new URL(git.url).origin } },
    ]),
    account('git-ssh', sshAuth ?? '', [key('b', ssh.address)]),
    account('git-ssh-keys', sshAuth ?? '', [key('a', `${ssh.address}/team/a`), key('b', `${ssh.address}/team/b`)]),
    account('docker-basic', basic ?? '', [
      { data: login, annotations: { 'tekton.dev/docker-0': `https://${registry.host}` } },
    ]),
    account('docker-config', docker ?? '', [config]),
    account('puller', docker ?? '', [config], 'imagePullSecrets'),
  ]);
}

beforeAll(async () => {
  const target = await testCluster();
  const host = hostBeside(target.registry);
  git = await startGitBackend({ host, login: 'git:right' });
  // Its own pushes go by the file system.
  commitFiles(git, { name: 'basic' });
  [ssh, registry] = await Promise.all([startSshServer(bench), startPrivateRegistry(target, host)]);
  await makeAccounts();
});
afterAll(async () => {
  git.close();
  await registry.close();
});

const cloning = (...urls: string[]): TaskRunSpec => ({
  taskSpec: {
    results: [{ name: 'said' }],
    steps: [
      {
        name: 'clone',
        image: gitImage,
        env: [{ name: 'GIT_TERMINAL_PROMPT', value: '0' }],
        script: `#!/bin/sh\nset -e\ncd /workspace\nfor url in ${urls.join(' ')}; do git clone -q $url; done\ncat */name > $(results.said.path)\n`,
      },
    ],
  },
});
const digest = (): TaskRunSpec => ({
  taskSpec: {
    results: [{ name: 'said' }],
    steps: [
      {
        name: 'ask',
        image: craneImage,
        env: [{ name: 'HOME', value: '/tekton/home' }],
        script: `#!/bin/sh\ncrane digest --insecure ${registry.host}/private/app:1 | tr -d "\\n" > $(results.said.path)\n`,
      },
    ],
  },
});
const running = (tag: string, step: object = {}): TaskRunSpec => ({
  taskSpec: {
    results: [{ name: 'said' }],
    steps: [{ name: 'run', image: `${registry.host}/private/app:${tag}`, ...step }],
  },
});
const by = (serviceAccountName: string, spec: TaskRunSpec): TaskRunSpec => ({ serviceAccountName, ...spec });
const itself = { command: ['/bin/sh', '-c', 'printf itself > /tekton/results/said'] };

interface Row {
  spec: () => TaskRunSpec;
  condition?: { status: string; reason: string; message: RegExp };
  said?: () => string;
}
/** All of these run at the same time. */
const rows: Record<string, Row> = {
  'git over HTTP with a password': { spec: () => by('git-basic', cloning(git.url)), said: () => 'basic' },
  'git over HTTP without one': {
    spec: () => cloning(git.url),
    condition: { status: 'False', reason: 'StepFailed', message: /^"step-clone" exited with code 128: Error$/ },
  },
  'git over SSH with a key': {
    spec: () => by('git-ssh', cloning(`git@${ssh.address}:team/x.git`)),
    said: () => 'b',
  },
  'git over SSH with a key for each repository of one host': {
    spec: () => by('git-ssh-keys', cloning(`git@${ssh.address}:team/a.git`, `ssh://git@${ssh.address}/team/b`)),
    said: () => 'ab',
  },
  'git over SSH without one, to a host that is known': {
    spec: () => cloning(`git@${ssh.address}:team/a.git`),
    condition: { status: 'False', reason: 'StepFailed', message: /^"step-clone" exited with code 128: Error$/ },
  },
  'a registry with a password, from a docker config': {
    spec: () => by('docker-config', digest()),
    said: () => registry.digest,
  },
  'a registry with a password, from a login': {
    spec: () => by('docker-basic', digest()),
    said: () => registry.digest,
  },
  // The controller knows the registry's certificate from ConfigMap config-registry-cert alone.
  'a private image without a command, by the ServiceAccount': {
    spec: () => by('puller', running('1')),
    said: () => 'private',
  },
  'a private image without a command, that nobody may read': {
    spec: () => running('1'),
    condition: {
      status: 'False',
      reason: 'PodCreationFailed',
      message:
        /^failed to create task run pod "task-\w+": the command of image ".*\/private\/app:1" could not be looked up: .*401.*; give the step a command or script, or make the image readable for its service account\. Maybe invalid TaskSpec$/,
    },
  },
  'a private image, by imagePullSecrets of the pod template': {
    spec: () => ({ podTemplate: { imagePullSecrets: [{ name: 'puller-0' }] }, ...running('plain', itself) }),
    said: () => 'itself',
  },
  'a private image that nobody may pull': {
    spec: () => running('plain-too', itself),
    condition: {
      status: 'False',
      reason: 'TaskRunImagePullFailed',
      message:
        /^the step "run" in TaskRun "task-\w+" failed to pull the image ".*\/private\/app:plain-too"\. The pod errored with the message: ".*"\.?$/,
    },
  },
};

/** What a step says that a server turned away. */
async function logOf({ status }: TaskRun): Promise<string> {
  const path = `/api/v1/namespaces/${bench.namespace}/pods/${status?.podName}/log`;
  return bench.client.raw('GET', path, { accept: '*/*' }).catch(String);
}

describe('with credentials, all at once', () => {
  const started = new Map<string, TaskRun>();
  beforeAll(async () => {
    const runs = Object.entries(rows).map(async ([name, { spec }]) => started.set(name, await bench.startTask(spec())));
    await Promise.all(runs);
  });
  it.each(Object.entries(rows))('%s', async (name, { condition, said }) => {
    const run = started.get(name);
    if (run === undefined) throw new Error(`${name} was not started`);
    const ended = await bench.waitFor(run, undefined, 120);
    const found = succeededCondition(ended.status);
    if (condition === undefined) expect(found, await logOf(ended)).toMatchObject(succeeded);
    else expect(found).toMatchObject({ ...condition, message: expect.stringMatching(condition.message) as string });
    if (said) expect(ended.status?.results).toMatchObject([{ name: 'said', value: said() }]);
  });
});
