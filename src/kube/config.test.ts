import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../clock.fake.ts';
import { loadClusterConfig } from './config.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'kube-config-'));
});
afterEach(() => rm(folder, { recursive: true }));

const kubeconfig = (user: object, more: object = {}) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'one',
    clusters: [
      {
        name: 'c',
        cluster: {
          server: 'https://127.0.0.1:6443/prefix',
          'certificate-authority-data': Buffer.from('CA').toString('base64'),
          ...more,
        },
      },
    ],
    users: [{ name: 'u', user }],
    contexts: [
      { name: 'one', context: { cluster: 'c', user: 'u', namespace: 'team' } },
      { name: 'two', context: { cluster: 'c', user: 'u' } },
      { name: 'broken', context: { cluster: 'x', user: 'u' } },
    ],
  });
async function load(user: object, context?: string, more?: object) {
  const file = path.join(folder, 'kubeconfig');
  await writeFile(file, kubeconfig(user, more));
  return loadClusterConfig({ kubeconfig: file, ...(context ? { context } : {}) });
}

describe('in a pod', () => {
  const env = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
  beforeEach(() =>
    Promise.all([
      writeFile(path.join(folder, 'token'), 'first\n'),
      writeFile(path.join(folder, 'ca.crt'), 'CA'),
      writeFile(path.join(folder, 'namespace'), 'tekton-pipelines'),
    ]),
  );

  test('the service account is used, and its token read again after a minute', async () => {
    const clock = new FakeClock();
    const config = await loadClusterConfig({ env, clock, serviceAccountFolder: folder });
    expect(config.server.href).toBe('https://10.96.0.1/');
    expect(config.namespace).toBe('tekton-pipelines');
    expect(await config.credentials()).toEqual({ headers: { authorization: 'Bearer first' }, ca: Buffer.from('CA') });
    await writeFile(path.join(folder, 'token'), 'second');
    await clock.advance(59_000);
    expect((await config.credentials()).headers).toEqual({ authorization: 'Bearer first' });
    await clock.advance(1_000);
    expect((await config.credentials()).headers).toEqual({ authorization: 'Bearer second' });
  });

  test('fresh credentials do not wait for the minute', async () => {
    const config = await loadClusterConfig({ env, serviceAccountFolder: folder });
    await config.credentials();
    await writeFile(path.join(folder, 'token'), 'second');
    expect((await config.credentials(true)).headers).toEqual({ authorization: 'Bearer second' });
  });

  test('a token that cannot be read is an error, and is tried again', async () => {
    const config = await loadClusterConfig({ env, serviceAccountFolder: folder });
    await rm(path.join(folder, 'token'));
    await expect(config.credentials()).rejects.toThrow('ENOENT');
    await writeFile(path.join(folder, 'token'), 'back');
    expect((await config.credentials()).headers).toEqual({ authorization: 'Bearer back' });
  });

  test('an IPv6 address is put in brackets', async () => {
    const config = await loadClusterConfig({
      env: { ...env, KUBERNETES_SERVICE_HOST: 'fd00::1' },
      serviceAccountFolder: folder,
    });
    expect(config.server.hostname).toBe('[fd00::1]');
  });
});

describe('a kubeconfig', () => {
  test.each([
    ['a token', { token: 't' }, { headers: { authorization: 'Bearer t' } }],
    [
      'a client certificate',
      {
        'client-certificate-data': Buffer.from('CERT').toString('base64'),
        'client-key-data': Buffer.from('KEY').toString('base64'),
      },
      { cert: Buffer.from('CERT'), key: Buffer.from('KEY') },
    ],
    [
      'user and password',
      { username: 'u', password: 'p' },
      { headers: { authorization: `Basic ${Buffer.from('u:p').toString('base64')}` } },
    ],
  ])('with %s', async (_name, user, wanted) => {
    const config = await load(user);
    expect(await config.credentials()).toMatchObject({ ca: Buffer.from('CA'), ...wanted });
  });

  test('with an exec plugin', async () => {
    const script = `echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"from-exec"}}'`;
    const config = await load({
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: 'sh',
        args: ['-c', script],
        interactiveMode: 'Never',
      },
    });
    expect((await config.credentials()).headers).toEqual({ authorization: 'Bearer from-exec' });
  });

  test('server with its path, namespace of the context', async () => {
    const config = await load({ token: 't' });
    expect(config.server.href).toBe('https://127.0.0.1:6443/prefix');
    expect(config.namespace).toBe('team');
    expect((await load({ token: 't' }, 'two')).namespace).toBe('default');
  });

  test('a proxy, no check of the certificate, another server name', async () => {
    const config = await load({ token: 't' }, undefined, {
      'proxy-url': 'http://127.0.0.1:3128',
      'insecure-skip-tls-verify': true,
      'tls-server-name': 'api',
    });
    expect(config.proxy?.href).toBe('http://127.0.0.1:3128/');
    expect(await config.credentials()).toMatchObject({ rejectUnauthorized: false, serverName: 'api' });
  });

  test('an unknown context is an error that lists the known ones', async () => {
    await expect(load({ token: 't' }, 'three')).rejects.toThrow(
      'context "three" is not in the kubeconfig; it has: one, two, broken',
    );
  });

  test('that is nowhere is an error', async () => {
    await expect(loadClusterConfig({ env: { HOME: folder } })).rejects.toThrow(
      'no cluster is configured: pass --kubeconfig, set KUBECONFIG or write $HOME/.kube/config',
    );
  });

  test('a context without its cluster is an error', async () => {
    await expect(load({ token: 't' }, 'broken')).rejects.toThrow('names no cluster');
  });
});
