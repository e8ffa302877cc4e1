import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import { judge } from '../../doctor/judge.ts';
import { observe, type Read } from '../../doctor/observe.ts';
import type { Places } from '../../doctor/places.ts';
import type { SystemReport } from '../../doctor/report.ts';
import { messageOf } from '../../errors.ts';
import type { ServerAnswer, ServerRequest } from '../../http/server.ts';
import { ApiError } from '../../kube/api-error.ts';
import type { PassThrough } from '../../kube/pass-through.ts';
import { callerOf, type Caller } from '../proxy/caller.ts';
import { json, RefusedError } from '../refusal.ts';

/** What `/v1/system` is answered from. */
export interface SystemSources {
  passThrough: Pick<PassThrough, 'forward'>;
  places: Places;
  needsCredentials: boolean;
  clock: Pick<Clock, 'now'>;
}

/** Everybody who looks at the page asks again every so often: the API server hears one of these questions. */
const REMEMBERED_MS = 5_000;
const MOST_REMEMBERED = 200;
const READ_MS = 20_000;
/** Of one answer; lists of the suite's own namespaces are far below. */
const LONGEST_ANSWER = 16 * 1024 * 1024;

/** Answers `GET /v1/system` with what the caller's own rights show. */
export class SystemAnswers {
  readonly #sources: SystemSources;
  readonly #reports = new LRUCache<string, Promise<SystemReport>>({ max: MOST_REMEMBERED, ttl: REMEMBERED_MS });

  constructor(sources: SystemSources) {
    this.#sources = sources;
  }

  /** @throws RefusedError 401 for credentials that the API server does not take, 502 when it does not answer */
  async report({ rawHeaders }: Pick<ServerRequest, 'rawHeaders'>): Promise<ServerAnswer> {
    const caller = callerOf(rawHeaders, this.#sources.needsCredentials);
    return json(200, await (this.#reports.get(caller.key) ?? this.#ask(caller)));
  }

  #ask(caller: Caller): Promise<SystemReport> {
    const report = this.#read(caller).catch((error: unknown) => {
      this.#reports.delete(caller.key);
      throw refusalFor(error);
    });
    this.#reports.set(caller.key, report);
    return report;
  }

  async #read(caller: Caller): Promise<SystemReport> {
    const { places, clock } = this.#sources;
    const observed = await observe(places, this.#reader(caller), AbortSignal.timeout(READ_MS));
    return judge(observed, clock.now());
  }

  #reader({ headers, own }: Caller): Read {
    return async (path, signal) => {
      const answer = await this.#sources.passThrough.forward({
        method: 'GET',
        target: path,
        headers: ['accept', 'application/json, text/plain', ...headers],
        own,
        signal,
      });
      const text = await textOf(answer.body);
      if (answer.statusCode === 200) return text;
      throw ApiError.of(answer.statusCode, text, undefined);
    };
  }
}

function refusalFor(error: unknown): RefusedError {
  if (error instanceof ApiError && error.status === 401)
    return new RefusedError(401, 'the API server does not take these credentials: log in again, or send another token');
  return new RefusedError(502, `the API server did not say how the installation is: ${messageOf(error)}; try again`, {
    cause: error,
  });
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > LONGEST_ANSWER) throw new Error(`it answered more than ${LONGEST_ANSWER} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
