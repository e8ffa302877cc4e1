import { decodeAs, missingFields } from '../../api/decode.ts';
import { objectSchema } from '../../api/crd.ts';
import type { FieldError } from '../../api/fielderror.ts';
import type { KindVersion } from '../../api/kind.ts';
import { findKind, kinds, type FoundKind } from '../../api/kinds.ts';
import type { ValidationContext } from '../../api/pipeline/v1/validation.ts';
import { strictSchema } from '../../api/strict.ts';
import type { StructuralSchema } from '../../api/structural.ts';
import { orderErrors } from '../../core/graph/validate.ts';
import type { KubeObject, ObjectMeta } from '../../resource.ts';
import { fieldsOf } from '../../json-object.ts';

/** An object that has been read: in the form of its kind, with its defaults, as the version that is stored. */
export interface Checked {
  group: string;
  kind: string;
  name: string;
  namespace: string | undefined;
  /** Whether its author marks it as deprecated. */
  deprecated: boolean;
  spec: unknown;
}

/** What is wrong with an object by itself, as admission would say it; undefined for what is no kind of ours. */
export function checkObject(
  object: Record<string, unknown>,
  context: ValidationContext,
): { errors: FieldError[]; checked: Checked | undefined } | undefined {
  const { apiVersion, kind } = object as { apiVersion?: string; kind?: string };
  const found = findKind(apiVersion, kind);
  if (found) return checkKnown(found, object, context);
  const ours = kinds.find((each) => each.kind === kind && apiVersion?.startsWith(`${each.group}/`));
  if (!ours) return undefined;
  const versions = ours.versions.map(({ name }) => `${ours.group}/${name}`).join(', ');
  const message = `no ${kind} of this version; the versions are ${versions}`;
  return { errors: [{ path: 'apiVersion', message }], checked: undefined };
}

function checkKnown(
  found: FoundKind,
  object: Record<string, unknown>,
  context: ValidationContext,
): { errors: FieldError[]; checked: Checked } {
  const { kind, version } = found;
  const { unreadable, spec } = readFields(found, object);
  const metadata = fieldsOf(object['metadata']) as ObjectMeta;
  const readable = { apiVersion: object['apiVersion'], kind: kind.kind, metadata, spec };
  const given = readable as unknown as KubeObject;
  const defaulted = version.setDefaults?.(given, context) ?? given;
  const stored = version.convert ? version.convert.toStored(defaulted) : defaulted;
  const storedSpec = (stored as { spec?: unknown }).spec;
  const errors =
    unreadable.length > 0 ? unreadable : (version.validate?.(defaulted, { ...context, creating: true }) ?? []);
  return {
    errors: [...errors, ...orderErrors(kind.kind, storedSpec)],
    checked: {
      group: kind.group,
      kind: kind.kind,
      name: metadata.name ?? '',
      namespace: metadata.namespace,
      deprecated: isDeprecated(metadata),
      spec: storedSpec,
    },
  };
}

/** The spec as far as it can be read, and what is wrong with the form of the object. */
function readFields(
  found: FoundKind,
  { spec, ...around }: Record<string, unknown>,
): { unreadable: FieldError[]; spec: unknown } {
  const whole = decodeAs(outerSchema(found), around);
  const schema = strictSchema(found.version);
  const read = decodeAs(schema, spec ?? {}, 'spec');
  const unreadable = [
    ...whole.errors,
    ...(spec === undefined ? [{ path: 'spec', message: 'missing field(s)' }] : []),
    ...read.errors,
    ...missingFields(schema, read.value, 'spec'),
  ];
  return { unreadable, spec: read.value ?? {} };
}

/** As Tekton's catalog marks what it no longer keeps, in an annotation, and others do in a label. */
function isDeprecated({ annotations, labels }: ObjectMeta): boolean {
  return [annotations, labels].some((texts) => texts?.['tekton.dev/deprecated'] === 'true');
}

const outerSchemas = new WeakMap<KindVersion, StructuralSchema>();

/** What is around the spec of a version; made once, for it takes longer than all else that is looked at. */
function outerSchema({ kind, version }: FoundKind): StructuralSchema {
  let schema = outerSchemas.get(version);
  if (!schema) {
    const whole = objectSchema(kind, version);
    const properties = { ...whole.properties, metadata: metadataSchema, spec: {}, status: {} };
    schema = { ...whole, required: [], properties };
    outerSchemas.set(version, schema);
  }
  return schema;
}

const texts: StructuralSchema = { type: 'object', additionalProperties: { type: 'string' } };
const anything: StructuralSchema = {};

/** meta/v1 ObjectMeta, as the API server decodes it. */
const metadataSchema: StructuralSchema = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    generateName: { type: 'string' },
    namespace: { type: 'string' },
    labels: texts,
    annotations: texts,
    uid: { type: 'string' },
    resourceVersion: { type: 'string' },
    generation: { type: 'integer' },
    creationTimestamp: { type: 'string' },
    deletionTimestamp: { type: 'string' },
    deletionGracePeriodSeconds: { type: 'integer' },
    selfLink: { type: 'string' },
    finalizers: { type: 'array', items: { type: 'string' } },
    ownerReferences: { type: 'array', items: anything },
    managedFields: { type: 'array', items: anything },
  },
};
