import type { ParamValue } from '../../api/pipeline/v1/params.ts';
import { sortedJson } from '../digest/canonical-json.ts';

/**
 * A result's value as upstream's entrypoint reads the text that a step wrote, before it signs it: lists and maps of
 * strings (null in them is "") have their type, a JSON string is what it stands for, anything else is the text itself.
 */
export function readValue(text: string): ParamValue {
  if (text === '') return '';
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return text;
  }
  if (parsed === null) return '';
  if (typeof parsed === 'string') return parsed;
  // Only what begins at once with its bracket counts as a list or a map.
  if (text.startsWith('[') && isListOfTexts(parsed)) return parsed.map((item) => item ?? '');
  if (text.startsWith('{') && isMapOfTexts(parsed))
    return Object.fromEntries(Object.entries(parsed).map(([key, item]) => [key, item ?? '']));
  return text;
}

/**
 * The text whose UTF-8 bytes are signed (upstream pkg/spire, getResultValue): lists and, by key, maps joined with
 * commas.
 */
export function signedText(value: ParamValue): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.join(',');
  return Object.entries(value)
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .flat()
    .join(',');
}

/** Whether the status has what the step wrote: as its type says, or (a declared string) as the very text. */
export function isValueOf(value: unknown, text: string): boolean {
  return value === text || sortedJson(value) === sortedJson(readValue(text));
}

function isListOfTexts(value: unknown): value is (string | null)[] {
  return Array.isArray(value) && value.every(isText);
}

function isMapOfTexts(value: unknown): value is Record<string, string | null> {
  return typeof value === 'object' && value !== null && Object.values(value).every(isText);
}

function isText(item: unknown): item is string | null {
  return typeof item === 'string' || item === null;
}
