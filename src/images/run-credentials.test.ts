import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiError } from '../kube/client.ts';
import { dockerConfigCredentials } from '../registry/docker-config.ts';
import { HurriedClock } from '../registry/registry.fake.ts';
import { createCredentialSource, type CredentialSourceOptions } from './run-credentials.ts';

const signal = AbortSignal.timeout(5000);
const base64 = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');
const dockerConfig = (auths: Record<string, string>) => ({
  metadata: {},
  data: {
    '.dockerconfigjson': base64({
      auths: Object.fromEntries(Object.entries(auths).map(([host, user]) => [host, { username: user, password: 'p' }])),
    }),
  },
});
const asker = { namespace: 'ns', serviceAccountName: 'builder', imagePullSecrets: [] as string[] };

function source(objects: Record<string, object>, options: Partial<CredentialSourceOptions> = {}) {
  const asked: string[] = [];
  const client = {
    get: (resource: { plural: string }, namespace: string, name: string) => {
      const key = `${resource.plural} ${namespace}/${name}`;
      asked.push(key);
      return objects[key]
        ? Promise.resolve(objects[key])
        : Promise.reject(new ApiError(404, { reason: 'NotFound', message: 'not found' }));
    },
  };
  return {
    asked,
    credentials: createCredentialSource({ client: client as never, clock: new HurriedClock(), ...options }),
  };
}

const objects = {
  'serviceaccounts ns/builder': {
    secrets: [{ name: 'push' }, { name: 'token' }, { name: 'gone' }],
    imagePullSecrets: [{ name: 'pull' }],
  },
  'secrets ns/push': dockerConfig({ 'ghcr.io': 'pusher', 'https://index.docker.io/v1/': 'hub' }),
  'secrets ns/token': { metadata: {}, data: { token: base64('t') } },
  'secrets ns/pull': dockerConfig({ 'ghcr.io/team': 'puller', 'quay.io': 'quay' }),
  'secrets ns/pod': dockerConfig({ 'pod.io': 'pod' }),
};

describe('credentials of a run', () => {
  it.each([
    [
      "a secret of the account's secrets, before a closer one of its imagePullSecrets",
      'ghcr.io',
      'team/app',
      'pusher',
      'secret ns/push (secrets of ServiceAccount ns/builder)',
    ],
    [
      'its imagePullSecrets',
      'quay.io',
      'x/y',
      'quay',
      'secret ns/pull (imagePullSecrets of ServiceAccount ns/builder)',
    ],
    [
      'Docker Hub by its old name',
      'docker.io',
      'library/x',
      'hub',
      'secret ns/push (secrets of ServiceAccount ns/builder)',
    ],
    [
      "the pod's own pull secrets",
      'pod.io',
      'x',
      'pod',
      'secret ns/pod (imagePullSecrets of ServiceAccount ns/builder)',
    ],
    ["the controller's docker config", 'corp.io', 'x', 'corp', "the controller's docker config"],
    ["the cloud's identity", 'cloud.io', 'x', 'cloud', "the controller's own identity (Cloud)"],
  ])('come from %s', async (_, host, repository, username, origin) => {
    const { credentials } = source(objects, {
      dockerConfig: (wanted) => Promise.resolve(wanted === 'corp.io' ? { username: 'corp', password: '' } : undefined),
      helpers: [
        {
          name: 'Cloud',
          serves: (wanted) => wanted === 'cloud.io',
          issue: () => Promise.resolve({ credentials: { username: 'cloud', password: '' } }),
        },
      ],
    });
    const found = await credentials.of({ ...asker, imagePullSecrets: ['pod'] }).find(host, repository, signal);
    expect([found.credentials?.username, found.origin]).toEqual([username, origin]);
  });

  it('come from a basic-auth secret with an annotation of Tekton', async () => {
    const secret = {
      metadata: { annotations: { 'tekton.dev/docker-0': 'https://reg.io' } },
      data: { username: base64('tek'), password: base64('ton') },
    };
    const { credentials } = source({
      'serviceaccounts ns/builder': { secrets: [{ name: 'basic' }] },
      'secrets ns/basic': secret,
    });
    expect((await credentials.of(asker).find('reg.io', 'x', signal)).credentials).toEqual({
      username: 'tek',
      password: 'ton',
    });
  });

  it('are explained when the registry denies them', async () => {
    const { credentials } = source(objects);
    expect(await credentials.of(asker).explain('ghcr.io', 'team/app', signal)).toBe(
      'the credentials are those of secret ns/push (secrets of ServiceAccount ns/builder): they must be allowed to push to ghcr.io/team/app',
    );
  });

  it('are explained when there are none', async () => {
    const { credentials } = source(objects, {
      helpers: [{ name: 'Cloud', serves: () => true, issue: () => Promise.reject(new Error('no role')) }],
    });
    expect(await credentials.of(asker).explain('other.io', 'x', signal)).toBe(
      "no credentials for other.io in secrets (push, token, gone) and imagePullSecrets (pull) of ServiceAccount ns/builder, the controller's docker config, the controller's own identity (Cloud)" +
        ' (secret ns/gone does not exist; Cloud: no role); add a secret of type kubernetes.io/dockerconfigjson for other.io to the secrets of ServiceAccount ns/builder',
    );
  });

  it('are anonymous, and say so, without a ServiceAccount', async () => {
    const { credentials } = source({});
    const found = await credentials.of(asker).find('ghcr.io', 'x', signal);
    expect(found.credentials).toBeUndefined();
    expect(found.origin).toContain('ServiceAccount ns/builder does not exist');
  });

  it('name a secret that cannot be read', async () => {
    const { credentials } = source({
      'serviceaccounts ns/builder': { secrets: [{ name: 'bad' }] },
      'secrets ns/bad': { metadata: {}, data: { '.dockerconfigjson': base64('{') } },
    });
    expect((await credentials.of(asker).find('ghcr.io', 'x', signal)).origin).toContain(
      'secret ns/bad: .dockerconfigjson is not JSON',
    );
  });

  it('are remembered for a while, and looked up again when they were denied', async () => {
    const clock = new HurriedClock();
    const { credentials, asked } = source(objects, { clock });
    const count = () => asked.filter((key) => key === 'secrets ns/push').length;
    const first = credentials.of(asker);
    await first.find('ghcr.io', 'x', signal);
    expect(first.forget()).toBe(false); // they are fresh: looking again would show the same
    const second = credentials.of(asker);
    await second.find('ghcr.io', 'x', signal);
    expect(count()).toBe(1);
    expect([second.forget(), second.forget()]).toEqual([true, false]);
    await second.find('ghcr.io', 'x', signal);
    expect(count()).toBe(2);
    await clock.sleep(31_000);
    await credentials.of(asker).find('ghcr.io', 'x', signal);
    expect(count()).toBe(3);
  });

  it('fail when the API server does', async () => {
    const client = { get: () => Promise.reject(new ApiError(403, { message: 'secrets is forbidden' })) };
    await expect(
      createCredentialSource({ client: client as never })
        .of(asker)
        .find('ghcr.io', 'x', signal),
    ).rejects.toThrow('secrets is forbidden');
  });
});

describe('docker config of this process', () => {
  let home = '';
  beforeEach(() => {
    home = mkdtempSync(path.join(tmpdir(), 'docker-config-'));
    mkdirSync(path.join(home, '.docker'));
  });
  afterEach(() => rmSync(home, { recursive: true }));
  const write = (config: object | string) =>
    writeFileSync(path.join(home, '.docker/config.json'), typeof config === 'string' ? config : JSON.stringify(config));
  const ask = (host: string, env: Record<string, string> = {}) =>
    dockerConfigCredentials(host, 'x', signal, { home, env });

  it('may not be there', async () => expect(await ask('ghcr.io')).toBeUndefined());

  it.each([
    ['entries', { auths: { 'ghcr.io': { auth: base64('a:b:c') } } }, { username: 'a', password: 'b:c' }],
    [
      'identity tokens',
      { auths: { 'ghcr.io': { auth: base64('a:'), identitytoken: 'I' } } },
      { username: 'a', password: '', identityToken: 'I' },
    ],
    [
      'identity tokens of older tools',
      { auths: { 'ghcr.io': { auth: base64('<token>:I') } } },
      { username: '<token>', password: 'I', identityToken: 'I' },
    ],
    [
      'registry tokens',
      { auths: { 'ghcr.io': { registrytoken: 'R' } } },
      { username: '', password: '', registryToken: 'R' },
    ],
    ['nothing for others', { auths: { 'quay.io': { auth: base64('a:b') } } }, undefined],
  ])('gives %s', async (_, config, wanted) => {
    write(config);
    expect(await ask('ghcr.io')).toEqual(wanted);
  });

  it('is named when it is not JSON', async () => {
    write('{');
    await expect(ask('ghcr.io')).rejects.toThrow(`docker config ${home}/.docker/config.json:`);
  });

  it('asks credential helpers, by host first', async () => {
    write({ credHelpers: { 'ghcr.io': 'one' }, credsStore: 'all' });
    const helper = (name: string, script: string) => {
      writeFileSync(path.join(home, `docker-credential-${name}`), `#!/bin/sh\nread -r server\n${script}\n`);
      chmodSync(path.join(home, `docker-credential-${name}`), 0o755);
    };
    helper('one', `echo "{\\"Username\\":\\"$1\\",\\"Secret\\":\\"$server\\"}"`);
    helper('all', `echo 'credentials not found in native keychain'; exit 1`);
    const env = { PATH: `${home}:${process.env['PATH'] ?? ''}` };
    expect(await ask('ghcr.io', env)).toEqual({ username: 'get', password: 'ghcr.io' });
    expect(await ask('quay.io', env)).toBeUndefined();
    helper('all', 'echo broken >&2; exit 2');
    await expect(ask('docker.io', env)).rejects.toThrow('docker-credential-all get https://index.docker.io/v1/: ');
  });
});
