import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCredentialSource } from '../../../images/run-credentials.ts';
import { FakeKubeClient } from '../../../kube/client.fake.ts';
import { secrets, serviceAccounts } from '../../../kube/resources.ts';
import { Registries } from '../../../registry/client.ts';
import { ScriptedServer, type Heard, type Reply } from '../../../registry/registry.fake.ts';
import { taskRun } from '../../reconciler/world.fake.ts';
import { provePush } from './prove-push.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const signal = AbortSignal.timeout(110_000);
const basic = (user: string, password: string) => Buffer.from(`${user}:${password}`).toString('base64');

let server: ScriptedServer;
let elsewhere: ScriptedServer;
beforeEach(async () => {
  [server, elsewhere] = [await ScriptedServer.start(), await ScriptedServer.start()];
});
afterEach(async () => {
  await Promise.all([server.stop(), elsewhere.stop()]);
});

/** A registry where `bot` may push, and everybody may read. */
function registry(location = '/v2/team/app/blobs/uploads/1', image = 200) {
  return ({ method, path, headers }: Heard): Reply => {
    if (path === '/v2/') return { status: 200 };
    if (method === 'HEAD')
      return {
        status: image,
        headers: { 'docker-content-digest': digest, 'content-length': '2', 'content-type': 'x' },
      };
    if (headers.authorization === undefined) return { status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } };
    if (headers.authorization !== `Basic ${basic('bot', 'secret')}`)
      return { status: 403, body: { errors: [{ code: 'DENIED' }] } };
    return method === 'POST' ? { status: 202, headers: { location } } : { status: 204 };
  };
}

/** A cluster where the run's ServiceAccount has these credentials. */
function cluster(user?: [name: string, password: string]): FakeKubeClient {
  const client = new FakeKubeClient();
  client.seed(serviceAccounts, {
    metadata: { name: 'builder', namespace: 'ns' },
    secrets: [{ name: 'registry' }],
  });
  const auths = user ? { [server.host]: { auth: basic(...user) } } : {};
  client.seed(secrets, {
    metadata: { name: 'registry', namespace: 'ns' },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
  });
  return client;
}

function prove(client: FakeKubeClient): Promise<void> {
  return provePush(
    {
      run: taskRun('a', { spec: { serviceAccountName: 'builder' } }),
      image: { repository: `${server.host}/team/app`, digest },
      insecure: false,
      registries: new Registries(),
      credentials: createCredentialSource({ client }),
    },
    signal,
  );
}

describe("that the run's own credentials may push", () => {
  it('is proved by an upload that is begun and given up; nothing is sent', async () => {
    server.answer = registry();
    await prove(cluster(['bot', 'secret']));
    const lines = server.lines.filter((line) => !line.endsWith('/v2/'));
    expect(lines).toEqual([
      'POST /v2/team/app/blobs/uploads/',
      'POST /v2/team/app/blobs/uploads/',
      'DELETE /v2/team/app/blobs/uploads/1',
      `HEAD /v2/team/app/manifests/${digest}`,
    ]);
    expect(server.heard.every(({ body }) => body === '')).toBe(true);
  });

  it.each<[string, [string, string] | undefined, string]>([
    ['that others have', undefined, 'no credentials for'],
    ['that may only read', ['reader', 'secret'], 'must be allowed to push to'],
  ])('is not, with credentials %s: the message says whose', async (_name, user, expected) => {
    server.answer = registry();
    await expect(prove(cluster(user))).rejects.toThrow(expected);
  });

  it('is not when the image is not there', async () => {
    server.answer = registry(undefined, 404);
    await expect(prove(cluster(['bot', 'secret']))).rejects.toThrow(`has no manifest ${digest}`);
  });

  it('sends nothing to addresses that the registry names elsewhere', async () => {
    server.answer = registry(`http://${elsewhere.host}/v2/team/app/blobs/uploads/1`);
    await prove(cluster(['bot', 'secret']));
    expect(elsewhere.lines).toEqual([]);
  });

  it('does not fail when the upload cannot be given up', async () => {
    const answer = registry();
    server.answer = (heard) => (heard.method === 'DELETE' ? { status: 405 } : answer(heard));
    await prove(cluster(['bot', 'secret']));
  });
});
