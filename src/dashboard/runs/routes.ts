import { eachOf } from '../../concurrency.ts';
import type { ServerAnswer, ServerRequest } from '../../http/server.ts';
import { callerOf, type Caller } from '../proxy/caller.ts';
import { json, RefusedError } from '../refusal.ts';
import type { Access } from './access.ts';
import { changesOf } from './changes.ts';
import type { RunIndex, Scope } from './index.ts';
import { readQuery, type Query } from './query.ts';

/** What `/v1/runs` and `/v1/definitions` are answered from. */
export interface RunSources {
  index: RunIndex;
  access: Access;
  /** The first lists are in. */
  isSynced: () => boolean;
  needsCredentials: boolean;
}

const ASKED_AT_ONCE = 16;
/** Beyond these a caller without rights in all namespaces has to say which he means. */
const MOST_SCOPES = 1_000;
const MOST_STREAMS = 500;
const MOST_STREAMS_OF_ONE = 50;

/** Answers of `GET /v1/runs`, `GET /v1/runs/changes` and `GET /v1/definitions`. */
export class RunAnswers {
  readonly #sources: RunSources;
  readonly #streams = new Map<string, number>();

  constructor(sources: RunSources) {
    this.#sources = sources;
  }

  /** @throws RefusedError for a query that cannot be read, wrong credentials, and before the index is there. */
  async page({ query: parameters, rawHeaders }: Pick<ServerRequest, 'query' | 'rawHeaders'>): Promise<ServerAnswer> {
    const query = readQuery(parameters);
    const caller = callerOf(rawHeaders, this.#sources.needsCredentials);
    const seen = await this.#seen(caller, query);
    return json(
      200,
      this.#sources.index.page(query, (scope) => seen.has(keyOf(scope))),
    );
  }

  /** @throws as `page` */
  async uses({ query: parameters, rawHeaders }: Pick<ServerRequest, 'query' | 'rawHeaders'>): Promise<ServerAnswer> {
    const query = readQuery(parameters);
    const seen = await this.#seen(callerOf(rawHeaders, this.#sources.needsCredentials), query);
    return json(
      200,
      this.#sources.index.uses(query, (scope) => seen.has(keyOf(scope))),
    );
  }

  /** @throws as `page`, and 429 for more streams than one caller may have. */
  async changes(request: Pick<ServerRequest, 'query' | 'rawHeaders' | 'signal'>): Promise<ServerAnswer> {
    const query = readQuery(request.query);
    const caller = callerOf(request.rawHeaders, this.#sources.needsCredentials);
    // Credentials that are wrong are refused now, not in a stream.
    await this.#seen(caller, query);
    const leave = this.#enter(caller);
    const body = changesOf({
      index: this.#sources.index,
      query,
      maySee: (scope) => this.#maySee(caller, scope),
      signal: request.signal,
    });
    body.once('close', leave);
    // Also when the reader went before it was sent to him.
    request.signal.addEventListener('abort', () => body.destroy(), { once: true });
    return {
      status: 200,
      headers: {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
        'x-content-type-options': 'nosniff',
      },
      body,
    };
  }

  #enter({ key }: Caller): () => void {
    const ofOne = this.#streams.get(key) ?? 0;
    const all = [...this.#streams.values()].reduce((sum, count) => sum + count, 0);
    // Without credentials all share one name.
    if (all >= MOST_STREAMS || (key !== '' && ofOne >= MOST_STREAMS_OF_ONE))
      throw new RefusedError(429, 'too many streams of changes are open: close some pages, or ask for /v1/runs again');
    this.#streams.set(key, ofOne + 1);
    return () => {
      const left = (this.#streams.get(key) ?? 1) - 1;
      if (left > 0) this.#streams.set(key, left);
      else this.#streams.delete(key);
    };
  }

  /** Where the caller may list runs, of what the query asks for. */
  async #seen(caller: Caller, { namespaces }: Query): Promise<ReadonlySet<string>> {
    const { index, isSynced } = this.#sources;
    if (!isSynced())
      throw new RefusedError(503, 'the list of runs is being read for the first time: try again in some seconds');
    const scopes = index.scopes().filter(({ namespace }) => namespaces === undefined || namespaces.includes(namespace));
    const everywhere = await this.#mayEverywhere(caller);
    if (everywhere) return new Set(scopes.map(keyOf));
    if (scopes.length > MOST_SCOPES)
      throw new RefusedError(
        400,
        `there are runs in ${scopes.length} places that you would have to be asked about: name namespaces with ns`,
      );
    const seen = await eachOf(scopes, ASKED_AT_ONCE, async (scope) =>
      (await this.#maySee(caller, scope)) ? keyOf(scope) : '',
    );
    return new Set(seen.filter((key) => key !== ''));
  }

  async #mayEverywhere(caller: Caller): Promise<boolean> {
    const kinds = ['PipelineRun', 'TaskRun'] as const;
    return (await eachOf(kinds, 2, (kind) => this.#mayList(caller, { kind, namespace: '' }))).every(Boolean);
  }

  async #maySee(caller: Caller, scope: Scope): Promise<boolean> {
    return (await this.#mayList(caller, { ...scope, namespace: '' })) || this.#mayList(caller, scope);
  }

  #mayList(caller: Caller, { kind, namespace }: Scope): Promise<boolean> {
    const resource = kind === 'TaskRun' ? 'taskruns' : 'pipelineruns';
    return this.#sources.access.may(caller, { verb: 'list', group: 'tekton.dev', resource, namespace });
  }
}

function keyOf({ kind, namespace }: Scope): string {
  return `${kind}/${namespace}`;
}
