import type { ServerAnswer, ServerRequest } from '../../http/server.ts';
import type { RunStatus } from '../contract.ts';
import { callerOf, type Caller } from '../proxy/caller.ts';
import { json, RefusedError } from '../refusal.ts';
import { queuesOf, type QueuedRun } from '../view/queues.ts';
import { changesOf } from './changes.ts';
import { isOf, type RunIndex, type Scope } from './index.ts';
import { readQuery, type Query } from './query.ts';
import type { Sight } from './sight.ts';
import type { Streams } from './streams.ts';
import type { IndexedRun } from './summary.ts';

/** What `/v1/runs`, `/v1/queue` and `/v1/definitions` are answered from. */
export interface RunSources {
  index: RunIndex;
  sight: Sight;
  streams: Streams;
  /** The first lists are in. */
  isSynced: () => boolean;
  needsCredentials: boolean;
}

type Asked = Pick<ServerRequest, 'query' | 'rawHeaders'>;

/** Answers of `GET /v1/runs`, `GET /v1/runs/changes`, `GET /v1/queue` and `GET /v1/definitions`. */
export class RunAnswers {
  readonly #sources: RunSources;

  constructor(sources: RunSources) {
    this.#sources = sources;
  }

  /** @throws RefusedError for a query that cannot be read, wrong credentials, and before the index is there. */
  page(request: Asked): Promise<ServerAnswer> {
    return this.#answer(request, (query, maySee) => this.#sources.index.page(query, maySee));
  }

  /** @throws as `page` */
  uses(request: Asked): Promise<ServerAnswer> {
    return this.#answer(request, (query, maySee) => this.#sources.index.uses(query, maySee));
  }

  /** @throws as `page` */
  queue(request: Asked): Promise<ServerAnswer> {
    return this.#answer(request, async (query, maySee, caller) => ({
      ...queuesIn(this.#sources.index.runs, query, maySee),
      // TaskRuns wait in no queue.
      missing: await this.#sources.sight.missing(caller, query.namespaces, ['PipelineRun']),
    }));
  }

  /** @throws as `page`, and 429 for more streams than one caller may have. */
  async changes(request: Asked & Pick<ServerRequest, 'signal'>): Promise<ServerAnswer> {
    const { index, sight, streams, needsCredentials } = this.#sources;
    const query = readQuery(request.query);
    const caller = callerOf(request.rawHeaders, needsCredentials);
    // Credentials that are wrong are refused now, not in a stream.
    await this.#seen(caller, query);
    const { signal } = request;
    return streams.answer(caller, signal, () =>
      changesOf({ index, query, maySee: (scope) => sight.maySee(caller, scope), signal }),
    );
  }

  async #answer(
    { query: parameters, rawHeaders }: Asked,
    answer: (query: Query, maySee: (scope: Scope) => boolean, caller: Caller) => unknown,
  ): Promise<ServerAnswer> {
    const query = readQuery(parameters);
    const caller = callerOf(rawHeaders, this.#sources.needsCredentials);
    return json(200, await answer(query, await this.#seen(caller, query), caller));
  }

  /** Where the caller may list runs, of what the query asks for. */
  async #seen(caller: Caller, { namespaces }: Query): Promise<(scope: Scope) => boolean> {
    const { index, sight, isSynced } = this.#sources;
    if (!isSynced())
      throw new RefusedError(503, 'the list of runs is being read for the first time: try again in some seconds');
    const scopes = index.scopes().filter(({ namespace }) => namespaces === undefined || namespaces.includes(namespace));
    return sight.seen(caller, scopes);
  }
}

/** Places are those among all that wait, whatever is asked for. */
function queuesIn(runs: readonly IndexedRun[], query: Query, maySee: (scope: Scope) => boolean) {
  const waiting = new Map<string, QueuedRun>();
  const asked = new Set<string>();
  const byName = new Map<string, RunStatus>();
  for (const each of runs) {
    const { run, turn } = each;
    if (run.kind !== 'PipelineRun' || !maySee(run)) continue;
    byName.set(`${run.namespace}/${run.name}`, run.status);
    if (turn === undefined) continue;
    const { namespace, name, uid, definition, startedBy, created } = run;
    const known = definition === undefined ? {} : { definition };
    waiting.set(uid, { namespace, name, uid, ...known, startedBy, created, ...turn });
    if (isOf(query, each)) asked.add(uid);
  }
  return queuesOf([...waiting.values()], {
    isAsked: ({ uid }) => asked.has(uid),
    statusOf: (namespace, name) => byName.get(`${namespace}/${name}`),
  });
}
