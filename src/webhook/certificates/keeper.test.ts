import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../clock.fake.ts';
import { ApiError } from '../../kube/client.ts';
import type { Secret } from '../../kube/resources.ts';
import { createLogger } from '../../log.ts';
import { CertificateKeeper } from './keeper.ts';

const names = ['tekton-pipelines-webhook.tekton-pipelines.svc', 'tekton-pipelines-webhook'];
const signal = new AbortController().signal;

/** One Secret behind an API server that replicas write at the same time. */
class Store {
  secret: Secret | undefined;
  writes = 0;
  /** Runs once, between a replica's reading and its writing. */
  meanwhile: (() => void) | undefined;
  failures: Error[] = [];

  readonly client = {
    get: () =>
      this.secret
        ? Promise.resolve(structuredClone(this.secret))
        : Promise.reject(new ApiError(404, { reason: 'NotFound' })),
    create: (_resource: unknown, object: Secret) =>
      this.#write(object, () => this.secret !== undefined && new ApiError(409, { reason: 'AlreadyExists' })),
    replace: (_resource: unknown, object: Secret) =>
      this.#write(
        object,
        () =>
          this.secret?.metadata.resourceVersion !== object.metadata.resourceVersion &&
          new ApiError(409, { reason: 'Conflict' }),
      ),
  };

  put(data: Record<string, string>, extra: object = {}): void {
    const encoded = Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    );
    this.secret = {
      metadata: { name: 'webhook-certs', resourceVersion: String(++this.writes) },
      data: encoded,
      ...extra,
    };
  }

  #write(object: Secret, refused: () => Error | false): Promise<Secret> {
    this.meanwhile?.();
    this.meanwhile = undefined;
    const error = this.failures.shift() ?? refused();
    if (error) return Promise.reject(error);
    this.secret = {
      ...structuredClone(object),
      metadata: { ...object.metadata, resourceVersion: String(++this.writes) },
    };
    return Promise.resolve(this.secret);
  }
}

function keeperOf(store: Store, own = true, clock = new FakeClock('2026-05-01T12:00:00Z')): CertificateKeeper {
  return new CertificateKeeper({
    client: store.client as never,
    namespace: 'tekton-pipelines',
    secretName: 'webhook-certs',
    names,
    own,
    clock,
    log: createLogger({ name: 'test', level: 'silent' }),
  });
}

describe('certificates of its own', () => {
  it('are made where there is no Secret, for the names, by an authority that is told', async () => {
    const store = new Store();
    const { server, bundle = '' } = await keeperOf(store).current(signal);
    const certificate = new X509Certificate(server.cert);
    for (const name of names) expect(certificate.checkHost(name)).toBe(name);
    expect(certificate.verify(new X509Certificate(bundle).publicKey)).toBe(true);
    expect(Object.keys(store.secret?.data ?? {})).toEqual([
      'server-cert.pem',
      'server-key.pem',
      'ca-cert.pem',
      'ca-key.pem',
    ]);
  });

  it("fill the chart's empty Secret, and leave what else is in it", async () => {
    const store = new Store();
    store.put({ own: 'kept' }, { type: 'Opaque' });
    await keeperOf(store).current(signal);
    expect(store.secret).toMatchObject({ type: 'Opaque', data: { own: Buffer.from('kept').toString('base64') } });
  });

  it('are read, and not written again, by whoever comes later', async () => {
    const store = new Store();
    const first = await keeperOf(store).current(signal);
    expect(await keeperOf(store).current(signal)).toEqual(first);
    expect(store.writes).toBe(1);
  });

  it.each([
    ['created', false],
    ['written', true],
  ])('that another replica %s first are taken', async (_what, there) => {
    const store = new Store();
    if (there) store.put({});
    const other = new Store();
    const theirs = await keeperOf(other).current(signal);
    store.meanwhile = () => {
      const { metadata, ...rest } = other.secret as Secret;
      store.secret = { ...rest, metadata: { ...metadata, resourceVersion: 'theirs' } };
    };
    expect(await keeperOf(store).current(signal)).toEqual(theirs);
  });

  it('are made anew when what is there is none', async () => {
    const store = new Store();
    store.put({ 'server-cert.pem': 'x', 'server-key.pem': 'x', 'ca-cert.pem': 'x', 'ca-key.pem': 'x' });
    const { server } = await keeperOf(store).current(signal);
    expect(new X509Certificate(server.cert).checkHost(names[0] ?? '')).toBe(names[0]);
  });

  it('gives up when every write is lost, and says what the API server said', async () => {
    const store = new Store();
    store.put({});
    store.failures = Array.from(
      { length: 9 },
      () => new ApiError(409, { reason: 'Conflict', message: 'it was changed' }),
    );
    await expect(keeperOf(store).current(signal)).rejects.toThrow('it was changed');
    expect(store.failures).toHaveLength(4);
  });

  it('does not try again what is forbidden', async () => {
    const store = new Store();
    store.failures = [new ApiError(403, { reason: 'Forbidden', message: 'no right' })];
    await expect(keeperOf(store).current(signal)).rejects.toThrow('no right');
  });
});

describe("cert-manager's certificates", () => {
  it('are served as they are, and whom to trust is told by cert-manager', async () => {
    const store = new Store();
    store.put({ 'tls.crt': 'cert', 'tls.key': 'key' });
    expect(await keeperOf(store, false).current(signal)).toEqual({
      server: { cert: 'cert', key: 'key' },
      bundle: undefined,
    });
    expect(store.writes).toBe(1);
  });

  it.each([
    ['no Secret', undefined],
    ['no key in it', { 'tls.crt': 'cert' }],
  ])('are waited for where there is %s', async (_what, data) => {
    const store = new Store();
    if (data) store.put(data);
    await expect(keeperOf(store, false).current(signal)).rejects.toThrow(
      'Secret tekton-pipelines/webhook-certs has no tls.crt and tls.key yet',
    );
  });
});
