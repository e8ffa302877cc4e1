import type { ByteBudget } from '../http/byte-budget.ts';
import type { HttpAnswer, HttpClient, HttpRequest } from '../http/client.ts';
import type { Peer } from '../http/destination.ts';
import { HttpError } from '../http/http-error.ts';
import { isPassing } from '../http/retry.ts';
import { ResolutionError, largestDefinition, type ConfigData } from './resolver.ts';

/** What is asked of a server that a reference named. */
export interface RemoteRequest {
  url: URL;
  /** Of the resolver, for where requests may go. */
  config: ConfigData;
  configName: string;
  operation: string;
  authorization?: string | undefined;
  headers?: Readonly<Record<string, string>>;
  method?: 'GET' | 'POST';
  body?: Buffer;
  /** Bytes of the answer; default what a definition may have. */
  limit?: number;
  budget?: ByteBudget;
}

/**
 * Requests to servers that users name. They go to public addresses only: loopback, link-local, private and cluster
 * addresses are refused, after redirects and whatever a name server says later, unless the operator allows them with
 * `block-private-ips: "false"` or for some hosts with `allowed-private-hosts` in the resolver's ConfigMap. Metadata
 * servers of clouds are never asked.
 */
export class RemoteFetch {
  readonly #client: HttpClient;

  constructor(client: HttpClient) {
    this.#client = client;
  }

  /** The body of a 200. @throws ResolutionError naming the server, its answer and what to do. */
  async get(request: RemoteRequest, signal: AbortSignal): Promise<Buffer> {
    const answer = await this.send(request, signal);
    if (answer.status === 200) return answer.body;
    throw refused(request.url, answer);
  }

  /** The answer, whatever its status. @throws ResolutionError when there is none. */
  async send(request: RemoteRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { url, config, configName, limit = largestDefinition, ...rest } = request;
    const asked: HttpRequest = {
      method: 'GET',
      ...rest,
      limit,
      url,
      namedBy: isAllowed(url, config) ? undefined : stranger(configName),
      // The time limit of the resolution decides; pauses between tries are the caller's.
      attempts: 1,
    };
    try {
      return await this.#client.send(asked, signal);
    } catch (cause) {
      signal.throwIfAborted();
      if (!(cause instanceof HttpError)) throw cause;
      throw new ResolutionError(failureText(url, limit, cause), { retryable: cause.retryable, cause });
    }
  }
}

/** Who named an address: nobody whose word counts for an internal one. */
function stranger(configName: string): Peer {
  return {
    hostname: 'the reference',
    address: undefined,
    wayOut: `allowed-private-hosts, or block-private-ips "false", in ConfigMap ${configName}`,
  };
}

const falseWords = ['false', '0', 'no', 'off'];

function isAllowed({ hostname }: URL, config: ConfigData): boolean {
  if (falseWords.includes((config['block-private-ips'] ?? '').trim().toLowerCase())) return true;
  return (config['allowed-private-hosts'] ?? '')
    .split(',')
    .map((host) => host.trim().toLowerCase())
    .some((host) => host !== '' && (host.startsWith('*.') ? hostname.endsWith(host.slice(1)) : hostname === host));
}

/** A status that is no success, as an error. */
export function refused(url: URL, { status }: Pick<HttpAnswer, 'status'>): ResolutionError {
  const shown = shownUrl(url);
  const retryable = isPassing(status);
  switch (status) {
    case 401:
    case 403:
      return new ResolutionError(
        `${url.host} answered ${status} for ${shown}: it wants other credentials; check the secret that the reference names, or name one`,
      );
    case 404:
      return new ResolutionError(
        `requested URL '${shown}' is not found: ${url.host} answered 404; correct the address, or add credentials if the server hides it from strangers`,
      );
    case 413:
      return new ResolutionError(`${url.host} answered 413 for ${shown}`);
    default:
      return new ResolutionError(
        `${url.host} answered ${status} for ${shown}${retryable ? '; it was asked until the time limit' : ''}`,
        { retryable },
      );
  }
}

function failureText(url: URL, limit: number, { status, message }: HttpError): string {
  if (status === 413)
    return `response body exceeds maximum allowed size of ${limit} bytes: ${message} for ${shownUrl(url)}`;
  return `error fetching URL: ${shownUrl(url)}: ${message}`;
}

const longestUrl = 300;

/** An address for messages: without query, which may hold a token, and not longer than people read. */
export function shownUrl(url: URL): string {
  const text = `${url.origin}${url.pathname}`;
  return text.length > longestUrl ? `${text.slice(0, longestUrl)}...` : text;
}
