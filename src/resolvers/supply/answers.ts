import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { RefSource } from '../../api/meta.ts';
import { resolutionRequests, type ResolutionRequest } from '../../api/resolution/resolution-request.ts';
import type { DefinitionKind } from '../../core/reference/reference.ts';
import type { Resolved, Verdict } from '../../core/reference/resolved.ts';
import type { Settings } from '../../core/settings.ts';
import type { KubeClient } from '../../kube/client.ts';
import { largestDefinition } from '../resolver.ts';
import { readDefinition, UnusableDefinition, type ReadDefinition } from './read-definition.ts';

export type Failure = Extract<Resolved, { kind: 'failed' }>;

/** What is known of the answer to a request. */
export interface Answer {
  /** That it was read and judged with. */
  settings: Settings;
  version: string | undefined;
  /** By which what was read of it is found. */
  content: string;
  refSource: RefSource | undefined;
  verdict?: { verdict: Verdict | Failure | undefined; at: number };
}

export interface ReadAnswer {
  answer: Answer;
  read: ReadDefinition | Failure;
}

/** Of requests and their answers, in bytes, about. */
const answersBytes = 32 * 1024 * 1024;
/** Of definitions as they were fetched. */
const readBytes = 64 * 1024 * 1024;
const overhead = 1024;

/**
 * Reads the answers of requests. A run asks for the same one whenever it is planned, and many runs ask for the same
 * thing with a request of their own: a definition is parsed, validated and converted once for all of them.
 */
export class AnswerReader {
  readonly #client: Pick<KubeClient, 'get'>;
  readonly #settings: () => Settings;
  readonly #answers = new LRUCache<string, Answer>({
    maxSize: answersBytes,
    sizeCalculation: ({ refSource }) => JSON.stringify(refSource ?? {}).length + overhead,
  });
  readonly #read = new LRUCache<string, { settings: Settings; read: ReadAnswer['read'] }>({
    maxSize: readBytes,
    sizeCalculation: ({ read }) => (read.kind === 'read' ? read.bytes : read.message.length) + overhead,
  });

  constructor({ client, settings }: { client: Pick<KubeClient, 'get'>; settings: () => Settings }) {
    this.#client = client;
    this.#settings = settings;
  }

  /** @throws ApiError when the request is to be read from the API server, and cannot be */
  async read(request: ResolutionRequest, ofKind: DefinitionKind, signal: AbortSignal): Promise<ReadAnswer> {
    const { uid, resourceVersion: version } = request.metadata;
    const settings = this.#settings();
    const answer = this.#answers.get(`${uid} ${ofKind}`);
    if (answer?.settings === settings && answer.version === version) {
      const known = this.#known(answer.content, settings);
      if (known !== undefined) return { answer, read: known };
    }
    return this.#readAnew(request, ofKind, settings, signal);
  }

  async #readAnew(
    request: ResolutionRequest,
    ofKind: DefinitionKind,
    settings: Settings,
    signal: AbortSignal,
  ): Promise<ReadAnswer> {
    const { uid, namespace, name = '', resourceVersion: version } = request.metadata;
    // The controller's cache does not keep the data of requests for long: then it is read once more.
    const whole = request.status?.data
      ? request
      : await this.#client.get(resolutionRequests, namespace, name, { signal });
    const { data = '', refSource, source } = whole.status ?? {};
    const content = `${ofKind} ${createHash('sha256').update(data).digest('base64')}`;
    const read = this.#known(content, settings) ?? readData(data, ofKind, settings);
    const answer = { settings, version, content, refSource: refSource ?? source ?? undefined };
    this.#answers.set(`${uid} ${ofKind}`, answer);
    this.#read.set(content, { settings, read });
    return { answer, read };
  }

  #known(content: string, settings: Settings): ReadAnswer['read'] | undefined {
    const known = this.#read.get(content);
    return known?.settings === settings ? known.read : undefined;
  }
}

function readData(data: string, ofKind: DefinitionKind, settings: Settings): ReadAnswer['read'] {
  const failed = (message: string): Failure => ({ kind: 'failed', reason: 'Failed', message });
  if (data.length > 2 * largestDefinition)
    return failed(`error accessing data from remote resource: it has more than ${largestDefinition} bytes`);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(data))
    return failed('error accessing data from remote resource: error decoding data from base64');
  try {
    return readDefinition(Buffer.from(data, 'base64'), ofKind, settings);
  } catch (error) {
    if (error instanceof UnusableDefinition) return failed(error.message);
    throw error;
  }
}
