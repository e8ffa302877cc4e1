import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { pipelineRuns, taskRuns } from '../../api/resources.ts';
import type { KubeClient } from '../../kube/client.ts';
import { Informer } from '../../kube/informer.ts';
import type { Change } from '../../kube/store.ts';
import type { Logger } from '../../log.ts';
import type { KubeObject, Resource } from '../../resource.ts';
import type { DefinitionUses, RunPage, RunSummary } from '../contract.ts';
import { comparePlaces, tokenOf, type Place, type Query } from './query.ts';
import { indexed, summaryOf, type IndexedRun } from './summary.ts';
import { noCounts, usesOf } from './uses.ts';

/** What a run is to whoever asks for rights. */
export interface Scope {
  kind: RunSummary['kind'];
  namespace: string;
}
/** A run that came, changed or went. */
export interface IndexChange {
  run: IndexedRun;
  isGone: boolean;
}

/** How many of the last runs of a definition say how long it usually takes. */
const USUAL_OF = 20;

/**
 * PipelineRuns, and TaskRuns of their own, cut down and newest first, kept up to date by watches. TaskRuns of pipelines
 * never get here: the watch's selector leaves them out.
 */
export class RunIndex {
  readonly #informers: Informer<KubeObject>[];
  readonly #sorted: IndexedRun[] = [];
  readonly #listeners = new Set<(change: IndexChange) => void>();
  readonly #usual = new Map<string, number | undefined>();

  /** @param namespaces those that are watched; all when empty */
  constructor(client: Pick<KubeClient, 'list' | 'watch'>, namespaces: readonly string[], log: Logger) {
    const watch = (resource: Resource, labelSelector: string | undefined) =>
      (namespaces.length === 0 ? [undefined] : namespaces).map((namespace) => {
        const transform = (object: KubeObject): KubeObject =>
          indexed({ ...object, kind: resource.kind } as PipelineRun | TaskRun);
        const informer = new Informer({ client, resource, namespace, labelSelector, transform, log });
        informer.onChange((change) => this.#changed(change as unknown as Change<IndexedRun>));
        return informer;
      });
    this.#informers = [...watch(pipelineRuns, undefined), ...watch(taskRuns, '!tekton.dev/pipelineRun')];
  }

  get size(): number {
    return this.#sorted.length;
  }

  /** All of them, newest first. */
  get runs(): readonly IndexedRun[] {
    return this.#sorted;
  }

  /** Runs until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.run(signal)));
  }

  /** Resolves when all first lists are in. */
  async synced(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.synced(signal)));
  }

  /** Calls `listener` after each change. Returns the way to stop. */
  onChange(listener: (change: IndexChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Where there are runs, by kind. */
  scopes(): Scope[] {
    const found = new Map<string, Scope>();
    for (const { run } of this.#sorted) {
      const key = `${run.kind}/${run.namespace}`;
      if (!found.has(key)) found.set(key, { kind: run.kind, namespace: run.namespace });
    }
    return [...found.values()];
  }

  /** A page of what the query asks for, of runs that the caller may see. */
  page(query: Query, maySee: (scope: Scope) => boolean): RunPage {
    const counts = noCounts();
    const items: IndexedRun[] = [];
    let total = 0;
    let isMore = false;
    for (const each of this.#sorted) {
      if (!maySee(each.run) || !isOf(query, each)) continue;
      counts[each.run.status] += 1;
      if (query.statuses !== undefined && !query.statuses.has(each.run.status)) continue;
      total += 1;
      if (!isBehind(query.after, each)) continue;
      if (items.length < query.limit) items.push(each);
      else isMore = true;
    }
    const last = items.at(-1);
    return {
      items: this.summaries(items),
      total,
      counts,
      ...(isMore && last !== undefined ? { next: tokenOf(placeOf(last)) } : {}),
    };
  }

  /** How definitions were used, by the runs that the query asks for and the caller may see. */
  uses(query: Query, maySee: (scope: Scope) => boolean): DefinitionUses {
    const wanted = this.#sorted.filter((each) => maySee(each.run) && isWanted(query, each));
    return usesOf(wanted, (runs) => {
      this.#knowUsual(runs);
      return this.summaries(runs);
    });
  }

  /** Runs as lists show them, with what their definitions usually take. */
  summaries(runs: readonly IndexedRun[]): RunSummary[] {
    return runs.map((each) => summaryOf(each, each.run.definition === undefined ? undefined : this.#usualOf(each)));
  }

  /** The median of the last that succeeded, worked out once until another one does. */
  #usualOf(like: IndexedRun): number | undefined {
    const group = groupOf(like);
    if (this.#usual.has(group)) return this.#usual.get(group);
    const durations: number[] = [];
    for (const each of this.#sorted) {
      const duration = groupOf(each) === group ? durationOf(each) : undefined;
      if (duration !== undefined && durations.push(duration) === USUAL_OF) break;
    }
    const median = medianOf(durations);
    this.#usual.set(group, median);
    return median;
  }

  /** The medians of many, in one walk. */
  #knowUsual(runs: readonly IndexedRun[]): void {
    const wanted = new Map(runs.map((run): [string, number[]] => [groupOf(run), []]));
    for (const each of this.#sorted) {
      const durations = wanted.get(groupOf(each));
      const duration = durations && durations.length < USUAL_OF ? durationOf(each) : undefined;
      if (duration !== undefined) durations?.push(duration);
    }
    for (const [group, durations] of wanted) this.#usual.set(group, medianOf(durations));
  }

  #changed({ type, object, old }: Change<IndexedRun>): void {
    const at = this.#find(placeOf(old ?? object));
    const isThere = this.#sorted[at]?.run.uid === (old ?? object).run.uid;
    if (type === 'deleted') {
      if (isThere) this.#sorted.splice(at, 1);
    } else if (isThere) this.#sorted[at] = object;
    else this.#sorted.splice(at, 0, object);
    if (type === 'deleted' || durationOf(object) !== undefined) this.#usual.delete(groupOf(object));
    for (const listener of this.#listeners) listener({ run: object, isGone: type === 'deleted' });
  }

  /** Where a run of this place is, or would be. */
  #find(place: Place): number {
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const there = this.#sorted[middle];
      if (there !== undefined && comparePlaces(placeOf(there), place) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isWanted(query: Query, each: IndexedRun): boolean {
  return isOf(query, each) && (query.statuses?.has(each.run.status) ?? true);
}

/** Whether a run is one that the query asks for, its status aside. */
export function isOf(query: Query, each: IndexedRun): boolean {
  return (query.namespaces === undefined || query.namespaces.includes(each.run.namespace)) && query.matches(each);
}

/** Whether a run comes after a place in the list. */
function isBehind(place: Place | undefined, each: IndexedRun): boolean {
  return place === undefined || comparePlaces(placeOf(each), place) > 0;
}

function placeOf({ run: { created, uid } }: IndexedRun): Place {
  return { created, uid };
}

function groupOf({ run: { kind, namespace, definition = '' } }: IndexedRun): string {
  return `${kind}/${namespace}/${definition}`;
}

/** Of runs that succeeded: a failure is over sooner. */
function durationOf({ run: { status, started = '', finished = '' } }: IndexedRun): number | undefined {
  const milliseconds = Date.parse(finished) - Date.parse(started);
  return status === 'succeeded' && milliseconds >= 0 ? milliseconds : undefined;
}

function medianOf(values: number[]): number | undefined {
  return values.sort((left, right) => left - right)[Math.floor(values.length / 2)];
}
