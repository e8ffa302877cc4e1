import { describe, expect, it } from 'vitest';
import type { ArtifactRun, ImageAttestation, Signed } from '../contract.ts';
import { attestedText, imagesOf, logOf, shortDigest, type ArtifactQuestion, type Made } from './artifacts.ts';

const digest = `sha256:${'ab'.repeat(32)}`;
const all: ArtifactQuestion = { namespaces: undefined, text: '', signed: undefined, limit: 100 };

function run(name: string, second: number, more: Partial<ArtifactRun> = {}): ArtifactRun {
  const at = `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`;
  return { kind: 'PipelineRun', namespace: 'shop', name, at, signed: 'no', ...more };
}

const made = (name: string, of: ArtifactRun, at = digest): Made => ({ name, digest: at, run: of });
const shown = (images: readonly Made[], question: Partial<ArtifactQuestion> = {}) =>
  imagesOf(images, { ...all, ...question }).items.map(
    ({ name, signed, runs }) => `${name} ${signed}: ${runs.map((each) => each.name).join()}`,
  );

describe('the list of images', () => {
  const other = `sha256:${'cd'.repeat(32)}`;
  const images = [
    made('r.io/web', run('old', 1, { signed: 'yes' })),
    made('r.io/web', run('new', 9)),
    made('r.io/web', run('again', 5, { signed: 'failed' }), other),
    made('r.io/api', run('build-task', 7, { kind: 'TaskRun', pipelineRun: 'nightly', namespace: 'core' })),
  ];

  it.each<[string, Partial<ArtifactQuestion>, string[]]>([
    [
      'each digest once, what was made last first, signed if any run had it signed',
      {},
      ['r.io/web yes: new,old', 'r.io/api no: build-task', 'r.io/web failed: again'],
    ],
    ['of a namespace', { namespaces: ['core'] }, ['r.io/api no: build-task']],
    ['by a part of the name', { text: 'api' }, ['r.io/api no: build-task']],
    ['by a part of the digest', { text: 'cdcd' }, ['r.io/web failed: again']],
    ['by name and digest as one writes it', { text: `r.io/web@${other}` }, ['r.io/web failed: again']],
    ['by one of its runs: the others stay', { text: 'old' }, ['r.io/web yes: new,old']],
    ['by the PipelineRun of a task', { text: 'nightly' }, ['r.io/api no: build-task']],
    [
      'by the signature',
      { signed: new Set<Signed>(['failed', 'no']) },
      ['r.io/api no: build-task', 'r.io/web failed: again'],
    ],
    ['no more than asked for', { limit: 1 }, ['r.io/web yes: new,old']],
    ['nothing', { text: 'nowhere' }, []],
  ])('%s', (_name, question, expected) => expect(shown(images, question)).toEqual(expected));

  it('counts all that match but for the signature, and the total of those with it', () => {
    const { total, counts } = imagesOf(images, { ...all, signed: new Set<Signed>(['yes']), limit: 1 });
    expect([total, counts]).toEqual([1, { yes: 1, failed: 1, no: 1 }]);
  });

  it('names some of the runs of an image, and how many more there are', () => {
    const many = Array.from({ length: 8 }, (_, at) => made('r.io/web', run(`r${at}`, at)));
    expect(imagesOf(many, all).items).toMatchObject([{ runs: [{ name: 'r7' }, {}, {}, {}, {}], moreRuns: 3 }]);
  });
});

describe('what is said of the statement about an image', () => {
  const right: ImageAttestation = { builder: 'https://b', verification: { verified: true, against: 'the key' } };
  const wrong: ImageAttestation = { verification: { verified: false, why: 'of another run' } };
  const attested = (attestation: ImageAttestation) => run('r', 1, { signed: 'yes', attestation });

  it.each<[string, ArtifactRun[], string, string]>([
    ['none, and nobody signed', [run('r', 1)], 'no', ''],
    [
      'none, though it is signed',
      [run('r', 1, { signed: 'yes' })],
      'not kept with the run',
      'Chains keeps the statement elsewhere: the page of the run says where to look',
    ],
    ['a right one', [attested(right)], 'verified', 'by https://b, against the key'],
    ['a wrong one', [attested(wrong)], 'not verified', 'names a builder that it does not name; of another run'],
    ['a right one after a wrong one', [attested(wrong), attested(right)], 'verified', 'by https://b, against the key'],
  ])('%s', (_name, runs, word, text) => expect(attestedText(runs)).toMatchObject({ word, text }));

  it.each([
    ['https://rekor.example/api/v1/log/entries?logIndex=7', true],
    ['javascript:alert(1)', false],
    ['data:text/html,x', false],
    ['not an address', false],
  ])('an entry of a log at %s leads there: %s', (log, leads) => {
    expect(logOf([attested({ ...right, log })])).toBe(leads ? log : undefined);
  });
});

it.each([
  [digest, 'sha256:abababababab'],
  ['sha256:ab', 'sha256:ab'],
  ['<b>', '<b>'],
])('the digest %s is short as %s', (long, short) => expect(shortDigest(long)).toBe(short));
