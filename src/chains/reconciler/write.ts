import { isNotFound, isOutdated, ApiError, type KubeClient } from '../../kube/client.ts';
import { keyOf, type Resource } from '../../kube/object.ts';
import type { RunObject } from '../types.ts';
import type { ReconcilerOptions, RunCaches } from './options.ts';

/** Changes of a run's metadata: annotations (null: removed) and the list of finalizers. */
export interface MetadataChange {
  annotations: Readonly<Record<string, string | null>>;
  /** The finalizers that the run shall have; asked again for each state of it. */
  finalizers?: (run: RunObject) => string[];
  /** Annotations that must still be as on the run given, or nothing is written: somebody else works on it. */
  unchanged?: readonly string[];
}

interface Operation {
  op: 'test' | 'add' | 'replace' | 'remove';
  path: string;
  value?: unknown;
}

const TRIES = 6;

export interface Writing {
  client: Pick<KubeClient, 'get' | 'patch'>;
  resource: Resource<RunObject>;
}

/**
 * Writes one change of metadata in one call, whatever others write on the run meanwhile: the patch names only what it
 * changes and tests what it relies on. A test that fails leads to a look at the run as it is now. Returns the run as
 * written, `undefined` when it is gone or another one has its name.
 */
export async function writeMetadata(
  run: RunObject,
  change: MetadataChange,
  { client, resource }: Writing,
  signal: AbortSignal,
): Promise<RunObject | undefined> {
  const { namespace, name = '', uid } = run.metadata;
  const expected = expectedOf(run, change);
  let known = run;
  for (let tries = 1; ; tries++) {
    const body = patchOf(known, change, expected);
    if (body === undefined) return known;
    try {
      return await client.patch(resource, namespace, name, { type: 'json', body, signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      if (tries >= TRIES || !isOutdated(error)) throw error;
    }
    const fresh = await read(keyOf(run), { client, resource }, signal);
    if (fresh === undefined || fresh.metadata.uid !== uid) return undefined;
    checkUnchanged(fresh, expected);
    known = fresh;
  }
}

/** Annotations with the values that they must still have. */
type Expected = Readonly<Record<string, string | undefined>>;

function expectedOf({ metadata }: RunObject, { unchanged = [] }: MetadataChange): Expected {
  return Object.fromEntries(unchanged.map((annotation) => [annotation, metadata.annotations?.[annotation]]));
}

/** @throws ApiError, a conflict, when somebody else changed one of them. */
function checkUnchanged(fresh: RunObject, expected: Expected): void {
  const other = Object.keys(expected).find(
    (annotation) => fresh.metadata.annotations?.[annotation] !== expected[annotation],
  );
  if (other !== undefined)
    throw new ApiError(409, {
      reason: 'Conflict',
      message: `${keyOf(fresh)}: annotation ${other} was changed by somebody else while the run was being signed`,
    });
}

/** The run as the API server has it now; undefined when it is gone. */
export async function read(
  key: string,
  { client, resource }: Writing,
  signal: AbortSignal,
): Promise<RunObject | undefined> {
  const slash = key.indexOf('/');
  try {
    return await client.get(resource, key.slice(0, slash), key.slice(slash + 1), { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function patchOf(
  run: RunObject,
  { annotations, finalizers }: MetadataChange,
  expected: Expected,
): Operation[] | undefined {
  const operations = [
    ...annotationOperations(run.metadata.annotations, annotations, expected),
    ...finalizerOperations(run.metadata.finalizers ?? [], finalizers?.(run)),
  ];
  if (operations.length === 0) return undefined;
  // Never the run that was made under the same name after this one.
  return [{ op: 'test', path: '/metadata/uid', value: run.metadata.uid }, ...operations];
}

function annotationOperations(
  present: Readonly<Record<string, string>> | undefined,
  wanted: MetadataChange['annotations'],
  expected: Expected,
): Operation[] {
  const changes = Object.entries(wanted).filter(([name, value]) => (present?.[name] ?? null) !== value);
  if (changes.length === 0) return [];
  if (present === undefined || Object.keys(present).length === 0) {
    // An absent member tests equal to null; without the test this would take away what somebody else has just added.
    return [
      { op: 'test', path: '/metadata/annotations', value: present ?? null },
      { op: 'add', path: '/metadata/annotations', value: Object.fromEntries(changes) },
    ];
  }
  const tests = Object.entries(expected).map<Operation>(([name, value]) => ({
    op: 'test',
    path: annotationPath(name),
    value: value ?? null,
  }));
  return [
    ...tests,
    ...changes.map<Operation>(([name, value]) =>
      value === null ? { op: 'remove', path: annotationPath(name) } : { op: 'add', path: annotationPath(name), value },
    ),
  ];
}

function annotationPath(name: string): string {
  return `/metadata/annotations/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function finalizerOperations(before: readonly string[], after: readonly string[] | undefined): Operation[] {
  if (after === undefined || (after.length === before.length && after.every((name) => before.includes(name))))
    return [];
  const test: Operation = { op: 'test', path: '/metadata/finalizers', value: before.length === 0 ? null : before };
  if (after.length === 0) return [test, { op: 'remove', path: '/metadata/finalizers' }];
  return [test, { op: before.length === 0 ? 'add' : 'replace', path: '/metadata/finalizers', value: after }];
}

/** The cache that holds the runs of this kind. */
export function cacheOf({ kind, caches }: Pick<ReconcilerOptions, 'kind' | 'caches'>): RunCaches['taskRuns'] {
  return kind === 'taskrun' ? caches.taskRuns : caches.pipelineRuns;
}
