import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import type { VerificationPolicy, VerificationPolicySpec } from '../../api/resolution/verification-policy.ts';
import { publicKeyOf } from './public-key.ts';
import type { Definition } from './signed-forms.ts';
import { verifyDefinition, type Verification } from './verify.ts';

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
