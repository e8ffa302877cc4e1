import fc from 'fast-check';
import { parseDefaults } from '../../src/api/config/config-defaults.ts';
import { parseFeatureFlags } from '../../src/api/config/feature-flags.ts';
import type { KindDefinition, KindVersion } from '../../src/api/kind.ts';
import { kinds } from '../../src/api/kinds.ts';
import { strictSchema } from '../../src/api/strict.ts';
import { arbitraryOf } from '../../src/api/structural.fake.ts';
import type { KubeObject } from '../../src/resource.ts';
import { defaultObject } from '../../src/webhook/admission/default.ts';
import type { AdmissionRequest } from '../../src/webhook/admission/review.ts';
import { validateObject } from '../../src/webhook/admission/validate.ts';
import { convertObject } from '../../src/webhook/conversion.ts';

/** One version of a kind, with objects of it that anybody may send. */
export interface FuzzRow {
  name: string;
  kind: KindDefinition;
  version: KindVersion;
  objects: fc.Arbitrary<KubeObject>;
}

/** Everything is on, so that no rule is passed over because its feature is off. */
const context = {
  flags: parseFeatureFlags({ 'enable-api-fields': 'alpha', 'enable-param-enum': 'true' }).flags,
  defaults: parseDefaults({ 'default-resolver-type': 'git' }).defaults,
};
const gates = { runControllers: [], signers: [], resolvers: [], allowUnsigned: false };

const names = fc.constantFrom('n', 'x-1', '', 'A b', 'a'.repeat(300), '__proto__', '$(params.x)');
const texts = fc.dictionary(
  fc.constantFrom(
    'a',
    'chains.tekton.dev/signed',
    'tekton.dev/v1beta1Resources',
    'tekton.dev/v1beta1.task-deprecations',
    'tektite.dev/v1beta1TaskRuns',
    'tekton.dev/payload-validation',
    'resolution.tekton.dev/type',
  ),
  fc.oneof(fc.constantFrom('true', '{}', '[]', '{"a":1}', 'null', '5', '{'), fc.string(), fc.json({ maxDepth: 3 })),
  { maxKeys: 3 },
);
/** The API server checks metadata before it asks the webhook: texts are texts. */
const metadata = fc.record({ name: names, labels: texts, annotations: texts }, { requiredKeys: [] });

/** Specs in the form of the kind, half of them with something in them that is not; and what is none at all. */
function specsOf(version: KindVersion): fc.Arbitrary<unknown> {
  const formed = arbitraryOf(strictSchema(version));
  const spoilt = fc.tuple(formed, fc.nat(), fc.jsonValue({ maxDepth: 2 })).map(([spec, at, value]) => {
    const copy = structuredClone(spec);
    const places = placesOf(copy);
    const place = places[at % Math.max(places.length, 1)];
    if (place) (place.parent as Record<string | number, unknown>)[place.key] = value;
    return copy;
  });
  return fc.oneof(
    { weight: 4, arbitrary: formed },
    { weight: 4, arbitrary: spoilt },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
  );
}

function placesOf(value: unknown): { parent: object; key: string | number }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.keys(value).flatMap((key) => [
    { parent: value, key: Array.isArray(value) ? Number(key) : key },
    ...placesOf((value as Record<string, unknown>)[key]),
  ]);
}

export const fuzzRows: FuzzRow[] = kinds.flatMap((kind) =>
  kind.versions.map((version) => ({
    name: `${kind.kind} ${version.name}`,
    kind,
    version,
    objects: fc
      .record({ metadata, spec: specsOf(version), status: fc.oneof(fc.constant({}), fc.jsonValue({ maxDepth: 3 })) })
      .map((parts) => ({ apiVersion: `${kind.group}/${version.name}`, kind: kind.kind, ...parts })),
  })),
);

/**
 * What the webhook does with an object, as the API server asks for it. @throws whatever the webhook throws: it should
 * throw nothing, for that is a status 500 for a user, and for conversion the end of every list of the kind.
 */
export function ask({ kind, version }: FuzzRow, object: KubeObject, before?: KubeObject): void {
  const request: AdmissionRequest = {
    uid: 'u',
    kind: { group: kind.group, version: version.name, kind: kind.kind },
    resource: { group: kind.group, version: version.name, resource: kind.plural },
    operation: before ? 'UPDATE' : 'CREATE',
    userInfo: { username: 'me' },
    object,
    ...(before ? { oldObject: before } : {}),
  };
  defaultObject(request, context, gates);
  validateObject(request, context, gates);
  for (const { name } of kind.versions) convertObject(object, `${kind.group}/${name}`);
}
