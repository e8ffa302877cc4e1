import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HurriedClock } from './registry.fake.ts';
import { digestOf } from './digest.ts';
import { RegistryError } from './registry-error.ts';
import type { ManifestToPut, Repository, StoredManifest } from './repository.ts';
import { ProcessLock, updateTag, type NamedLock } from './tag-update.ts';

const signal = AbortSignal.timeout(10_000);

/** A repository with one tag; `turn` runs before every request, so that a test can let others act in between. */
class OneTag {
  content: string | undefined;
  puts: { content: string; ifMatch: string | undefined }[] = [];
  etag: (content: string) => string | undefined = () => undefined;
  turn: (request: 'get' | 'put' | 'head') => void | Promise<void> = () => {};
  readonly fullName = 'reg/app';

  async findManifest(): Promise<StoredManifest | undefined> {
    await this.turn('get');
    if (this.content === undefined) return undefined;
    const bytes = Buffer.from(this.content);
    return {
      bytes,
      mediaType: 'text',
      digest: digestOf(bytes),
      statedDigest: undefined,
      etag: this.etag(this.content),
    };
  }
  async putManifest(_tag: string, { bytes, ifMatch }: ManifestToPut) {
    await this.turn('put');
    this.puts.push({ content: bytes.toString(), ifMatch });
    if (ifMatch !== undefined && ifMatch !== this.etag(this.content ?? ''))
      throw new RegistryError(412, 'precondition failed');
    this.content = bytes.toString();
    return { listsReferrers: false };
  }
  async headManifest() {
    await this.turn('head');
    return this.content === undefined
      ? undefined
      : { mediaType: 'text', digest: digestOf(Buffer.from(this.content)), size: 0 };
  }
}

const words = (content: string | undefined) => (content ?? '').split(' ').filter(Boolean);
/** Adds a word to the tag's content unless it is there. */
const add = (tag: OneTag, word: string, lock: NamedLock = new ProcessLock()) => {
  const plan = (current: StoredManifest | undefined) => {
    const found = words(current?.bytes.toString());
    return Promise.resolve(
      found.includes(word) ? undefined : { bytes: Buffer.from([...found, word].join(' ')), mediaType: 'text' },
    );
  };
  return updateTag(
    { repository: tag as unknown as Repository, tag: 'tag', plan },
    { lock, clock: new HurriedClock(), random: () => 0.5 },
    signal,
  );
};

describe('updateTag', () => {
  it('writes what is missing, once', async () => {
    const tag = new OneTag();
    expect([await add(tag, 'a'), await add(tag, 'b'), await add(tag, 'a')]).toEqual([true, true, false]);
    expect(tag.content).toBe('a b');
    expect(tag.puts).toHaveLength(2);
  });

  it('loses nothing among writers with one lock, however their requests mix', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.uniqueArray(fc.stringMatching(/^[a-z]{1,3}$/), { minLength: 2, maxLength: 6 }),
        async (scheduler, all) => {
          const tag = new OneTag();
          tag.turn = () => scheduler.schedule(Promise.resolve());
          const lock = new ProcessLock();
          await scheduler.waitFor(Promise.all(all.map((word) => add(tag, word, lock))));
          expect(words(tag.content).sort()).toEqual([...all].sort());
        },
      ),
      { numRuns: 50 },
    );
  });

  it('writes again when a stranger overwrote it before it looked', async () => {
    const tag = new OneTag();
    let strangers = 2;
    tag.turn = (request) => {
      if (request === 'head' && strangers-- > 0) tag.content = 'stranger';
    };
    expect(await add(tag, 'mine')).toBe(true);
    expect(tag.content).toBe('stranger mine');
  });

  it('is content when a stranger added to it', async () => {
    const tag = new OneTag();
    tag.turn = (request) => {
      if (request === 'head' && tag.content === 'mine') tag.content = 'mine stranger';
    };
    expect(await add(tag, 'mine')).toBe(true);
    expect(tag.puts).toHaveLength(1);
  });

  it('gives up in words after 8 rounds', async () => {
    const tag = new OneTag();
    tag.turn = (request) => {
      if (request === 'head') tag.content = 'stranger';
    };
    await expect(add(tag, 'mine')).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining('reg/app:tag: other writers undid the change 8 times') as string,
    });
  });

  it('loses nothing to strangers in a registry that honours If-Match', async () => {
    const tag = new OneTag();
    tag.content = 'first';
    tag.etag = (content) => `"${content}"`;
    let strangers = 2;
    tag.turn = (request) => {
      if (request === 'put' && strangers-- > 0) tag.content = `${tag.content ?? ''} s${strangers}`;
    };
    await add(tag, 'mine');
    expect(tag.content).toBe('first s1 s0 mine');
  });

  it('does without If-Match where a proxy never finds it matching', async () => {
    const tag = new OneTag();
    tag.content = 'first';
    let made = 0;
    tag.etag = () => (made++ % 2 === 0 ? '"outside"' : '"inside"');
    await add(tag, 'mine');
    expect(tag.content).toBe('first mine');
    expect(tag.puts.map(({ ifMatch }) => ifMatch)).toEqual(['"outside"', undefined]);
  });

  it('passes on what the registry refuses', async () => {
    const tag = new OneTag();
    tag.putManifest = () => Promise.reject(new RegistryError(403, 'denied'));
    await expect(add(tag, 'mine')).rejects.toThrow('denied');
  });
});

describe('ProcessLock', () => {
  it('keeps the order, also after a failure, and forgets names', async () => {
    const lock = new ProcessLock();
    const done: number[] = [];
    const work = (index: number) =>
      lock
        .withLock(
          'x',
          () => (index === 1 ? Promise.reject(new Error('no')) : Promise.resolve(done.push(index))),
          signal,
        )
        .catch(() => done.push(-index));
    await Promise.all([0, 1, 2, 3].map(work));
    expect(done).toEqual([0, -1, 2, 3]);
  });

  it('does not wait with an aborted signal', async () => {
    await expect(
      new ProcessLock().withLock('x', () => Promise.resolve(), AbortSignal.abort(new Error('enough'))),
    ).rejects.toThrow('enough');
  });
});
