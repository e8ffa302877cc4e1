import { labelMatcher } from '../../kube/selector.ts';
import { runStatuses, type RunStatus } from '../contract.ts';
import { RefusedError } from '../refusal.ts';
import type { IndexedRun } from './summary.ts';

/** A query that is read: what a run has to be, and which page of those is wanted. */
export interface Query {
  /** Undefined: all that the caller may list. */
  namespaces: readonly string[] | undefined;
  statuses: ReadonlySet<RunStatus> | undefined;
  /** All that is asked for but the status. */
  matches: (run: IndexedRun) => boolean;
  limit: number;
  after: Place | undefined;
}

/** Where a run stands among all: newest first, then by uid. */
export interface Place {
  created: string;
  uid: string;
}

export const LONGEST_QUERY = 4096;
const MOST_VALUES = 100;
const MOST_NAMESPACES = 500;
const usualLimit = 100;
const mostLimit = 500;
const namespaceName = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** Reads RunQuery. @throws RefusedError 400 that names the field, its value and what it takes. */
export function readQuery(parameters: URLSearchParams): Query {
  if (parameters.toString().length > LONGEST_QUERY)
    throw new RefusedError(400, `the query is longer than ${LONGEST_QUERY} characters: ask for less at once`);
  const { matches } = selectorOf(parameters.get('label') ?? '');
  const kinds = kindsOf(parameters);
  const pipelines = listOf(parameters, 'pipeline', MOST_VALUES);
  const by = (parameters.get('by') ?? '').toLowerCase();
  const text = (parameters.get('q') ?? '').toLowerCase();
  return {
    namespaces: namespacesOf(parameters),
    statuses: statusesOf(parameters),
    matches: (run) =>
      (kinds === undefined || kinds.includes(run.run.kind)) &&
      (pipelines === undefined || pipelines.includes(run.run.definition ?? '')) &&
      (by === '' || startersOf(run).some((starter) => starter.toLowerCase() === by)) &&
      (text === '' || textsOf(run).some((each) => each.toLowerCase().includes(text))) &&
      matches(run.labels),
    limit: limitOf(parameters.get('limit')),
    after: placeOf(parameters.get('after')),
  };
}

/** A place in words that nobody needs to understand. */
export function tokenOf({ created, uid }: Place): string {
  return Buffer.from(`${created} ${uid}`).toString('base64url');
}

/** Negative when `left` comes first. */
export function comparePlaces(left: Place, right: Place): number {
  if (left.created !== right.created) return left.created > right.created ? -1 : 1;
  if (left.uid === right.uid) return 0;
  return left.uid < right.uid ? -1 : 1;
}

function startersOf({ run: { startedBy } }: IndexedRun): string[] {
  return [startedBy.person, startedBy.trigger, startedBy.event].filter((part) => part !== undefined);
}

function textsOf({ run: { name, definition, startedBy } }: IndexedRun): string[] {
  return [name, definition, startedBy.commit, startedBy.branch, startedBy.person].filter((part) => part !== undefined);
}

function selectorOf(text: string): { matches: ReturnType<typeof labelMatcher> } {
  try {
    return { matches: labelMatcher(text) };
  } catch (error) {
    throw new RefusedError(400, `label: ${(error as Error).message}`, { cause: error });
  }
}

/** Values with commas between them, each once; undefined: none. @throws RefusedError 400 for more than `most`. */
export function listOf(parameters: URLSearchParams, name: string, most: number): string[] | undefined {
  const values = parameters
    .getAll(name)
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '');
  if (values.length > most) throw new RefusedError(400, `${name} has ${values.length} values; give at most ${most}`);
  return values.length === 0 ? undefined : [...new Set(values)];
}

/** `ns`. @throws RefusedError 400 for what is no name of a namespace */
export function namespacesOf(parameters: URLSearchParams): string[] | undefined {
  const namespaces = listOf(parameters, 'ns', MOST_NAMESPACES);
  const wrong = namespaces?.find((name) => !namespaceName.test(name));
  if (wrong !== undefined) throw new RefusedError(400, `ns: ${shown(wrong)} is no name of a namespace`);
  return namespaces;
}

function statusesOf(parameters: URLSearchParams): ReadonlySet<RunStatus> | undefined {
  const values = listOf(parameters, 'status', MOST_VALUES);
  const wrong = values?.find((value) => !runStatuses.includes(value as RunStatus));
  if (wrong !== undefined) throw new RefusedError(400, `status: ${shown(wrong)} is none of ${runStatuses.join(', ')}`);
  return values === undefined ? undefined : new Set(values as RunStatus[]);
}

function kindsOf(parameters: URLSearchParams): string[] | undefined {
  const kinds = listOf(parameters, 'kind', MOST_VALUES);
  const wrong = kinds?.find((kind) => kind !== 'PipelineRun' && kind !== 'TaskRun');
  if (wrong !== undefined) throw new RefusedError(400, `kind: ${shown(wrong)} is neither PipelineRun nor TaskRun`);
  return kinds;
}

/** `limit`. @throws RefusedError 400 for one that is not 1 to 500 */
export function limitOf(text: string | null): number {
  if (text === null || text === '') return usualLimit;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > mostLimit) throw new RefusedError(400, `limit: ${shown(text)} is not 1 to ${mostLimit}`);
  return limit;
}

function placeOf(token: string | null): Place | undefined {
  if (token === null || token === '') return undefined;
  const [created, uid, ...others] = Buffer.from(token, 'base64url').toString('utf8').split(' ');
  if (created === undefined || uid === undefined || others.length > 0)
    throw new RefusedError(400, `after: ${shown(token)} is not the "next" of a page: begin with the first one`);
  return { created, uid };
}

/** A value as a refusal names it. */
export function shown(value: string): string {
  return JSON.stringify(value.slice(0, 100));
}
