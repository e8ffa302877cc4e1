import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../resource.ts';
import { customResourceDefinition, objectSchema } from './crd.ts';
import { parseDefaults } from './config/config-defaults.ts';
import { parseFeatureFlags } from './config/feature-flags.ts';
import { needsConversion, storedVersion } from './kind.ts';
import { findKind, kinds } from './kinds.ts';
import { arbitraryOf } from './structural.fake.ts';

const rows = kinds.flatMap((kind) =>
  kind.versions.map((version) => ({ name: `${kind.kind} ${version.name}`, kind, version })),
);

/** Everything is on, so that no rule is passed over because its feature is off. */
const context = {
  flags: parseFeatureFlags({ 'enable-api-fields': 'alpha', 'enable-param-enum': 'true' }).flags,
  defaults: parseDefaults({ 'default-resolver-type': 'git' }).defaults,
};

describe.each(kinds)('$kind', (kind) => {
  it('stores one version', () => {
    expect(kind.versions.filter((version) => version.storage)).toEqual([storedVersion(kind)]);
  });

  it('serves what the API server can give without help', () => {
    const { versions } = customResourceDefinition(kind).spec;
    const served = versions.filter((version) => version.served).map(({ name }) => name);
    expect(served).toEqual(needsConversion(kind) ? [storedVersion(kind).name] : kind.versions.map(({ name }) => name));
  });
});

describe('versions of a kind', () => {
  it.each(kinds)('$kind: all are judged anew at an update, or none', ({ versions }) => {
    expect(new Set(versions.map((version) => version.validateUpdate !== undefined)).size).toBe(1);
  });
});

describe.each(rows)('$name', ({ kind, version }) => {
  const schema = objectSchema(kind, version);
  const spec = schema.properties?.['spec'] ?? {};
  const objects = arbitraryOf(spec).map(
    (given) =>
      ({
        apiVersion: `${kind.group}/${version.name}`,
        kind: kind.kind,
        metadata: { name: 'n' },
        spec: given,
      }) as unknown as KubeObject,
  );

  it('is found by what its objects say of themselves', () => {
    expect(findKind(`${kind.group}/${version.name}`, kind.kind)).toEqual({ kind, version });
  });

  it('defaults whatever the API server takes, and the second time nothing', () => {
    fc.assert(
      fc.property(objects, (object) => {
        const before = structuredClone(object);
        const once = version.setDefaults?.(object, context) ?? object;
        expect(object).toEqual(before);
        expect(version.setDefaults?.(once, context) ?? once).toEqual(once);
      }),
      { numRuns: 40 },
    );
  });

  it('judges whatever the API server takes', () => {
    fc.assert(
      fc.property(objects, objects, (object, other) => {
        version.validate?.(object, context);
        version.validateUpdate?.(object, other, context);
        expect(version.validateUpdate?.(object, structuredClone(object), context) ?? []).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});

describe('what is no kind of ours', () => {
  it.each([
    ['v1', 'Pod'],
    ['tekton.dev/v2', 'Task'],
    ['tekton.dev/v1', 'task'],
    ['tekton.dev', 'Task'],
    [undefined, 'Task'],
    ['tekton.dev/v1', undefined],
    ['other.dev/v1', 'Task'],
  ])('%s %s', (apiVersion, kind) => expect(findKind(apiVersion, kind)).toBeUndefined());
});
