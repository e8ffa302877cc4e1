import { LRUCache } from 'lru-cache';
import { elapsedScale, systemClock, type Clock } from '../clock.ts';
import type { ImageFact, ImageLookup, ImageQuestion } from '../core/pod/image.ts';
import { messageOf } from '../errors.ts';
import { ApiError } from '../kube/client.ts';
import { parseImageReference } from '../registry/reference.ts';
import { RegistryError } from '../registry/registry-error.ts';
import type { ImageReading } from './image-reading.ts';
import { Lane } from './lane.ts';
import { PullSecretError } from './pull-credentials.ts';

export interface ImageLookupOptions {
  read: ImageReading;
  /** Told the key of a run whose answer came after it stopped waiting. */
  onAnswer: (runKey: string) => void;
  lane?: Lane;
  clock?: Clock;
  /** How long a question waits for its answer: quick registries cost the run no second reconcile. Default 200 ms. */
  graceMs?: number;
  /** Questions that wait at a time; others are told `pending` at once. Default 16, and half as many of a namespace. */
  mostWaiting?: number;
}

interface Answer {
  fact: ImageFact;
  /** On the clock's scale; then the registry is asked again, and until it answers this one stands. */
  staleAt: number;
}

/** One look-up, for all who asked for the same before it began. */
interface Job {
  /** By the key of their answers. */
  askers: Map<string, Asker>;
  done: Promise<void>;
}

interface Asker {
  runKey: string;
  /** It still waits, and needs not be told. */
  waits: boolean;
}

const defaultGraceMs = 200;
const defaultWaiting = 16;
/** Shorter than the pause after which a run asks again. */
const failureMs = 4_000;
/** Answers are kept until the run has asked for them: as long as the slowest image of a run may take. */
const keptMs = 300_000;
const keptBytes = 4 * 1024 * 1024;

/**
 * Look-ups of images in a lane of their own: what asks is never held for longer than a moment, and is told when there
 * is an answer. An answer is for the runs that asked before the registry was, as a tag may move in between.
 */
export class ImageLookups {
  readonly #options: ImageLookupOptions;
  readonly #clock: Clock;
  readonly #lane: Lane;
  readonly #waiting: Places;
  readonly #end = new AbortController();
  readonly #answers: LRUCache<string, Answer>;
  /** Not begun yet: more may join. */
  readonly #joinable = new Map<string, Job>();
  /** The job that each asker waits for. */
  readonly #jobs = new Map<string, Job>();

  constructor(options: ImageLookupOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#lane = options.lane ?? new Lane({ clock: this.#clock });
    this.#waiting = new Places(options.mostWaiting ?? defaultWaiting);
    this.#answers = new LRUCache({
      maxSize: keptBytes,
      sizeCalculation: ({ fact }, key) => key.length + JSON.stringify(fact).length,
      ttl: keptMs,
    });
  }

  readonly lookUp: ImageLookup = async (question, signal) => {
    const key = JSON.stringify([question.run.key, question.run.uid, question.image]);
    const known = this.#answers.get(key);
    if (known && elapsedScale(this.#clock) < known.staleAt) return known.fact;
    const job = this.#jobs.has(key) ? undefined : this.#join(question, key);
    if (typeof job === 'string') return { kind: 'failed', message: job, retry: false };
    // Only the first question of a run waits: the others would hold their workers in vain.
    if (job && known === undefined) await this.#waitFor(job, { key, ...question.credentials }, signal);
    return this.#answers.get(key)?.fact ?? { kind: 'pending' };
  };

  /** Breaks off what goes on. */
  close(): void {
    this.#end.abort(new Error('the process is ending'));
  }

  async #waitFor(job: Job, { key, namespace }: { key: string; namespace: string }, signal: AbortSignal): Promise<void> {
    const asker = job.askers.get(key);
    if (asker === undefined || !this.#waiting.enter(namespace)) return;
    const over = new AbortController();
    asker.waits = true;
    try {
      const patience = this.#clock.sleep(
        this.#options.graceMs ?? defaultGraceMs,
        AbortSignal.any([signal, over.signal]),
      );
      await Promise.race([job.done, patience]);
    } finally {
      asker.waits = false;
      over.abort();
      this.#waiting.leave(namespace);
    }
  }

  /** @returns what is wrong with the image's name; undefined when the namespace has too much waiting already. */
  #join({ image, credentials, run }: ImageQuestion, key: string): Job | string | undefined {
    const what = JSON.stringify([image, credentials]);
    const job = this.#joinable.get(what) ?? this.#begin({ image, credentials, run }, what);
    if (typeof job === 'object') {
      job.askers.set(key, { runKey: run.key, waits: false });
      this.#jobs.set(key, job);
    }
    return job;
  }

  #begin({ image, credentials }: ImageQuestion, what: string): Job | string | undefined {
    const { namespace } = credentials;
    if (this.#lane.isFull(namespace)) return undefined;
    let host: string;
    try {
      ({ host } = parseImageReference(image));
    } catch (error) {
      return messageOf(error);
    }
    const askers: Job['askers'] = new Map();
    const work = async () => {
      this.#joinable.delete(what);
      const fact = await this.#read({ image, credentials });
      for (const [key, asker] of askers) this.#answer(key, asker, fact);
    };
    const job: Job = { askers, done: Promise.resolve() };
    this.#joinable.set(what, job);
    // The turn may come at once, but not before whoever began it is among the askers.
    job.done = Promise.resolve().then(() => this.#lane.run({ namespace, host }, work));
    return job;
  }

  async #read({ image, credentials }: Pick<ImageQuestion, 'image' | 'credentials'>): Promise<ImageFact> {
    try {
      return { kind: 'found', config: await this.#options.read(image, credentials, this.#end.signal) };
    } catch (error) {
      return { kind: 'failed', message: messageOf(error), retry: mayPass(error) };
    }
  }

  #answer(key: string, { runKey, waits }: Asker, fact: ImageFact): void {
    this.#jobs.delete(key);
    if (this.#end.signal.aborted) return; // the next replica asks for itself
    const isPassing = fact.kind === 'failed' && fact.retry;
    this.#answers.set(key, { fact, staleAt: elapsedScale(this.#clock) + (isPassing ? failureMs : keptMs) });
    if (!waits) this.#options.onAnswer(runKey);
  }
}

/** Asking again may help, unless registry or API server mean it, or the user must mend something. */
function mayPass(error: unknown): boolean {
  if (error instanceof RegistryError) return !error.isFinal;
  return !(error instanceof PullSecretError || (error instanceof ApiError && error.isForbidden));
}

/** A number of places, half of them for each namespace at most. */
class Places {
  readonly #most: number;
  readonly #taken = new Map<string, number>();
  #all = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes a place, if there is one. */
  enter(namespace: string): boolean {
    const own = this.#taken.get(namespace) ?? 0;
    if (this.#all >= this.#most || own >= Math.ceil(this.#most / 2)) return false;
    this.#taken.set(namespace, own + 1);
    this.#all += 1;
    return true;
  }

  leave(namespace: string): void {
    const own = (this.#taken.get(namespace) ?? 0) - 1;
    if (own > 0) this.#taken.set(namespace, own);
    else this.#taken.delete(namespace);
    this.#all -= 1;
  }
}
