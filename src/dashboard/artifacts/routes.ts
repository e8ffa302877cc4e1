import type { ServerAnswer, ServerRequest } from '../../http/server.ts';
import type { ArtifactPage } from '../contract.ts';
import { callerOf } from '../proxy/caller.ts';
import { json, RefusedError } from '../refusal.ts';
import { streamOf } from '../runs/changes.ts';
import type { Sight } from '../runs/sight.ts';
import type { Streams } from '../runs/streams.ts';
import { imagesOf, type Made } from '../view/artifacts.ts';
import type { ArtifactChange, ArtifactIndex } from './index.ts';
import { readArtifactQuery } from './query.ts';

/** What `/v1/artifacts` is answered from. */
export interface ArtifactSources {
  index: Pick<ArtifactIndex, 'isSynced' | 'scopes' | 'made' | 'onChange'>;
  sight: Sight;
  streams: Streams;
  needsCredentials: boolean;
}

type Asked = Pick<ServerRequest, 'query' | 'rawHeaders'>;

/** Answers of `GET /v1/artifacts` and `GET /v1/artifacts/changes`. */
export class ArtifactAnswers {
  readonly #sources: ArtifactSources;

  constructor(sources: ArtifactSources) {
    this.#sources = sources;
  }

  /** @throws RefusedError for a query that cannot be read, wrong credentials, and before the index is there. */
  async page({ query: parameters, rawHeaders }: Asked): Promise<ServerAnswer> {
    const { index, sight, needsCredentials } = this.#sources;
    const question = readArtifactQuery(parameters);
    const caller = callerOf(rawHeaders, needsCredentials);
    const { namespaces } = question;
    const isAsked = (namespace: string) => namespaces === undefined || namespaces.includes(namespace);
    const missing = await sight.missing(caller, namespaces);
    // The first question has the lists read; one with wrong credentials is none.
    if (!index.isSynced())
      throw new RefusedError(503, 'the images are being read for the first time: try again in some seconds');
    const scopes = index.scopes().filter(({ namespace }) => isAsked(namespace));
    const maySee = await sight.seen(caller, scopes);
    const page: ArtifactPage = { ...imagesOf(seenOf(index.made(), maySee), question), missing };
    return json(200, page);
  }

  /**
   * Says that something has changed, and not what: the page is to be asked for again.
   * @throws as `page`, and 429 for more streams than one caller may have
   */
  async changes({ query, rawHeaders, signal }: Asked & Pick<ServerRequest, 'signal'>): Promise<ServerAnswer> {
    const { index, sight, streams, needsCredentials } = this.#sources;
    const { namespaces } = readArtifactQuery(query);
    const caller = callerOf(rawHeaders, needsCredentials);
    // Credentials that are wrong are refused now, not in a stream.
    await sight.missing(caller, undefined);
    const isAsked = ({ namespace }: ArtifactChange) => namespaces === undefined || namespaces.includes(namespace);
    return streams.answer(caller, signal, () =>
      streamOf<ArtifactChange>({
        subscribe: (listener) => index.onChange(listener),
        say: async (change) => (isAsked(change) && (await sight.maySee(caller, change)) ? {} : undefined),
        signal,
      }),
    );
  }
}

function* seenOf(made: Iterable<Made>, maySee: (run: Made['run']) => boolean): Iterable<Made> {
  for (const each of made) if (maySee(each.run)) yield each;
}
