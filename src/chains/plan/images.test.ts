import { describe, expect, it } from 'vitest';
import { parseChainsConfig } from '../config/parse.ts';
import { inTotoPayloadType, simpleSigningPayloadType, type Artifact } from '../types.ts';
import { backendsFor, inRegistryForm } from './images.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const image: Artifact = {
  kind: 'oci',
  shortKey: 'aaaaaaaaaaaa',
  fullKey: `r/i@${digest}`,
  payload: {
    json: Buffer.from('{}'),
    payloadType: simpleSigningPayloadType,
    wrap: false,
    subjects: [{ repository: 'r/i', digest }],
  },
};
const statement: Artifact = {
  kind: 'taskrun',
  shortKey: 't',
  fullKey: 't',
  payload: { json: Buffer.from('{}'), payloadType: inTotoPayloadType, wrap: true, subjects: [] },
};

function signed(data: Record<string, string>): string[] {
  const { config } = parseChainsConfig(data);
  return inRegistryForm([statement, image], config).map(
    (artifact) =>
      `${artifact.kind} ${artifact.payload.wrap ? 'statement' : 'simplesigning'} to ${backendsFor(artifact, config).join('+')}`,
  );
}

describe('what is signed for an image, and where it goes', () => {
  const bundle = { 'storage.oci.encoding-format': 'sigstore-bundle' };
  it.each([
    ['as .sig', {}, ['taskrun statement to tekton', 'oci simplesigning to oci']],
    [
      'as .sig and elsewhere',
      { 'artifacts.oci.storage': 'oci,gcs' },
      ['taskrun statement to tekton', 'oci simplesigning to oci+gcs'],
    ],
    ['as a bundle', bundle, ['taskrun statement to tekton', 'oci statement to oci']],
    [
      'as a bundle and elsewhere',
      { ...bundle, 'artifacts.oci.storage': 'oci,gcs' },
      ['taskrun statement to tekton', 'oci statement to oci', 'oci simplesigning to gcs'],
    ],
    [
      'elsewhere only',
      { ...bundle, 'artifacts.oci.storage': 'gcs' },
      ['taskrun statement to tekton', 'oci simplesigning to gcs'],
    ],
    [
      'the attestation as a bundle',
      { ...bundle, 'artifacts.taskrun.storage': 'oci' },
      ['taskrun statement to oci', 'oci statement to oci'],
    ],
  ])('%s', (_name, data, expected) => {
    expect(signed(data)).toEqual(expected);
  });

  it('both forms are told apart in the journal', () => {
    const { config } = parseChainsConfig({ ...bundle, 'artifacts.oci.storage': 'oci,gcs' });
    expect(new Set(inRegistryForm([image], config).map(({ fullKey }) => fullKey)).size).toBe(2);
  });
});
