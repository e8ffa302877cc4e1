import { describe, expect, it } from 'vitest';
import { annotations, finalizers, legacyFinalizer } from '../annotations.ts';
import { parseChainsConfig } from '../config/parse.ts';
import { concluded, seal, taskRun } from '../reconciler/world.fake.ts';
import type { Signature } from '../signing/signer.ts';
import { inTotoPayloadType, type Artifact } from '../types.ts';
import type { Work } from './artifacts.ts';
import { decodeJournal } from './journal.ts';
import { finalizersAfter, retryDelayMs, settle, type SettleFacts, type WorkOutcome } from './settle.ts';

const artifact: Artifact = {
  kind: 'taskrun',
  shortKey: 'taskrun-u',
  fullKey: 'f',
  payload: {
    json: Buffer.from('{}'),
    payloadType: inTotoPayloadType,
    wrap: true,
    subjects: [{ repository: 'r', digest: 'd' }],
  },
};
const work: Work = {
  artifact,
  digest: 'd',
  needsLogEntry: false,
  needsTimestamp: false,
  stored: [],
  todo: ['tekton', 'oci'],
};
const signature: Signature = {
  signature: Buffer.from('s'),
  publicKeyPem: 'p',
  keyId: 'k',
  algorithm: 'a',
  scheme: 'ecdsa',
};
const good: WorkOutcome = { work, signature, signer: 'test key', stored: ['tekton', 'oci'], refused: [], failures: [] };
const denied = { artifact: 'taskrun-u', at: 'storage oci', reason: 'UNAUTHORIZED' } as const;
const tooLarge = { artifact: 'taskrun-u', at: 'storage tekton', reason: 'too large' } as const;
const bad: WorkOutcome = { ...good, stored: ['tekton'], failures: [denied] };
const logEntry = (url: string) => ({ url }) as unknown as WorkOutcome['logEntry'];

const sealing = { uid: 'u', seal };

function settled(outcomes: WorkOutcome[], more: Partial<SettleFacts> = {}) {
  return settle({
    kind: 'taskrun',
    uid: 'u',
    seal,
    runAnnotations: {},
    config: parseChainsConfig(undefined).config,
    attempt: 1,
    outcomes,
    notes: [],
    missing: [],
    now: new Date('2026-01-01T00:00:00Z'),
    random: 0.5,
    ...more,
  });
}

describe('what an attempt means for the run', () => {
  it('signed: the mark, and what earlier attempts left goes', () => {
    const left = { [annotations.pending]: 'x', [annotations.retries]: '0', [annotations.problems]: '{}', other: 'y' };
    expect(settled([good], { runAnnotations: left })).toEqual({
      kind: 'signed',
      finalizer: 'drop',
      events: [],
      annotations: {
        ...concluded('u'),
        [annotations.pending]: null,
        [annotations.retries]: null,
        [annotations.problems]: null,
      },
    });
  });

  it('nothing to be signed is signed too, as upstream', () => {
    expect(settled([]).annotations).toEqual(concluded('u'));
  });

  it('a failure: counted from "0", the reason by backend, the signature kept, the run protected', () => {
    const { kind, delayMs, finalizer, annotations: written, events } = settled([bad]);
    expect({ kind, delayMs, finalizer }).toEqual({ kind: 'again', delayMs: 1000, finalizer: 'add' });
    expect(written[annotations.retries]).toBe('0');
    expect(JSON.parse(written[annotations.problems] ?? '')).toEqual({
      failedAttempts: 1,
      nextAttempt: '2026-01-01T00:00:01.000Z',
      problems: [denied],
    });
    expect(decodeJournal(written[annotations.pending] ?? '', sealing).entries).toMatchObject([
      { fullKey: 'f', stored: ['tekton'] },
    ]);
    expect(events).toEqual([
      {
        type: 'Warning',
        reason: 'SigningFailed',
        message: 'attempt 1 of 5 failed, the next follows in 1 s: taskrun-u: storage oci: UNAUTHORIZED',
      },
    ]);
    expect(written).not.toHaveProperty(annotations.signed);
  });

  it('the fifth failure is the last: "failed", retries as upstream leaves them, the run let go', () => {
    const { kind, finalizer, annotations: written, events } = settled([bad], { attempt: 5 });
    expect({ kind, finalizer }).toEqual({ kind: 'failed', finalizer: 'drop' });
    expect(written).toMatchObject({ [annotations.signed]: 'failed', [annotations.retries]: '3' });
    expect(JSON.parse(written[annotations.problems] ?? '')).toEqual({ failedAttempts: 5, problems: [denied] });
    expect(decodeJournal(written[annotations.pending] ?? '', sealing).entries).toHaveLength(1);
    expect(events[0]).toMatchObject({
      reason: 'SigningFailedForGood',
      message: expect.stringContaining('remove its annotation chains.tekton.dev/signed') as string,
    });
  });

  it('a backend that refuses is no failure when another has it; it is told', () => {
    const { kind, annotations: written, events } = settled([{ ...good, stored: ['oci'], refused: [tooLarge] }]);
    expect(kind).toBe('signed');
    expect(JSON.parse(written[annotations.problems] ?? '')).toEqual({ problems: [tooLarge] });
    expect(events).toMatchObject([
      { type: 'Warning', reason: 'SigningIncomplete', message: 'taskrun-u: storage tekton: too large' },
    ]);
  });

  it.each<[string, WorkOutcome['stored'], boolean]>([
    ['a registry alone', ['oci'], true],
    ['the run too', ['tekton', 'oci'], false],
    ['nothing', [], false],
  ])('without an image among the results, stored by %s: whether it is told', (_name, stored, isTold) => {
    const imageless: Work = {
      ...work,
      artifact: { ...artifact, payload: { ...artifact.payload, subjects: [] } },
      todo: [...stored],
    };
    const { kind, annotations: written, events } = settled([{ ...good, work: imageless, stored }]);
    expect(kind).toBe('signed');
    expect(events).toEqual(
      isTold
        ? [
            {
              type: 'Normal',
              reason: 'NoSignableTarget',
              message: expect.stringMatching(/^no signable target was found: .*storage tekton/) as string,
            },
          ]
        : [],
    );
    expect(written[annotations.problems] ?? '').toContain(isTold ? 'no signable target was found' : '');
  });

  it('refused by all is the end at once: another attempt gives the same', () => {
    expect(settled([{ ...good, stored: [], refused: [tooLarge] }])).toMatchObject({
      kind: 'failed',
      annotations: { [annotations.signed]: 'failed' },
    });
  });

  it('refused by one while another fails is tried again', () => {
    expect(settled([{ ...good, stored: [], refused: [tooLarge], failures: [denied] }]).kind).toBe('again');
  });

  it('a payload that cannot be made ends the run, after what can succeed has', () => {
    const missing = [{ artifact: 'a', at: 'payload', reason: 'no digest' }] as const;
    expect(settled([good], { missing }).kind).toBe('failed');
    expect(settled([bad], { missing }).kind).toBe('again');
  });

  it('subjects that were left out are told on a signed run', () => {
    const notes = [{ artifact: 'result IMAGE_URL', at: 'payload', reason: 'not an image' }] as const;
    expect(settled([good], { notes })).toMatchObject({ kind: 'signed', events: [{ reason: 'SigningIncomplete' }] });
  });

  it('the log entry of the run counts before those of images', () => {
    const image = {
      ...good,
      work: { ...work, artifact: { ...artifact, kind: 'oci' as const } },
      logEntry: logEntry('image'),
    };
    expect(settled([image, { ...good, logEntry: logEntry('run') }]).annotations[annotations.transparency]).toBe('run');
    expect(settled([image, good]).annotations[annotations.transparency]).toBe('image');
  });

  it('the journal gives way to the annotations of others', () => {
    const noise = Buffer.from(Array.from({ length: 4000 }, (_, index) => (index * 7919 + (index >> 3) * 31) % 251));
    const large = {
      ...bad,
      logEntry: { url: 'u', body: noise.toString('base64') } as unknown as WorkOutcome['logEntry'],
    };
    const room = (others: number) => ({ runAnnotations: { big: 'x'.repeat((256 - 32) * 1024 - others) } });
    const [kept] = decodeJournal(settled([large], room(1000)).annotations[annotations.pending] ?? '', sealing).entries;
    expect(kept?.logEntry).toBeUndefined();
    expect(kept?.signature).toBeDefined();
    expect(settled([large], room(100)).annotations).not.toHaveProperty(annotations.pending);
  });

  it('the journal of the attempt before takes no room from the new one', () => {
    const before = 'x'.repeat(60 * 1024);
    const runAnnotations = { [annotations.pending]: before, big: 'x'.repeat((256 - 32 - 60) * 1024) };
    expect(settled([bad], { runAnnotations }).annotations[annotations.pending]).toMatch(/./);
  });

  it('without a signature there is no journal, and the one before goes', () => {
    const unsigned = { ...bad, signature: undefined, signer: undefined };
    expect(settled([unsigned]).annotations).not.toHaveProperty(annotations.pending);
    const runAnnotations = { [annotations.pending]: 'old' };
    expect(settled([unsigned], { runAnnotations }).annotations[annotations.pending]).toBeNull();
  });

  it('a signature that could not be checked is kept for the next attempt', () => {
    const unchecked = {
      ...bad,
      work: { ...work, signature, signer: 'test key' },
      signature: undefined,
      signer: undefined,
    };
    const written = settled([unchecked]).annotations[annotations.pending] ?? '';
    expect(decodeJournal(written, sealing).entries).toMatchObject([{ fullKey: 'f', signer: 'test key' }]);
  });

  it('no password of a URL is told, neither on the run nor in events', () => {
    const failures = [{ ...denied, reason: 'https://admin:hunter2@registry/ answered 401' }];
    const { annotations: written, events } = settled([{ ...bad, failures }]);
    expect(written[annotations.problems]).toContain('https://***@registry/');
    expect(JSON.stringify([written[annotations.problems], events])).not.toContain('hunter2');
  });

  it('a hundred problems stay small', () => {
    const many = { ...bad, failures: Array.from({ length: 100 }, () => ({ ...denied, reason: 'r'.repeat(5000) })) };
    const text = settled([many]).annotations[annotations.problems] ?? '';
    expect(text.length).toBeLessThan(6000);
    expect(JSON.parse(text)).toMatchObject({ more: 88 });
    expect(JSON.stringify(settled([many]).events).length).toBeLessThan(6000);
    const notes = many.failures;
    expect(settled([good], { notes }).events).toHaveLength(12);
  });
});

it.each([
  [1, 1000],
  [2, 3000],
  [3, 9000],
  [4, 27_000],
  [6, 243_000],
  [7, 300_000],
  [99, 300_000],
])('after failure %d the next attempt follows in %d ms, more or less', (attempt, ms) => {
  expect(retryDelayMs(attempt, 0.5)).toBe(ms);
  expect(retryDelayMs(attempt, 0)).toBe(ms * 0.8);
  expect(retryDelayMs(attempt, 1)).toBe(ms * 1.2);
});

describe('finalizers', () => {
  it.each([
    ['added once', {}, 'add', ['x', finalizers.taskrun], ['x', finalizers.taskrun]],
    ['added', {}, 'add', ['x'], ['x', finalizers.taskrun]],
    ['not added to what is being deleted', { deletionTimestamp: '2026-01-01T00:00:00Z' }, 'add', ['x'], ['x']],
    ['dropped with the old ones, others stay', {}, 'drop', [legacyFinalizer, 'x', finalizers.taskrun], ['x']],
  ] as const)('%s', (_name, metadata, change, before, after) => {
    expect(finalizersAfter(taskRun('a', { ...metadata, finalizers: [...before] }), 'taskrun', change)).toEqual(after);
  });
});
