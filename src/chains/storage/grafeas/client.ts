import type { Clock } from '../../../clock.ts';
import { googleAccessToken } from '../../signing/identity/google.ts';
import {
  joinUrl,
  jsonOf,
  request as call,
  ServiceError,
  type Environment,
  type Request,
} from '../../signing/service.ts';

export interface GrafeasOptions {
  /** CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINERANALYSIS, as gcloud reads it, takes the place of Google's address. */
  env?: Environment;
  clock?: Clock;
  /** An access token; default: the application default credentials. */
  accessToken?: (signal: AbortSignal) => Promise<string>;
}

/** grafeas.v1.Occurrence, as far as it is looked at. */
export interface Occurrence {
  resourceUri?: string;
  envelope?: { payload?: string; signatures?: { sig?: string; keyid?: string }[] };
}

/** Container Analysis over its REST API (cloud.google.com/container-analysis/docs/reference/rest). */
export interface GrafeasClient {
  /** False when it was there before. */
  createNote(project: string, id: string, note: object, signal: AbortSignal): Promise<boolean>;
  createOccurrence(project: string, occurrence: object, signal: AbortSignal): Promise<void>;
  /** The occurrences of a note about one resource. */
  occurrencesOf(noteName: string, resourceUri: string, signal: AbortSignal): Promise<Occurrence[]>;
}

const wayOut =
  'check storage.grafeas.projectid, that the Container Analysis API is enabled there, and that the credentials have roles/containeranalysis.admin, or notes.editor with occurrences.editor and notes.attacher';

export function grafeasClient(options: GrafeasOptions, clock: Clock): GrafeasClient {
  const env = options.env ?? process.env;
  const base = joinUrl(
    env.CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINERANALYSIS || 'https://containeranalysis.googleapis.com/',
    'v1',
  );
  const accessToken = options.accessToken ?? googleAccessToken();

  async function ask(path: string, signal: AbortSignal, body?: object): Promise<unknown> {
    const wanted: Request = {
      service: 'Container Analysis',
      url: joinUrl(base, path),
      wayOut,
      headers: { authorization: `Bearer ${await accessToken(signal)}` },
      ...(body ? { body } : {}),
    };
    return jsonOf(wanted, await call(wanted, signal, clock));
  }

  return {
    async createNote(project, id, note, signal) {
      try {
        await ask(`projects/${project}/notes?${new URLSearchParams({ noteId: id }).toString()}`, signal, note);
        return true;
      } catch (error) {
        if (error instanceof ServiceError && error.status === 409) return false;
        throw error;
      }
    },
    async createOccurrence(project, occurrence, signal) {
      await ask(`projects/${project}/occurrences`, signal, occurrence);
    },
    async occurrencesOf(noteName, resourceUri, signal) {
      const found: Occurrence[] = [];
      let pageToken = '';
      do {
        const query = new URLSearchParams({
          filter: `resourceUrl=${JSON.stringify(resourceUri)}`,
          pageSize: '1000',
          ...(pageToken ? { pageToken } : {}),
        });
        const page = (await ask(`${noteName}/occurrences?${query.toString()}`, signal)) as {
          occurrences?: Occurrence[];
          nextPageToken?: string;
        };
        found.push(...(page.occurrences ?? []));
        pageToken = page.nextPageToken ?? '';
      } while (pageToken !== '');
      return found;
    },
  };
}
