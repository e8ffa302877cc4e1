import { templateParam } from '../../api/variables/reference.ts';
import { eachReference } from '../../api/variables/scan.ts';
import type { Param } from './bindings.ts';
import { ResolveError } from './error.ts';

/** An object to create: as its template has it, variables replaced. */
export interface ResourceObject {
  apiVersion: string;
  kind: string;
  metadata?: Record<string, unknown>;
  [field: string]: unknown;
}

/** What the API server stores of one object, at most. */
const largestObject = 1_500_000;

/** A stretch of replaced text, and whether an event may have written it. */
interface Stretch {
  text: string;
  isEvents: boolean;
}

/** Goes through one template. */
interface Filling {
  params: ReadonlyMap<string, Param>;
  uid: string;
  /** Characters that may still be written. */
  left: number;
  /** Whether variables are replaced again in what is made of this part. */
  isReplacedAgain: (path: readonly string[]) => boolean;
}

/**
 * The objects of a TriggerTemplate. `$(tt.params.NAME)` is replaced in every text and key, once: a value that looks
 * like a variable is not replaced again, and no value can end the text that it stands in. `$(uid)` is `uid`. Names
 * without a value stay as they are.
 *
 * Text of an event starts no variable of Tekton or Kubernetes: its `$(` becomes `$$(`, upstream's escape. Inside a
 * Task's or Pipeline's definition Tekton knows no escape; there such an event is refused.
 * @throws ResolveError
 */
export function fillTemplates(templates: readonly unknown[], params: readonly Param[], uid: string): ResourceObject[] {
  const byName = new Map(params.map((param) => [param.name, param]));
  return templates.map((template, index) => {
    const isReplacedAgain = placesReplacedAgain(template);
    const filling: Filling = { params: byName, uid, left: largestObject, isReplacedAgain };
    const filled = fill(template, [], filling);
    if (!isResource(filled))
      throw new ResolveError(`resourcetemplates[${index}] is no object with apiVersion and kind; give it both`);
    return filled;
  });
}

function fill(value: unknown, path: readonly string[], filling: Filling): unknown {
  if (typeof value === 'string') return fillText(value, path, filling);
  if (Array.isArray(value)) return value.map((item) => fill(item, path, filling));
  if (typeof value !== 'object' || value === null) return value;
  // A key may be `__proto__`, which assignment to an ordinary object would lose.
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const name = fillText(key, path, filling);
      return [name, fill(item, [...path, name], filling)];
    }),
  );
}

function fillText(text: string, path: readonly string[], filling: Filling): string {
  const stretches = stretchesOf(text, filling);
  filling.left -= stretches.reduce((sum, stretch) => sum + stretch.text.length, 0);
  if (filling.left < 0)
    throw new ResolveError(
      `the object would be larger than ${largestObject} characters, more than the API server stores; bind less of the event`,
    );
  if (!stretches.some(({ isEvents }) => isEvents)) return stretches.map((stretch) => stretch.text).join('');
  return escapeVariables(stretches, () => {
    if (filling.isReplacedAgain(path))
      throw new ResolveError(
        `the event has "$(" in a value for ${path.join('.')}, where Tekton would replace it as a variable; pass the value through spec.params of the run`,
      );
  });
}

function stretchesOf(text: string, { params, uid }: Filling): Stretch[] {
  const stretches: Stretch[] = [];
  let from = 0;
  eachReference(text, (inner, start, end) => {
    const name = templateParam(inner);
    const param = name === undefined ? undefined : params.get(name);
    if (inner !== 'uid' && param === undefined) return;
    stretches.push({ text: text.slice(from, start), isEvents: false });
    stretches.push({ text: param?.text ?? uid, isEvents: param?.origin === 'event' });
    from = end;
  });
  return [...stretches, { text: text.slice(from), isEvents: false }];
}

/**
 * Joins stretches. Where an event wrote a part of a `$(`, all dollars before the parenthesis are doubled: Kubernetes
 * reads two as one.
 */
function escapeVariables(stretches: readonly Stretch[], onVariable: () => void): string {
  const text = stretches.map((stretch) => stretch.text).join('');
  const ends = stretches.reduce<number[]>((all, stretch) => [...all, (all.at(-1) ?? 0) + stretch.text.length], []);
  const isEvents = (at: number): boolean => stretches[ends.findIndex((end) => at < end)]?.isEvents ?? false;
  return text.replace(/(\$+)\(/g, (whole, dollars: string, at: number) => {
    const places = Array.from(whole, (_character, index) => at + index);
    if (!places.some(isEvents)) return whole;
    onVariable();
    return `${dollars}${dollars}(`;
  });
}

/** Of Tekton's objects only labels, annotations and the values of a run's params are taken as they are. */
function placesReplacedAgain(template: unknown): (path: readonly string[]) => boolean {
  const { apiVersion } = (template ?? {}) as { apiVersion?: unknown };
  const isTektons = typeof apiVersion !== 'string' || /^tekton\.dev\/|\$\(/.test(apiVersion);
  return (path) => isTektons && path[0] === 'spec' && path[1] !== 'params';
}

function isResource(value: unknown): value is ResourceObject {
  const { apiVersion, kind } = (value ?? {}) as Partial<ResourceObject>;
  return typeof apiVersion === 'string' && apiVersion !== '' && typeof kind === 'string' && kind !== '';
}
