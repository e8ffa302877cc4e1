import { LRUCache } from 'lru-cache';
import { gateOf } from '../../concurrency.ts';
import { messageOf } from '../../errors.ts';
import type { PassThrough } from '../../kube/pass-through.ts';
import type { Caller } from '../proxy/caller.ts';
import { RefusedError } from '../refusal.ts';

/** What one wants to do, as SelfSubjectAccessReview has it. */
export interface Wish {
  verb: 'get' | 'list';
  resource: 'pipelineruns' | 'taskruns' | 'pods';
  group: 'tekton.dev' | '';
  subresource?: string;
  /** "": in all of them. */
  namespace: string;
  name?: string;
}

const REMEMBERED_MS = 10_000;
const MOST_REMEMBERED = 20_000;
const ASKED_AT_ONCE = 16;
const LONGEST_ANSWER = 64 * 1024;
const ASKED_MS = 10_000;

/** Asks the API server what a caller may do, with the caller's own credentials; remembers the answers for seconds. */
export class Access {
  readonly #passThrough: Pick<PassThrough, 'forward'>;
  readonly #answers = new LRUCache<string, Promise<boolean>>({ max: MOST_REMEMBERED, ttl: REMEMBERED_MS });
  readonly #line = gateOf(ASKED_AT_ONCE);

  constructor(passThrough: Pick<PassThrough, 'forward'>) {
    this.#passThrough = passThrough;
  }

  /** @throws RefusedError 401 for credentials that the API server does not take, 502 when it does not answer. */
  async may(caller: Caller, wish: Wish): Promise<boolean> {
    const key = JSON.stringify([caller.key, wish]);
    const remembered = this.#answers.get(key);
    if (remembered !== undefined) return remembered;
    const asked = this.#line(() => this.#ask(caller, wish));
    this.#answers.set(key, asked);
    try {
      return await asked;
    } catch (error) {
      this.#answers.delete(key);
      throw error;
    }
  }

  async #ask(caller: Caller, wish: Wish): Promise<boolean> {
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: wish },
    };
    const answer = await this.#passThrough
      .forward({
        method: 'POST',
        target: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        headers: ['accept', 'application/json', 'content-type', 'application/json', ...caller.headers],
        body: Buffer.from(JSON.stringify(review)),
        own: caller.own,
        signal: AbortSignal.timeout(ASKED_MS),
      })
      .catch((error: unknown) => {
        throw new RefusedError(502, `the API server did not say what you may do: ${messageOf(error)}; try again`, {
          cause: error,
        });
      });
    const text = await textOf(answer.body);
    if (answer.statusCode === 401)
      throw new RefusedError(
        401,
        'the API server does not take these credentials: log in again, or send another token',
      );
    // Whoever may not even ask may do nothing else.
    if (answer.statusCode === 403) return false;
    if (answer.statusCode !== 201)
      throw new RefusedError(
        502,
        `the API server answered ${answer.statusCode} when it was asked what you may do; try again`,
      );
    const { status } = JSON.parse(text) as { status?: { allowed?: boolean; denied?: boolean } };
    return status?.allowed === true && status.denied !== true;
  }
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > LONGEST_ANSWER) throw new RefusedError(502, 'the API server answered a review of rights at length');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
