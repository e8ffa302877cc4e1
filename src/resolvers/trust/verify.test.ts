import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import type { VerificationPolicy, VerificationPolicySpec } from '../../api/resolution/verification-policy.ts';
import { publicKeyOf } from './public-key.ts';
import { signatureAnnotation, type Definition } from './signed-forms.ts';
import { NoVerdictYet, verifyDefinition, type Verification } from './verify.ts';

const golden = (name: string) => readFileSync(path.join(import.meta.dirname, 'golden', name), 'utf8');
const definition = (name: string) => parse(golden(name)) as Definition;

function policy(name: string, spec: Partial<VerificationPolicySpec> = {}): VerificationPolicy {
  return {
    metadata: { name, namespace: 'team' },
    spec: {
      resources: [{ pattern: 'https://git.example.com/.*' }],
      authorities: [{ name: 'key', key: { data: golden('task.pub') } }],
      ...spec,
    },
  };
}

function verify(change: Partial<Verification> = {}) {
  return verifyDefinition({
    definition: definition('signed-task.yaml'),
    uri: 'git+https://git.example.com/catalog.git',
    policies: [policy('ours')],
    noMatch: 'ignore',
    keysOf: ({ spec }) =>
      Promise.resolve(
        spec.authorities.map(({ key }) => ({ key: publicKeyOf(key?.data ?? ''), hash: 'sha256' as const })),
      ),
    ...change,
  });
}

describe("upstream's signed test data", () => {
  it.each([
    ['signed-task.yaml', 'task.pub'],
    ['signed-pipeline.yaml', 'pipeline.pub'],
  ])('%s verifies with %s', async (file, key) => {
    const policies = [policy('ours', { authorities: [{ name: 'key', key: { data: golden(key) } }] })];
    expect(await verify({ definition: definition(file), policies })).toEqual({ kind: 'passed' });
  });

  it('does not verify when one byte of it is another', async () => {
    const changed = parse(golden('signed-task.yaml').replace('executor:v0.14.0', 'executor:v0.14.1')) as Definition;
    expect(await verify({ definition: changed })).toEqual({
      kind: 'failed',
      message: expect.stringMatching(/^resource verification failed: resource test-task .* it was changed since$/),
    });
  });
});

describe('the policies that are about a definition', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const stranger = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const other = { authorities: [{ name: 'key', key: { data: stranger } }] };
  const elsewhere = { resources: [{ pattern: 'https://git.example.com/catalog' }] };
  const both = { authorities: [...other.authorities, { name: 'key', key: { data: golden('task.pub') } }] };
  const policiesOf = (specs: readonly Partial<VerificationPolicySpec>[]) =>
    specs.map((spec, index) => policy(`policy-${index}`, spec));
  const noKey = { authorities: [{ name: 'key', key: { data: 'nonsense' } }] };
  it.each<[what: string, specs: Partial<VerificationPolicySpec>[], noMatch: Verification['noMatch'], verdict: object]>([
    ['none, which is allowed', [elsewhere], 'ignore', { kind: 'skipped' }],
    [
      'none, which is told',
      [elsewhere],
      'warn',
      { kind: 'warned', message: /^failed to get matched policies: no pol/ },
    ],
    [
      'none, which is refused',
      [],
      'fail',
      { kind: 'failed', message: /no matching policies are found for resource: / },
    ],
    ['one that one of its keys satisfies', [both], 'fail', { kind: 'passed' }],
    ['two, of which one is not satisfied', [{}, other], 'ignore', { kind: 'failed', message: /by none of the keys/ }],
    ['one that only warns', [{ ...other, mode: 'warn' }], 'ignore', { kind: 'warned', message: /by none of the keys/ }],
    ['a warning and a satisfied one', [{ ...other, mode: 'warn' }, {}], 'ignore', { kind: 'warned' }],
    ['a warning and one that is not satisfied', [{ mode: 'warn' }, other], 'ignore', { kind: 'failed' }],
    ['one without a key', [{ authorities: [] }], 'ignore', { kind: 'failed', message: /no public keys are founded$/ }],
    [
      'one with a key that is none',
      [noKey],
      'ignore',
      { kind: 'failed', message: /failed to get verifiers from poli/ },
    ],
    [
      'one whose pattern is none',
      [{ resources: [{ pattern: '(' }] }],
      'ignore',
      { kind: 'failed', message: /regex failed to match$/ },
    ],
  ])('%s', async (_what, specs, noMatch, verdict) => {
    const given = await verify({ policies: policiesOf(specs), noMatch });
    const { message } = verdict as { message?: RegExp };
    expect(given).toMatchObject({ ...verdict, ...(message ? { message: expect.stringMatching(message) } : {}) });
  });

  const mode = 'warn' as const;
  it.each<[string, Partial<VerificationPolicySpec>[], object]>([
    ['one that only warns, and is satisfied', [{ mode }], { kind: 'passed' }],
    ['two that only warn, the second not satisfied', [{ mode }, { ...other, mode }], { kind: 'warned' }],
  ])('%s', async (_what, specs, verdict) => {
    expect(await verify({ policies: policiesOf(specs) })).toMatchObject(verdict);
  });

  const signed = definition('signed-task.yaml');
  const withSignature = (text: string): Definition => {
    const annotations = { ...signed.metadata.annotations, [signatureAnnotation]: text };
    return { ...signed, metadata: { ...signed.metadata, annotations } };
  };
  const signatureOf = signed.metadata.annotations?.[signatureAnnotation] ?? '';
  it.each<[string, Definition, RegExp | undefined]>([
    ['with line breaks', withSignature(`${signatureOf.slice(0, 20)}\n ${signatureOf.slice(20)}\n`), undefined],
    ['that is no base64', withSignature(`${signatureOf}!`), /^annotation tekton.dev\/signature is not base64$/],
    ['that goes on after its end', withSignature(`${signatureOf}=A`), /is not base64$/],
    ['that is empty', withSignature(''), /by none of the keys/],
    ['of half the bytes', withSignature(signatureOf.slice(0, 40)), /by none of the keys/],
    [
      'of what has no signed form',
      { ...signed, spec: { ...signed.spec, unknown: 'field' } },
      /^the definition cannot be checked: .*unknown/,
    ],
    [
      'of what nobody can write as Go does',
      { ...signed, spec: { steps: [{ image: 'x', timeout: 'soon' }] } },
      /^the definition cannot be checked: spec.steps.0.timeout: .*invalid duration "soon"$/,
    ],
  ])('are satisfied by a signature, or not: one %s', async (_what, given, problem) => {
    const message = problem && (expect.stringMatching(problem) as string);
    expect(await verify({ definition: given })).toEqual(message ? { kind: 'failed', message } : { kind: 'passed' });
  });

  it('have no verdict yet while nobody can say whether a key is good', async () => {
    const keysOf = () => Promise.reject(new NoVerdictYet('the KMS does not answer'));
    await expect(verify({ keysOf })).rejects.toThrow(NoVerdictYet);
  });

  it('are not satisfied by a definition that nobody signed', async () => {
    const { metadata, ...rest } = definition('signed-task.yaml');
    expect(await verify({ definition: { ...rest, metadata: { ...metadata, annotations: {} } } })).toEqual({
      kind: 'failed',
      message: expect.stringMatching(/it has no signature \(tkn task sign, tkn pipeline sign\)$/) as string,
    });
  });
});
