import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { envelopeJson, envelopeOf, preAuthEncoding } from '../../chains/signing/dsse.ts';
import { provenanceOf } from './attestation.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const trusted = { key: createPublicKey(privateKey), name: 'the key of the test' };
const inToto = 'application/vnd.in-toto+json';

function statementOf(invocationId: string) {
  return {
    _type: 'https://in-toto.io/Statement/v1',
    predicateType: 'https://slsa.dev/provenance/v1',
    subject: [{ name: 'registry.example/app', digest: { sha256: 'aa' } }],
    predicate: {
      buildDefinition: {
        externalParameters: { revision: 'main' },
        resolvedDependencies: [{ uri: 'git+https://git.example/app', digest: { sha1: 'bb' } }],
      },
      runDetails: { builder: { id: 'https://tekton.dev/chains/v2' }, metadata: { invocationId } },
    },
  };
}

function signature(statement: unknown, { type = inToto, key = privateKey } = {}): string {
  const payload = Buffer.from(JSON.stringify(statement));
  const bytes = sign('sha256', preAuthEncoding(type, payload), key);
  return Buffer.from(envelopeJson(envelopeOf(type, payload, bytes, 'k'))).toString('base64');
}

function runWith(annotations: Record<string, string>) {
  return { kind: 'PipelineRun', metadata: { name: 'r', namespace: 'n', uid: 'u-1', annotations } };
}

const signedRun = (stored: string, more: Record<string, string> = {}) =>
  runWith({ 'chains.tekton.dev/signed': 'true', 'chains.tekton.dev/signature-pipelinerun-u-1': stored, ...more });

describe('what is kept with a run', () => {
  it('is read and verified', () => {
    const log = { 'chains.tekton.dev/transparency': 'https://rekor.example/api/v1/log/entries?logIndex=7' };
    const { signed, attestations, problems } = provenanceOf(signedRun(signature(statementOf('u-1')), log), trusted);
    expect([signed, problems]).toEqual(['yes', []]);
    expect(attestations).toEqual([
      {
        from: 'annotation chains.tekton.dev/signature-pipelinerun-u-1',
        predicateType: 'https://slsa.dev/provenance/v1',
        builder: 'https://tekton.dev/chains/v2',
        subjects: [{ name: 'registry.example/app', digest: 'sha256:aa' }],
        materials: [{ uri: 'git+https://git.example/app', digest: 'sha1:bb' }],
        parameters: { revision: 'main' },
        transparencyLog: { url: log['chains.tekton.dev/transparency'], index: '7' },
        verification: { verified: true, against: 'the key of the test' },
        statement: statementOf('u-1'),
      },
    ]);
  });

  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const right = signature(statementOf('u-1'));
  const changed = Buffer.from(
    JSON.stringify({
      ...(JSON.parse(Buffer.from(right, 'base64').toString()) as object),
      payload: Buffer.from(JSON.stringify({ ...statementOf('u-1'), subject: [] })).toString('base64'),
    }),
  ).toString('base64');
  it.each<[name: string, stored: string, key: typeof trusted | undefined, why: string]>([
    ['without a key', right, undefined, '--provenance-key'],
    [
      'by another key',
      signature(statementOf('u-1'), { key: other }),
      trusted,
      'signed with another key, or changed since',
    ],
    ['changed afterwards', changed, trusted, 'signed with another key, or changed since'],
    ['copied from another run', signature(statementOf('u-2')), trusted, 'the statement is of another run'],
    ['without a run', signature({ predicateType: 'https://slsa.dev/provenance/v0.2' }), trusted, 'which run it is of'],
    ['of another type', signature(statementOf('u-1'), { type: 'text/plain' }), trusted, 'no in-toto statement'],
  ])('is not believed: %s', (_name, stored, key, why) => {
    const verification = provenanceOf(signedRun(stored), key).attestations[0]?.verification;
    expect(verification).toEqual({ verified: false, why: expect.stringContaining(why) as string });
  });

  it.each<[name: string, annotations: Record<string, string>, problem: string]>([
    ['nothing', {}, 'Chains has not signed this run'],
    ['a failure', { 'chains.tekton.dev/signed': 'failed' }, 'Chains could not sign this run'],
    ['another place', { 'chains.tekton.dev/signed': 'true' }, 'add "tekton" to artifacts.pipelinerun.storage'],
    ['no envelope', { 'chains.tekton.dev/signature-pipelinerun-u-1': 'bnVsbA==' }, 'it holds no signed envelope'],
    ['no JSON', { 'chains.tekton.dev/signature-pipelinerun-u-1': '%' }, 'it cannot be read'],
    ['problems that are none', { 'chains.tekton.dev/problems': '{' }, 'is no JSON'],
  ])('%s: a sentence says so', (_name, annotations, problem) => {
    expect(provenanceOf(runWith(annotations), trusted).problems.join()).toContain(problem);
  });

  it('never fails, whatever the annotations hold, and verifies nothing of it', () => {
    const base64 = (value: unknown) => Buffer.from(JSON.stringify(value) ?? '').toString('base64');
    const hostile = fc.oneof(
      fc.string(),
      fc.jsonValue().map(base64),
      fc
        .record({
          payloadType: fc.constant(inToto),
          payload: fc.jsonValue().map(base64),
          signatures: fc.array(fc.jsonValue()),
        })
        .map(base64),
    );
    fc.assert(
      fc.property(hostile, fc.string(), (stored, problems) => {
        const found = provenanceOf(signedRun(stored, { 'chains.tekton.dev/problems': problems }), trusted);
        return found.attestations.every(({ verification }) => !verification.verified);
      }),
    );
  });
});
