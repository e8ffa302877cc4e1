import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { envelopeJson, envelopeOf, preAuthEncoding } from '../../chains/signing/dsse.ts';
import { conditionStatus, runObject } from '../runs/runs.fake.ts';
import { makerOf } from './made.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const trusted = { key: createPublicKey(privateKey), name: 'the key of the test' };
const hex = 'ab'.repeat(32);
const inToto = 'application/vnd.in-toto+json';

type More = Partial<Parameters<typeof runObject>[0]> & { results?: unknown };

function runWith({ results, ...more }: More): PipelineRun {
  const status = conditionStatus('True', 'Completed', { completionTime: '2026-01-01T00:00:09Z', results });
  return runObject({ name: 'r', status, ...more });
}

const pair = (url: string, prefix = '') => [
  { name: `${prefix}IMAGE_URL`, value: url },
  { name: `${prefix}IMAGE_DIGEST`, value: `sha256:${hex}` },
];

/** A statement as Chains keeps it with the run of this uid. */
function stored(of: string, subject = hex): Record<string, string> {
  const payload = Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      predicateType: 'https://slsa.dev/provenance/v1',
      subject: [{ name: 'r.io/web', digest: { sha256: subject } }],
      predicate: { runDetails: { builder: { id: 'https://b' }, metadata: { invocationId: of } } },
    }),
  );
  const bytes = sign('sha256', preAuthEncoding(inToto, payload), privateKey);
  const text = Buffer.from(envelopeJson(envelopeOf(inToto, payload, bytes, 'k'))).toString('base64');
  return { 'chains.tekton.dev/signed': 'true', 'chains.tekton.dev/signature-pipelinerun-uid-r': text };
}

describe('what a run made', () => {
  it.each<[string, unknown, string[]]>([
    ['nothing', undefined, []],
    ['an image', pair('r.io/web:v1'), ['r.io/web']],
    ['images with prefixes', [...pair('r.io/web', 'a.'), ...pair('r.io/api', 'b.')], ['r.io/web', 'r.io/api']],
    ['a list', [{ name: 'IMAGES', value: `r.io/aa@sha256:${hex}, r.io/bb@sha256:${hex}` }], ['r.io/aa', 'r.io/bb']],
    ['the same image twice', [...pair('r.io/web'), ...pair('r.io/web', 'again_')], ['r.io/web']],
    ['a name without a digest', pair('r.io/web').slice(0, 1), []],
    ['a text that names no image', pair('javascript:alert(1)'), []],
    [
      'more than Chains signs of one run',
      Array.from({ length: 300 }, (_, at) => pair(`r.io/w${at}`, `p${at}_`)).flat(),
      [],
    ],
    ['results without a form', [null, 'x', { name: 7, value: 'x' }, { name: 'IMAGE_URL' }], []],
    ['results that are no list', { IMAGE_URL: 'r.io/web' }, []],
  ])('%s', (_name, results, expected) => {
    expect(makerOf(runWith({ results }), trusted).images.map(({ name }) => name)).toEqual(expected);
  });

  it('tells of the run what a line shows', () => {
    const annotations = { 'chains.tekton.dev/signed': 'failed' };
    expect(makerOf(runWith({ results: pair('r.io/web'), annotations }), trusted).run).toEqual({
      kind: 'PipelineRun',
      namespace: 'n',
      name: 'r',
      definition: 'build',
      at: '2026-01-01T00:00:09Z',
      signed: 'failed',
    });
    const task = {
      ...runWith({ results: pair('r.io/web'), labels: { 'tekton.dev/pipelineRun': 'outer' } }),
      kind: 'TaskRun',
    };
    expect(makerOf(task as unknown as TaskRun, trusted).run).toMatchObject({ kind: 'TaskRun', pipelineRun: 'outer' });
  });

  it('keeps next to nothing of a run that made nothing', () => {
    const maker = makerOf(
      runWith({ labels: { long: 'x'.repeat(63) }, annotations: { a: 'x'.repeat(9_000) } }),
      trusted,
    );
    expect(JSON.stringify(maker).length).toBeLessThan(200);
  });

  it('whatever results hold, it ends and keeps little', () => {
    const value = fc.oneof(
      fc.string(),
      fc.constant(`r.io/web@sha256:${hex}`),
      fc.array(fc.string()),
      fc.constant('x'.repeat(5_000)),
    );
    const name = fc.constantFrom('IMAGES', 'IMAGE_URL', 'IMAGE_DIGEST', 'a-ARTIFACT_OUTPUTS', 'other');
    fc.assert(
      fc.property(fc.array(fc.record({ name, value })), (results) => {
        expect(JSON.stringify(makerOf(runWith({ results }), trusted)).length).toBeLessThan(50_000);
      }),
    );
  });
});

describe('the statement about an image', () => {
  const ofImage = (annotations: Record<string, string>, key: typeof trusted | undefined = trusted) =>
    makerOf(runWith({ results: pair('r.io/web'), annotations }), key).images[0]?.attestation;

  it('is verified', () => {
    const log = { 'chains.tekton.dev/transparency': 'https://rekor.example/?logIndex=7' };
    expect(ofImage({ ...stored('uid-r'), ...log })).toEqual({
      builder: 'https://b',
      verification: { verified: true, against: 'the key of the test' },
      log: 'https://rekor.example/?logIndex=7',
    });
  });

  it('that was copied from another run is not', () => {
    expect(ofImage(stored('uid-other'))?.verification).toMatchObject({
      verified: false,
      why: expect.stringContaining('copied'),
    });
  });

  it('is not verified without a key', () => {
    const { images } = makerOf(runWith({ results: pair('r.io/web'), annotations: stored('uid-r') }), undefined);
    expect(images[0]?.attestation?.verification).toMatchObject({ verified: false });
  });

  it.each<[string, Record<string, string>]>([
    ['of another image', stored('uid-r', 'cd'.repeat(32))],
    ['that Chains did not leave there', { 'chains.tekton.dev/signature-pipelinerun-uid-r': 'x' }],
    ['kept elsewhere', { 'chains.tekton.dev/signed': 'true' }],
    [
      'with a link that is none',
      { 'chains.tekton.dev/signed': 'true', 'chains.tekton.dev/transparency': 'javascript:alert(1)' },
    ],
  ])('%s is none', (_name, annotations) => expect(ofImage(annotations)).toBeUndefined());
});
