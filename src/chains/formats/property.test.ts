import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ParamValue } from '../../api/pipeline/v1/params.ts';
import { parseDigest } from '../artifacts/digest.ts';
import { parseImageDigest } from '../artifacts/image.ts';
import type { StatementFormat } from '../types.ts';
import { pipelineRun, settings, taskRun } from './fixture.fake.ts';
import { artifactsOf } from './index.ts';

const hex = fc.constantFrom(...[40, 64, 96, 128, 63].map((length) => 'a1'.repeat(64).slice(0, length)));
const digest = fc.oneof(
  fc
    .tuple(fc.constantFrom('sha256', 'sha1', 'sha512', 'SHA256', ' sha384', 'md5', ''), hex)
    .map(([algorithm, digits]) => `${algorithm}:${digits}`),
  fc.string(),
);
const place = fc.oneof(
  fc.constantFrom('gcr.io/foo/bar', 'busybox:1', 'https://x/y', 'pkg:npm/a', 'a@b', ''),
  fc.webUrl(),
  fc.string({ unit: 'binary' }),
);
const value = fc.oneof(
  place,
  digest,
  fc.tuple(place, digest).map(([name, digits]) => `${name}@${digits}`),
  fc.record({ uri: place, digest, isBuildArtifact: fc.constantFrom('true', 'false', '') }, { requiredKeys: [] }),
  fc.jsonValue(),
);
const name = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('', 'a-', 'b_', '__proto__'),
      fc.constantFrom(
        'IMAGE_URL',
        'IMAGE_DIGEST',
        'ARTIFACT_URI',
        'ARTIFACT_DIGEST',
        'ARTIFACT_OUTPUTS',
        'ARTIFACT_INPUTS',
        'IMAGES',
        'CHAINS-GIT_URL',
        'CHAINS-GIT_COMMIT',
      ),
    )
    .map((parts) => parts.join('')),
  fc.string(),
);
const results = fc.array(fc.record({ name, value }), { maxLength: 12 }) as fc.Arbitrary<
  { name: string; value: ParamValue }[]
>;
const imageID = fc.oneof(
  fc.constant(undefined),
  fc.constantFrom('a@sha256:b', 'docker-pullable://x/y@sha256:c'),
  fc.string(),
);
const steps = fc.array(fc.record({ name: fc.constantFrom('one', 'unnamed-1', '__proto__'), imageID, results }), {
  maxLength: 3,
});
const formats: StatementFormat[] = ['in-toto', 'slsa/v1', 'slsa/v2alpha3', 'slsa/v2alpha4'];

const task = fc
  .record({ results, params: results, steps, sidecars: fc.array(fc.record({ imageID })) })
  .map(({ results: own, params, steps: states, sidecars }) =>
    taskRun({
      metadata: { name: 'child', labels: { 'tekton.dev/pipelineTask': 'build' } },
      spec: { params },
      status: {
        results: own,
        steps: states,
        sidecars,
        completionTime: '2026-08-20T09:00:00Z',
        taskSpec: { steps: [{ name: 'one' }] },
      },
    }),
  );
const pipeline = fc
  .record({ results, params: results })
  .map(({ results: own, params }) =>
    pipelineRun({ spec: { params }, status: { results: own, pipelineSpec: { tasks: [{ name: 'build' }] } } }),
  );

interface AnyStatement {
  subject?: { name: string; digest: Record<string, string> }[];
}

test('whatever results say: no exception, valid subjects, the same bytes twice, images that can be signed', () => {
  const check = (
    run: Parameters<typeof artifactsOf>[0],
    children: Parameters<typeof artifactsOf>[1],
    format: StatementFormat,
  ) => {
    const { artifacts } = artifactsOf(run, children, settings(format, { deep: true }));
    const again = artifactsOf(run, children, settings(format, { deep: true }));
    expect(artifacts.map(({ payload }) => Buffer.from(payload.json).toString('base64'))).toEqual(
      again.artifacts.map(({ payload }) => Buffer.from(payload.json).toString('base64')),
    );
    for (const { kind, shortKey, payload } of artifacts) {
      for (const { repository, digest: pinned } of payload.subjects)
        expect(parseImageDigest(`${repository}@${pinned}`)).toEqual({ repository, digest: pinned });
      if (kind === 'oci') {
        expect(shortKey).toMatch(/^[0-9a-f]{12}$/);
        continue;
      }
      const bytes = Buffer.from(payload.json);
      expect(bytes.equals(Buffer.from(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))).toBe(true);
      for (const { name: subject, digest: digests } of (JSON.parse(bytes.toString('utf8')) as AnyStatement).subject ??
        []) {
        expect(subject).not.toBe('');
        expect(Object.keys(digests).length).toBeGreaterThan(0);
        for (const [algorithm, digits] of Object.entries(digests))
          expect(parseDigest(`${algorithm}:${digits}`)).toEqual({ algorithm, hex: digits });
      }
    }
  };
  fc.assert(
    fc.property(task, pipeline, fc.constantFrom(...formats), (child, parent, format) => {
      check(child, [], format);
      check(parent, [child], format);
    }),
    { numRuns: 300 },
  );
});
