import { sortedJson } from '../digest/canonical-json.ts';
import { annotations } from '../labels.ts';
import { isAdmitted, type Admission } from './admitted.ts';
import { parseQuantity } from './quantity.ts';
import type { NewPod, Pod } from './types.ts';
import { isJsonObject } from '../../json-object.ts';

/**
 * In which fields a pod as the API server has it differs from the pod as it was sent: everything sent must be there
 * unchanged, and beyond it only what API server, ServiceAccount admission, LimitRanger and scheduler add to any pod
 * (`isAdmitted`). Status, and the two annotations by which a run steers its pod, do not count.
 */
export function podChanges(sent: NewPod, returned: NewPod | Pod): string[] {
  const pod = { sent, returned };
  return [
    ...compare({ path: 'spec', pattern: 'spec', pod }, sent.spec, returned.spec),
    ...ownerChanges(sent, returned),
    ...compare({ path: 'metadata.labels', pattern: 'metadata.labels', pod }, sent.metadata.labels ?? {}, {
      ...returned.metadata.labels,
    }),
    ...compare(
      { path: 'metadata.annotations', pattern: 'metadata.annotations', pod },
      withoutSteering(sent.metadata.annotations),
      withoutSteering(returned.metadata.annotations),
    ),
  ];
}

interface Place {
  /** For people: `spec.containers[step-build].image`. */
  path: string;
  /** The same without keys, init containers as containers: `spec.containers[].image`. */
  pattern: string;
  pod: Admission['pod'];
}

function ownerChanges(sent: NewPod, returned: NewPod): string[] {
  const { metadata: before } = sent;
  const { metadata: now } = returned;
  return [
    ...(before.name === now.name ? [] : ['metadata.name']),
    ...((before.namespace ?? '') === (now.namespace ?? '') ? [] : ['metadata.namespace']),
    ...(sortedJson(before.ownerReferences ?? []) === sortedJson(now.ownerReferences ?? [])
      ? []
      : ['metadata.ownerReferences']),
  ];
}

function withoutSteering(all: Record<string, string> | undefined): Record<string, string> {
  const { [annotations.ready]: _ready, [annotations.cancel]: _cancel, ...rest } = all ?? {};
  return rest;
}

function compare(place: Place, before: unknown, now: unknown): string[] {
  const [sent, returned] = [before, now].map((value) => (isLeftOut(place, value) ? undefined : value));
  const list = keyOf(place.pattern);
  if (list !== undefined && isListOrAbsent(sent) && isListOrAbsent(returned))
    return compareKeyed(place, list, sent ?? [], returned ?? []);
  return sent === undefined ? added(place, returned) : compareByShape(place, sent, returned);
}

function compareByShape(place: Place, sent: unknown, returned: unknown): string[] {
  if (Array.isArray(sent) && Array.isArray(returned)) return compareInOrder(place, sent, returned);
  if (isJsonObject(sent) && isJsonObject(returned)) return compareFields(place, sent, returned);
  return sent === returned || isSameQuantity(place, sent, returned) ? [] : [place.path];
}

function added(place: Place, value: unknown): string[] {
  return value === undefined || isAdmitted({ value, ...place }) ? [] : [place.path];
}

function compareFields(place: Place, sent: Record<string, unknown>, returned: Record<string, unknown>): string[] {
  const names = new Set([...Object.keys(sent), ...Object.keys(returned)]);
  return [...names].flatMap((name) => compare(inField(place, name), own(sent, name), own(returned, name)));
}

function compareInOrder(place: Place, sent: unknown[], returned: unknown[]): string[] {
  if (sent.length !== returned.length) return [place.path];
  return sent.flatMap((item, index) => compare(inItem(place, nameOf(item) ?? String(index)), item, returned[index]));
}

/** Items are told apart by their key; those that were sent must be there in the order in which they were sent. */
function compareKeyed(place: Place, keyOfItem: Key, sent: unknown[], returned: unknown[]): string[] {
  const left = new Map<string, unknown[]>();
  for (const item of sent) left.set(keyOfItem(item), [...(left.get(keyOfItem(item)) ?? []), item]);
  const order: unknown[] = [];
  const changes = returned.flatMap((item) => {
    const key = keyOfItem(item);
    const match = left.get(key)?.shift();
    if (match === undefined) return compare(inItem(place, key), undefined, item);
    order.push(match);
    return compare(inItem(place, key), match, item);
  });
  const lost = [...left].flatMap(([key, items]) => items.map(() => inItem(place, key).path));
  const kept = sent.filter((item) => order.includes(item));
  const moved = kept.every((item, index) => item === order[index]) ? [] : [place.path];
  return [...changes, ...lost, ...moved];
}

type Key = (item: unknown) => string;

const byName: Key = (item) => nameOf(item) ?? '';

/** Lists whose items have names of their own, so that one more or less does not move the others. */
const keyed: ReadonlyMap<string, Key> = new Map<string, Key>([
  ['spec.containers', byName],
  ['spec.ephemeralContainers', byName],
  ['spec.volumes', byName],
  ['spec.containers[].volumeMounts', (item) => String(isJsonObject(item) ? item['mountPath'] : item)],
  ['spec.tolerations', (item) => sortedJson(item)],
]);

function keyOf(pattern: string): Key | undefined {
  return keyed.get(pattern);
}

function inField({ path, pattern, pod }: Place, name: string): Place {
  const inMap = pattern === 'metadata.labels' || pattern === 'metadata.annotations' || pattern === 'spec.nodeSelector';
  if (inMap) return { path: `${path}[${name}]`, pattern: `${pattern}[${name}]`, pod };
  const generic = pattern === 'spec' && name === 'initContainers' ? 'containers' : name;
  return { path: `${path}.${name}`, pattern: `${pattern}.${generic}`, pod };
}

function inItem({ path, pattern, pod }: Place, key: string): Place {
  return { path: `${path}[${key}]`, pattern: `${pattern}[]`, pod };
}

function nameOf(item: unknown): string | undefined {
  return isJsonObject(item) && typeof item['name'] === 'string' ? item['name'] : undefined;
}

function own(object: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Booleans and numbers that the API server does not write when they have their zero value; it keeps all others. */
const withoutZero = new Set([
  'readOnly',
  'hostNetwork',
  'hostPID',
  'hostIPC',
  'stdin',
  'stdinOnce',
  'tty',
  'hostPort',
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
]);

/** Whether a value is one that the API server leaves out: it means the same as none. */
function isLeftOut({ pattern }: Place, value: unknown): boolean {
  const field = pattern.slice(pattern.lastIndexOf('.') + 1);
  if (value === null || value === undefined) return true;
  if (value === '') return field !== 'storageClassName' && !pattern.startsWith('metadata.') && !pattern.endsWith(']');
  if (value === false || value === 0) return withoutZero.has(field);
  return Array.isArray(value) && value.length === 0;
}

function isSameQuantity({ pattern }: Place, sent: unknown, returned: unknown): boolean {
  if (!/(\.(requests|limits)\.[^\]]+|\.sizeLimit|\.divisor)$/.test(pattern)) return false;
  const [before, now] = [sent, returned].map((value) =>
    typeof value === 'string' || typeof value === 'number' ? parseQuantity(value) : undefined,
  );
  return before !== undefined && before === now;
}

function isListOrAbsent(value: unknown): value is unknown[] | undefined {
  return value === undefined || Array.isArray(value);
}
