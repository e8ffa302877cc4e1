import {
  celFunc,
  celMethod,
  CelScalar,
  isCelList,
  isCelMap,
  listType,
  mapType,
  type CelFunc,
  type CelInput,
} from '@bufbuild/cel';
import { parse } from 'yaml';
import { parseJson } from '../../resolve/body.ts';
import { headerValue, type Header } from '../../resolve/header.ts';
import type { SecretRef } from '../params.ts';
import { equalBytes } from '../signature.ts';
import type { SecretAnswer } from '../world.ts';
import { libraryFunctions, libraryNamespaces } from './library.ts';
import { jsonOf } from './overlay.ts';
import { textFunctions } from './texts.ts';
import { translated } from './translate.ts';
import { urlParts } from './url.ts';

/** Names that stand for parts of the event. */
export const variables = ['body', 'header', 'extensions', 'requestURL'];
export const namespaces = libraryNamespaces;

const { STRING, INT, BOOL, DYN } = CelScalar;
const anyMap = mapType(STRING, DYN);
const anyList = listType(DYN);

/** Functions of Triggers, and the extensions of cel-go that upstream loads: strings, encoders, sets, lists, math. */
export function triggerFunctions(secretOf: (ref: SecretRef) => SecretAnswer): CelFunc[] {
  return [...textFunctions, ...libraryFunctions, ...eventFunctions, ...secretFunctions(secretOf)];
}

const eventFunctions: CelFunc[] = [
  celMethod('match', anyMap, [STRING, STRING], BOOL, function (name, value) {
    return headerValue(headerOf(this), name) === value;
  }),
  celMethod('canonical', anyMap, [STRING], STRING, function (name) {
    return headerValue(headerOf(this), name);
  }),
  // Bytes, as in Go; half a character is not cut off its other half.
  celMethod('truncate', STRING, [INT], STRING, function (length) {
    if (length < 0n) throw new Error(`truncate: length ${length} is negative`);
    return Buffer.from(this)
      .subarray(0, Number(length))
      .toString()
      .replace(/\uFFFD+$/, '');
  }),
  celMethod('parseJSON', STRING, [], anyMap, function () {
    const parsed = parseJson(this);
    if (!parsed.ok) throw new Error(`failed to decode the text in parseJSON: ${parsed.problem}`);
    return mapOf(parsed.value, 'parseJSON');
  }),
  celMethod('parseYAML', STRING, [], anyMap, function () {
    return mapOf(yamlValue(this), 'parseYAML');
  }),
  celMethod('parseURL', STRING, [], anyMap, function () {
    return urlParts(this) as CelInput<typeof anyMap>;
  }),
  celMethod('marshalJSON', anyMap, [], STRING, function () {
    return JSON.stringify(jsonOf(this));
  }),
  celMethod('marshalJSON', anyList, [], STRING, function () {
    return JSON.stringify(jsonOf(this));
  }),
  celMethod('first', anyList, [], DYN, function () {
    return this.size === 0 ? null : (this.get(0) ?? null);
  }),
  celMethod('last', anyList, [], DYN, function () {
    return this.size === 0 ? null : (this.get(this.size - 1) ?? null);
  }),
  celMethod('translate', STRING, [STRING, STRING], STRING, function (expression, replacement) {
    return translated(this, expression, replacement);
  }),
  celFunc('marshalJSON', [anyMap], STRING, (value) => JSON.stringify(jsonOf(value))),
  celFunc('marshalJSON', [anyList], STRING, (value) => JSON.stringify(jsonOf(value))),
];

function secretFunctions(secretOf: (ref: SecretRef) => SecretAnswer): CelFunc[] {
  return [
    celMethod('compareSecret', STRING, [STRING, STRING], BOOL, function (secretKey, secretName) {
      const answer = secretOf({ secretName, secretKey });
      if (!answer.ok) throw new Error(`failed to find secret '${secretName}' in compareSecret: ${answer.problem}`);
      return equalBytes(Buffer.from(this), answer.value);
    }),
    celMethod('compareSecret', STRING, [STRING, STRING, STRING], BOOL, () => {
      throw new Error(
        "compareSecret takes no namespace: secrets are read from the trigger's own namespace; leave the third argument out",
      );
    }),
  ];
}

/** Only lists of texts are values of a header. */
function headerOf(value: Iterable<readonly [unknown, unknown]>): Header {
  return Object.fromEntries(
    [...value].flatMap(([name, values]) => {
      if (typeof name !== 'string' || !isCelList(values)) return [];
      return [[name, [...values].filter((one) => typeof one === 'string')] as const];
    }),
  );
}

function yamlValue(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100 }) as unknown;
  } catch {
    throw new Error('failed to decode the text in parseYAML');
  }
}

function mapOf(value: unknown, name: string): CelInput<typeof anyMap> {
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value) || isCelMap(value))
    throw new Error(`failed to decode the text in ${name}: it is no object`);
  return value as CelInput<typeof anyMap>;
}
