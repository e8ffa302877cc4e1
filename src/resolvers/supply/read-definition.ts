import { parseDocument } from 'yaml';
import { objectSchema } from '../../api/crd.ts';
import { decodeAs } from '../../api/decode.ts';
import { formatFieldErrors } from '../../api/fielderror.ts';
import { findKind, type FoundKind } from '../../api/kinds.ts';
import type { ObjectMeta } from '../../api/meta.ts';
import type { ValidationContext } from '../../api/pipeline/v1/validation.ts';
import type { StructuralSchema } from '../../api/structural.ts';
import type { DefinitionKind } from '../../core/reference/reference.ts';
import type { Definition, DefinitionSpecs } from '../../core/reference/resolved.ts';
import { messageOf } from '../../errors.ts';
import type { KubeObject } from '../../resource.ts';
import type { Definition as FoundDefinition } from '../trust/signed-forms.ts';
import { isJsonObject } from '../../json-object.ts';

/** A definition that was fetched: as it was found, and as runs are planned with it. */
export interface ReadDefinition<K extends DefinitionKind = DefinitionKind> {
  kind: 'read';
  /** Of what was fetched. */
  bytes: number;
  found: FoundDefinition;
  definition: Definition<K>;
}

/** What was fetched is no definition that can be run; the message says why, in upstream's words where it has some. */
export class UnusableDefinition extends Error {
  override name = 'UnusableDefinition';
}

interface Typed extends KubeObject {
  spec?: unknown;
}

/** YAML makes more of it when names stand for parts. */
const mostAliases = 100;
const schemas = new Map<FoundKind['version'], StructuralSchema>();

/**
 * Reads what a resolver fetched: one object in YAML or JSON, of any version of the kind that is served, with no field
 * that the version does not have; its defaults are set, it is valid, and it is converted.
 * @throws UnusableDefinition
 */
export function readDefinition<K extends DefinitionKind>(
  data: Buffer,
  ofKind: K,
  context: ValidationContext,
): ReadDefinition<K> {
  const json = parsed(data);
  const row = findKind(json.apiVersion, json.kind);
  if (row === undefined)
    throw new UnusableDefinition(
      `invalid runtime object: no kind "${shown(json.kind)}" is registered for version "${shown(json.apiVersion)}"; a ${ofKind} of tekton.dev/v1 or v1beta1 is wanted`,
    );
  if (row.kind.kind !== ofKind || row.kind.group !== 'tekton.dev')
    throw new UnusableDefinition(`resource is not a ${ofKind.toLowerCase()}: it is a ${row.kind.kind}`);
  const object = decoded(json, row);
  const { name = '', labels, annotations } = object.metadata;
  const valid = validated(object, row, context);
  const spec = (row.version.convert?.toStored(valid) ?? valid) as unknown as { spec: DefinitionSpecs[K] };
  return {
    kind: 'read',
    bytes: data.length,
    found: json as unknown as FoundDefinition,
    definition: {
      name,
      metadata: { ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) },
      spec: spec.spec,
    },
  };
}

function parsed(data: Buffer): Typed & { apiVersion: string; kind: string } {
  const json = fromYaml(data);
  if (!isJsonObject(json)) throw unusable('it is no object');
  const { apiVersion, kind, metadata } = json;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') throw unusable('it has no apiVersion and kind');
  if (!isJsonObject(metadata)) throw unusable('it has no metadata');
  return json as unknown as Typed & { apiVersion: string; kind: string };
}

function fromYaml(data: Buffer): unknown {
  try {
    const document = parseDocument(data.toString('utf8'), { uniqueKeys: true, logLevel: 'silent' });
    const [problem] = document.errors;
    if (problem) throw problem;
    return document.toJS({ maxAliasCount: mostAliases });
  } catch (error) {
    throw unusable(`it cannot be read as YAML: ${messageOf(error).split('\n')[0] ?? ''}`);
  }
}

function unusable(why: string): UnusableDefinition {
  return new UnusableDefinition(`invalid runtime object: ${why}`);
}

function decoded(json: Typed, { kind, version }: FoundKind): Typed & { metadata: ObjectMeta } {
  const schema = schemas.get(version) ?? objectSchema(kind, version);
  schemas.set(version, schema);
  const { metadata, ...rest } = json;
  const { value, errors } = decodeAs(schema, { ...rest, metadata: {} });
  if (errors.length > 0) throw new UnusableDefinition(`invalid runtime object: ${formatFieldErrors(errors)}`);
  return { ...(value as Typed), metadata: metadataOf(metadata as unknown as Readonly<Record<string, unknown>>) };
}

/** Of the metadata only what a definition may give to its runs. */
function metadataOf({ name, labels, annotations }: Readonly<Record<string, unknown>>): ObjectMeta {
  return {
    ...(typeof name === 'string' ? { name } : {}),
    ...(labels ? { labels: texts('labels', labels) } : {}),
    ...(annotations ? { annotations: texts('annotations', annotations) } : {}),
  };
}

function texts(field: string, value: unknown): Record<string, string> {
  const isTexts =
    typeof value === 'object' && value !== null && Object.values(value).every((each) => typeof each === 'string');
  if (!isTexts) throw new UnusableDefinition(`invalid runtime object: metadata.${field} is no object of texts`);
  return value as Record<string, string>;
}

/** Its name does not matter to the run, and resolvers' objects may have none. */
function validated(
  object: Typed & { metadata: ObjectMeta },
  { version }: FoundKind,
  context: ValidationContext,
): Typed {
  const named = { ...object, metadata: { ...object.metadata, name: 'resolved' } };
  const defaulted = version.setDefaults?.(named, context) ?? named;
  const errors = version.validate?.(defaulted, context) ?? [];
  if (errors.length > 0)
    throw new UnusableDefinition(
      `validation failed for referenced object ${object.metadata.name ?? ''}: ${formatFieldErrors(errors)}`,
    );
  return defaulted;
}

function shown(text = ''): string {
  return text.slice(0, 100);
}
