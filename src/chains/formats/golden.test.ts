import { expect, test } from 'vitest';
import type { StatementFormat } from '../types.ts';
import { fixture, settings } from './fixture.fake.ts';
import { artifactsOf } from './index.ts';

/**
 * Statements for a person to read, for inputs that Tekton's controller (or ours) writes. All of them were compared with
 * what Tekton Chains v0.22 makes of the same input; where they differ, the newer upstream (e44b60f) or the comment at
 * the head of the input says why.
 */
const tekton = 'https://tekton.dev/chains/v2/slsa-tekton';
const rows: [string, StatementFormat, { deep?: boolean; buildType?: string }, string][] = [
  ['task-output-image', 'slsa/v1', {}, 'v1'],
  ['task-output-image', 'slsa/v2alpha3', {}, 'v2alpha3'],
  ['task-output-image', 'slsa/v2alpha4', {}, 'v2alpha4'],
  ['task-object-type-hinting', 'slsa/v1', {}, 'v1'],
  ['task-object-type-hinting', 'slsa/v2alpha3', {}, 'v2alpha3'],
  ['task-object-type-hinting', 'slsa/v2alpha4', {}, 'v2alpha4'],
  ['task-steps-and-sidecars', 'slsa/v1', {}, 'v1'],
  ['task-steps-and-sidecars', 'slsa/v2alpha3', {}, 'v2alpha3'],
  ['task-steps-and-sidecars', 'slsa/v2alpha4', { buildType: tekton }, 'v2alpha4-tekton'],
  ['task-failed', 'slsa/v1', {}, 'v1'],
  ['task-failed', 'slsa/v2alpha4', {}, 'v2alpha4'],
  ['pipeline-output-image', 'slsa/v1', {}, 'v1'],
  ['pipeline-output-image', 'slsa/v2alpha3', {}, 'v2alpha3'],
  ['pipeline-output-image', 'slsa/v2alpha4', {}, 'v2alpha4'],
  ['pipeline-output-image', 'slsa/v2alpha4', { buildType: tekton }, 'v2alpha4-tekton'],
  ['pipeline-repeated-results', 'slsa/v1', {}, 'v1'],
  ['pipeline-repeated-results', 'slsa/v2alpha3', { deep: true }, 'v2alpha3-deep'],
  ['pipeline-repeated-results', 'slsa/v2alpha4', {}, 'v2alpha4'],
  ['pipeline-repeated-results', 'slsa/v2alpha4', { deep: true }, 'v2alpha4-deep'],
  ['pipeline-matrix-finally', 'slsa/v1', {}, 'v1'],
  ['pipeline-matrix-finally', 'slsa/v1', { deep: true }, 'v1-deep'],
  ['pipeline-matrix-finally', 'slsa/v2alpha4', { deep: true }, 'v2alpha4-deep'],
  ['pipeline-remote', 'slsa/v1', { deep: true }, 'v1-deep'],
  ['pipeline-remote', 'slsa/v2alpha3', {}, 'v2alpha3'],
  ['pipeline-remote', 'slsa/v2alpha4', { deep: true }, 'v2alpha4-deep'],
  ['pipeline-unseen-children', 'slsa/v1', {}, 'v1'],
  ['pipeline-unseen-children', 'slsa/v2alpha4', {}, 'v2alpha4'],
  ['pipeline-nested', 'slsa/v1', {}, 'v1'],
  ['pipeline-nested', 'slsa/v1', { deep: true }, 'v1-deep'],
  ['pipeline-nested', 'slsa/v2alpha3', { deep: true }, 'v2alpha3-deep'],
  ['pipeline-nested', 'slsa/v2alpha4', {}, 'v2alpha4'],
  ['pipeline-nested', 'slsa/v2alpha4', { deep: true, buildType: tekton }, 'v2alpha4-deep-tekton'],
];

/** base64 is nothing for people: contents are shown as the JSON they hold, and are checked to be nothing else. */
function readable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) =>
      key === 'content' && typeof item === 'string' ? ['content, decoded', decoded(item)] : [key, readable(item)],
    ),
  );
}

function decoded(base64: string): unknown {
  const text = Buffer.from(base64, 'base64').toString('utf8');
  expect(Buffer.from(text, 'utf8').toString('base64')).toBe(base64);
  return JSON.parse(text);
}

test.each(rows)('%s, %s %j', async (name, format, changes, variant) => {
  const { run, children, nested } = fixture(name);
  const { artifacts, problems } = artifactsOf(run, children, settings(format, changes), nested);
  const [attestation, ...images] = artifacts;
  const statement: unknown = JSON.parse(Buffer.from(attestation!.payload.json).toString('utf8'));
  const shown = {
    problems,
    artifacts: artifacts.map(({ kind, shortKey, fullKey }) => `${kind} ${shortKey} ${fullKey}`),
    imagesOfTheStatement: attestation!.payload.subjects.map(({ repository, digest }) => `${repository}@${digest}`),
    statement: readable(statement),
  };
  expect(images.every(({ kind }) => kind === 'oci')).toBe(true);
  await expect(`${JSON.stringify(shown, null, 2)}\n`).toMatchFileSnapshot(`golden/${name}.${variant}.json`);
});
