import { describe, expect, it } from 'vitest';
import { FakeClock } from '../clock.fake.ts';
import type { ImageConfig, ImageFact, ImageQuestion } from '../core/pod/image.ts';
import { ApiError } from '../kube/client.ts';
import { RegistryError } from '../registry/registry-error.ts';
import { ImageLookups } from './image-lookup.ts';
import { Lane, type LaneLimits } from './lane.ts';
import { PullSecretError } from './pull-credentials.ts';

const config: ImageConfig = { digest: 'sha256:1', commands: { 'linux/amd64': ['/run'] } };
const signal = new AbortController().signal;

/** Look-ups against a registry that answers when told to. */
class Scene {
  readonly clock = new FakeClock();
  readonly told: string[] = [];
  readonly asked: string[] = [];
  readonly #answers: { resolve: (config: ImageConfig) => void; reject: (error: Error) => void }[] = [];
  readonly lookups: ImageLookups;

  constructor(limits: Partial<LaneLimits> = {}, mostWaiting?: number) {
    this.lookups = new ImageLookups({
      clock: this.clock,
      lane: new Lane({ clock: this.clock, limits }),
      onAnswer: (key) => this.told.push(key),
      ...(mostWaiting === undefined ? {} : { mostWaiting }),
      read: (image) => {
        this.asked.push(image);
        return new Promise((resolve, reject) => this.#answers.push({ resolve, reject }));
      },
    });
  }

  ask(run: string, rest: Partial<ImageQuestion> = {}, stop = signal): Promise<ImageFact> {
    const [namespace = ''] = run.split('/');
    const credentials = { namespace, serviceAccountName: 'default', imagePullSecrets: [] };
    return this.lookups.lookUp({ image: 'busybox', credentials, run: { key: run, uid: 'u' }, ...rest }, stop);
  }

  /** Asks, and lets the moment pass that an answer is waited for. */
  async askInVain(run: string, rest: Partial<ImageQuestion> = {}): Promise<ImageFact> {
    const asking = this.ask(run, rest);
    await this.clock.advance(200);
    return asking;
  }

  async answer(outcome: ImageConfig | Error = config): Promise<void> {
    const next = this.#answers.shift();
    if (outcome instanceof Error) next?.reject(outcome);
    else next?.resolve(outcome);
    await this.clock.advance(0);
  }
}

describe('an image look-up', () => {
  it('answers at once when the registry does, and tells nobody', async () => {
    const one = new Scene();
    const asking = one.ask('ns/run');
    await one.clock.advance(199);
    await one.answer();
    expect(await asking).toEqual({ kind: 'found', config });
    expect([one.told, one.asked]).toEqual([[], ['busybox']]);
  });

  it('is pending after a moment; the run is told, and finds the answer without asking again', async () => {
    const one = new Scene();
    expect(await one.askInVain('ns/run')).toEqual({ kind: 'pending' });
    expect(await one.ask('ns/run')).toEqual({ kind: 'pending' });
    await one.answer();
    expect(one.told).toEqual(['ns/run']);
    expect(await one.ask('ns/run')).toEqual({ kind: 'found', config });
    expect(await one.ask('ns/run')).toEqual({ kind: 'found', config });
    expect(one.asked).toEqual(['busybox']);
  });

  it.each<[string, string, Partial<ImageQuestion>]>([
    ['another run', 'ns/other', {}],
    ['a run of the same name made anew', 'ns/run', { run: { key: 'ns/run', uid: 'v' } }],
    ['another image', 'ns/run', { image: 'alpine' }],
  ])('is made anew for %s: a tag may have moved', async (_, run, rest) => {
    const one = new Scene();
    await one.askInVain('ns/run');
    await one.answer();
    void one.ask(run, rest);
    await one.clock.advance(0);
    expect(one.asked).toHaveLength(2);
  });

  it('is shared by those who ask before it has begun, with the same credentials', async () => {
    const one = new Scene({ ofNamespace: 1 });
    for (const run of ['ns/1', 'ns/2', 'ns/3', 'ns/4']) await one.askInVain(run);
    await one.answer();
    expect([one.told, one.asked.length]).toEqual([['ns/1'], 2]);
    await one.answer();
    expect([one.told, one.asked.length]).toEqual([['ns/1', 'ns/2', 'ns/3', 'ns/4'], 2]);
  });

  it.each<[string, Error, boolean]>([
    ['the registry is away', new RegistryError(0, 'away'), true],
    ['the registry is overloaded', new RegistryError(429, 'later'), true],
    ['the registry refuses', new RegistryError(404, 'none'), false],
    ['a pull secret is broken', new PullSecretError('broken'), false],
    ['the API server is overloaded', new ApiError(500, { reason: 'InternalError', message: 'etcd' }), true],
    ['the API server refuses', new ApiError(403, { reason: 'Forbidden', message: 'no' }), false],
  ])('fails when %s', async (_, error, retry) => {
    const one = new Scene();
    const asking = one.ask('ns/run');
    await one.clock.advance(0);
    await one.answer(error);
    expect(await asking).toEqual({ kind: 'failed', message: error.message, retry });
  });

  it('fails without a registry for a name that is none', async () => {
    const one = new Scene();
    expect(await one.ask('ns/run', { image: 'No Image' })).toMatchObject({ kind: 'failed', retry: false });
    expect(one.asked).toEqual([]);
  });

  it('is made again some time after a failure that may pass, which stands until then', async () => {
    const one = new Scene();
    await one.askInVain('ns/run');
    await one.answer(new RegistryError(503, 'later'));
    const failed = { kind: 'failed', message: 'later', retry: true };
    expect(await one.ask('ns/run')).toEqual(failed);
    expect(one.asked).toHaveLength(1);
    await one.clock.advance(5_000);
    expect(await one.ask('ns/run')).toEqual(failed);
    await one.clock.advance(0);
    expect(one.asked).toHaveLength(2);
    await one.answer();
    expect(await one.ask('ns/run')).toEqual({ kind: 'found', config });
    expect(one.told).toEqual(['ns/run', 'ns/run']);
  });

  it('holds no more workers than it may, of one namespace half of them', async () => {
    const one = new Scene({}, 4);
    const asking = ['evil/1', 'evil/2', 'evil/3', 'good/1'].map((run) => one.ask(run));
    expect(await asking[2]).toEqual({ kind: 'pending' });
    await one.clock.advance(100);
    for (let n = 0; n < 4; n += 1) await one.answer();
    expect((await Promise.all(asking)).map(({ kind }) => kind)).toEqual(['found', 'found', 'pending', 'found']);
    expect(one.told).toEqual(['evil/3']);
  });

  it('takes no more than it may of one namespace, and others meanwhile', async () => {
    const one = new Scene({ ofNamespace: 1, waiting: 1 });
    for (let n = 1; n <= 9; n += 1) await one.askInVain(`evil/${n}`, { image: `image${n}` });
    expect(one.asked).toEqual(['image1']);
    await one.askInVain('good/1');
    expect(one.asked).toEqual(['image1', 'busybox']);
  });

  it("ends with the caller's signal, and goes on for the next question", async () => {
    const one = new Scene();
    const stop = new AbortController();
    const asking = one.ask('ns/run', {}, stop.signal);
    await one.clock.advance(0);
    stop.abort(new Error('enough'));
    await expect(asking).rejects.toThrow('enough');
    await one.answer();
    expect(one.told).toEqual(['ns/run']);
    expect(await one.ask('ns/run')).toEqual({ kind: 'found', config });
  });

  it('tells nobody once the process ends', async () => {
    const one = new Scene();
    await one.askInVain('ns/run');
    one.lookups.close();
    await one.answer(new Error('the process is ending'));
    expect(one.told).toEqual([]);
    expect(await one.askInVain('ns/run')).toEqual({ kind: 'pending' });
  });
});
