import { decodeAs, missingFields } from '../../api/decode.ts';
import type { FieldError } from '../../api/fielderror.ts';
import { findKind, type FoundKind } from '../../api/kinds.ts';
import { strictSchema } from '../../api/strict.ts';
import type { StructuralSchema } from '../../api/structural.ts';
import type { KubeObject } from '../../resource.ts';
import type { AdmissionRequest } from './review.ts';

/** An object that admission has something to say about. */
export interface Subject extends FoundKind {
  /** With the spec in the form of its schema: names in their own case, no null. */
  object: KubeObject;
  /** The object as it was sent. */
  given: KubeObject;
  /** What of the spec is not in that form. */
  unreadable: FieldError[];
  /** What its form asks for and is not there: the rules of the kind take it for granted. */
  incomplete: FieldError[];
  before: KubeObject | undefined;
}

/**
 * The object of a request; undefined where nothing is to be said: another's kind, a subresource, a deletion, an update
 * that leaves the spec alone (of finalizers, labels: an object that older rules let in must not be stuck).
 */
export function subjectOf(request: AdmissionRequest): Subject | undefined {
  const { kind, subResource, operation, object } = request;
  if (subResource || (operation !== 'CREATE' && operation !== 'UPDATE') || !object) return undefined;
  const found = findKind(`${kind.group}/${kind.version}`, kind.kind);
  if (!found) return undefined;
  const before = objectBefore(request);
  if (before && isEqual(specOf(before), specOf(object))) return undefined;
  const schema = strictSchema(found.version);
  const read = readAs(schema, object);
  return {
    ...found,
    ...read,
    given: object,
    incomplete: missingFields(schema, specOf(read.object), 'spec'),
    // What is stored may be older than the present form of its kind.
    before: before && readAs(schema, before).object,
  };
}

function objectBefore({ operation, oldObject }: AdmissionRequest): KubeObject | undefined {
  return operation === 'UPDATE' ? (oldObject ?? undefined) : undefined;
}

function readAs(schema: StructuralSchema, given: KubeObject): Pick<Subject, 'object' | 'unreadable'> {
  const { value, errors } = decodeAs(schema, specOf(given) ?? {}, 'spec');
  const object = { ...given, metadata: given.metadata ?? {}, spec: value ?? {} } as KubeObject;
  return { object, unreadable: errors };
}

export function specOf(object: KubeObject): unknown {
  return (object as KubeObject & { spec?: unknown }).spec;
}

/** Whether two JSON values are equal; the order of fields does not matter. */
export function isEqual(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const fields = Object.keys(left);
  if (fields.length !== Object.keys(right).length) return false;
  return fields.every(
    (field) =>
      Object.hasOwn(right, field) &&
      isEqual((left as Record<string, unknown>)[field], (right as Record<string, unknown>)[field]),
  );
}
