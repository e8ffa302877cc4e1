import { z } from 'zod';

/**
 * Building blocks of the schemas in this folder. Each schema is the single source of three things: the TypeScript type
 * (z.infer), the defaults (see defaults.ts) and the CRD schema (structural.ts). Only wire types are used: times,
 * durations and quantities are strings.
 */

/** A value whose inside the CRD does not describe (Kubernetes' own fragments, as upstream's CRDs have it). */
export function preserved<T>(description?: string): z.ZodType<T> {
  const meta = { 'x-kubernetes-preserve-unknown-fields': true, ...(description === undefined ? {} : { description }) };
  return z.unknown().meta(meta) as unknown as z.ZodType<T>;
}

/** A preserved JSON object: anything but an object is refused by the API server. */
export function preservedObject<T extends object>(description?: string): z.ZodType<T> {
  const meta = {
    type: 'object',
    'x-kubernetes-preserve-unknown-fields': true,
    ...(description === undefined ? {} : { description }),
  };
  return z.unknown().meta(meta) as unknown as z.ZodType<T>;
}

/** A list whose items are identified by `keys` (server-side apply merges by them; duplicates are refused). */
export function mapList<T extends z.ZodType>(item: T, ...keys: string[]) {
  return z.array(item).meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys });
}

/** A list that is replaced as a whole. */
export function atomicList<T extends z.ZodType>(item: T) {
  return z.array(item).meta({ 'x-kubernetes-list-type': 'atomic' });
}

/** Go duration text such as `1h0m0s`; the API server takes any string, the validators check the form. */
export const durationText = z.string();

/** RFC 3339 time, UTC, whole seconds, as Kubernetes writes it. */
export const timeText = z.iso.datetime();

export const int32 = z.int32();

/**
 * One of a few words, with no `enum` in the CRD: upstream's CRDs have none either, its validators name the bad value
 * in texts that users know, and `""` (which Go clients send) stays allowed.
 */
export function oneWordOf<T extends string>(): z.ZodType<T> {
  return z.string() as unknown as z.ZodType<T>;
}

/**
 * What a user may ask of a run while it goes on. Unlike elsewhere the CRD lists the words: a typo in a cancellation has
 * to be told there and then, for a run that has begun is not validated again. "" is what Go clients send for none.
 */
export function requestedState(...words: string[]) {
  return z
    .string()
    .optional()
    .meta({ enum: ['', ...words], description: `${words.slice(0, -1).join(', ')} or ${words.at(-1)}.` });
}

const QUANTITY = String.raw`^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$`;

/** A resource quantity as users write it (`1`, `500m`), or text with a variable (`$(params.memory)`). */
export const quantity = z
  .union([z.int(), z.string()])
  .meta({ 'x-kubernetes-int-or-string': true, pattern: String.raw`${QUANTITY}|\$\(.+\)` });
