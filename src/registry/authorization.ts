import { LRUCache } from 'lru-cache';
import type { Peer } from '../http/destination.ts';
import { shownHost } from '../http/http-error.ts';
import { parseChallenge } from './challenge.ts';
import type { RegistryCredentials } from './keychain.ts';
import { RegistryError, refusalOf } from './registry-error.ts';
import type { Token, TokenStore } from './tokens.ts';
import type { RegistryAnswer, RegistryTransport } from './transport.ts';

interface BearerDemand {
  scheme: 'bearer';
  realm: URL;
  service: string | undefined;
  /** Where the registry was that named the realm. */
  namedBy: Peer;
}

/** What the registry asked for. */
type Demand = { scheme: 'basic' } | BearerDemand;

/** One registry, as it is reached with one set of credentials. */
export interface AuthorizationOptions {
  transport: RegistryTransport;
  tokens: TokenStore;
  /** Distinguishes the registry and the credentials among all in `tokens`. */
  key: string;
  credentials: RegistryCredentials | undefined;
  insecure: boolean;
}

/** As the token specification says for answers without expires_in. */
const defaultLifeSeconds = 60;
/** A token is left alone this long before it ends: a write may take a while. */
const marginMs = 10_000;
/** A token goes into a header, and servers take headers of 8 to 16 KiB. */
const longestToken = 16 * 1024;
const tokenAnswerLimit = 64 * 1024;
/** Characters of what else a registry may ask for, and how many such wishes are remembered. */
const longestScope = 1024;
const mostWider = 32;
const clientId = 'tektite';

/**
 * The answers to one registry's challenges with one set of credentials: basic, or a token for each scope, kept while
 * it is valid. Requests after the first carry theirs at once.
 */
export class Authorization {
  readonly #options: AuthorizationOptions;
  readonly #transport: RegistryTransport;
  readonly #credentials: RegistryCredentials | undefined;
  readonly #insecure: boolean;
  #demand: Demand | undefined;
  /** Scopes that the registry asked for beyond those we ask of ourselves, by ours. */
  readonly #wider = new LRUCache<string, string>({ max: mostWider });

  constructor(options: AuthorizationOptions) {
    this.#options = options;
    this.#transport = options.transport;
    this.#credentials = options.credentials;
    this.#insecure = options.insecure;
  }

  /** The Authorization header for a scope (`repository:a/b:pull`), as far as it is known that one is wanted. */
  async header(scope: string, signal: AbortSignal): Promise<string | undefined> {
    if (this.#credentials?.registryToken !== undefined) return `Bearer ${this.#credentials.registryToken}`;
    if (this.#demand === undefined) return undefined;
    if (this.#demand.scheme === 'basic') return this.#basic();
    return `Bearer ${(await this.#token(this.#demand, scope, signal)).value}`;
  }

  /** Learns from a 401: true when the request is worth repeating. `sent` is what it carried. */
  challenged(answer: RegistryAnswer, scope: string, sent: string | undefined): boolean {
    const { scheme, parameters } = parseChallenge(answer.headers['www-authenticate'] ?? '');
    if (this.#credentials?.registryToken !== undefined) return false;
    if (scheme === 'basic') {
      this.#demand = { scheme };
      return this.#basic() !== undefined && this.#basic() !== sent;
    }
    if (scheme !== 'bearer' || !parameters['realm']) return false;
    const realm = this.#realm(parameters['realm'], answer.url);
    this.#demand = { scheme, realm, service: parameters['service'], namedBy: answer.peer };
    if (sent !== undefined) this.#options.tokens.delete(this.#tokenKey(scope)); // it ran out, or was revoked
    this.#widen(scope, parameters['scope']);
    return true;
  }

  #widen(scope: string, asked: string | undefined): void {
    if (asked && asked.length <= longestScope && !covers(scope, asked)) this.#wider.set(scope, asked);
  }

  /** A realm in plain HTTP only where the registry itself speaks it, and on its own host. */
  #realm(realm: string, registry: URL): URL {
    const url = URL.canParse(realm) ? new URL(realm) : undefined;
    if (!url || !/^https?:$/.test(url.protocol))
      throw new RegistryError(400, `${shownHost(registry)} names a token server that is no URL`);
    const isPlain = registry.protocol === 'http:' || this.#insecure;
    if (url.protocol === 'http:' && !(isPlain && url.hostname === registry.hostname))
      throw new RegistryError(
        400,
        `${shownHost(registry)} wants credentials sent in the clear, to http://${shownHost(url)}`,
      );
    url.username = url.password = '';
    return url;
  }

  #basic(): string | undefined {
    if (!this.#credentials) return undefined;
    const { username, password } = this.#credentials;
    return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }

  async #token(demand: BearerDemand, scope: string, signal: AbortSignal): Promise<Token> {
    const now = () => this.#transport.clock.now().getTime();
    const fetch = () => this.#fetchToken(demand, scope, signal);
    return this.#options.tokens.get(this.#tokenKey(scope), now, fetch, signal).catch((error: unknown) => {
      // The registry may be elsewhere by now, and name another: the next request goes without, and asks it.
      this.#demand = undefined;
      throw error;
    });
  }

  #tokenKey(scope: string): string {
    return `${this.#options.key} ${scope}`;
  }

  async #fetchToken(demand: BearerDemand, scope: string, signal: AbortSignal): Promise<Token> {
    const scopes = [scope, this.#wider.get(scope)].filter((one) => one !== undefined);
    const identity = this.#credentials?.identityToken;
    let answer =
      identity === undefined
        ? await this.#getToken(demand, scopes, signal)
        : await this.#postToken(demand, scopes, { grant_type: 'refresh_token', refresh_token: identity }, signal);
    // Some token servers speak OAuth2 only.
    if (identity === undefined && this.#credentials && (answer.status === 404 || answer.status === 405)) {
      const { username, password } = this.#credentials;
      answer = await this.#postToken(demand, scopes, { grant_type: 'password', username, password }, signal);
    }
    if (answer.status !== 200) throw refusalOf(answer);
    return this.#readToken(answer);
  }

  #getToken(demand: BearerDemand, scopes: string[], signal: AbortSignal): Promise<RegistryAnswer> {
    const url = new URL(demand.realm);
    if (demand.service) url.searchParams.set('service', demand.service);
    for (const scope of scopes) url.searchParams.append('scope', scope);
    return this.#transport.send(
      {
        method: 'GET',
        url,
        operation: 'token',
        authorization: this.#basic(),
        namedBy: demand.namedBy,
        insecure: this.#insecure,
        limit: tokenAnswerLimit,
      },
      signal,
    );
  }

  #postToken(
    demand: BearerDemand,
    scopes: string[],
    grant: Record<string, string>,
    signal: AbortSignal,
  ): Promise<RegistryAnswer> {
    const form = new URLSearchParams({
      ...grant,
      ...(demand.service ? { service: demand.service } : {}),
      client_id: clientId,
      scope: scopes.join(' '),
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return this.#transport.send(
      {
        method: 'POST',
        url: demand.realm,
        operation: 'token',
        headers,
        body: form.toString(),
        secret: true,
        namedBy: demand.namedBy,
        insecure: this.#insecure,
        limit: tokenAnswerLimit,
      },
      signal,
    );
  }

  #readToken(answer: RegistryAnswer): Token {
    const body = parsed(answer);
    const value = body.token ?? body.access_token;
    if (typeof value !== 'string' || value === '')
      throw new RegistryError(400, `the token server ${shownHost(answer.url)} answered without a token`);
    if (value.length > longestToken || !/^[\x21-\x7e]+$/.test(value))
      throw new RegistryError(
        400,
        `the token server ${shownHost(answer.url)} answered with a token that no header can hold`,
      );
    const life = typeof body.expires_in === 'number' && body.expires_in > 0 ? body.expires_in : defaultLifeSeconds;
    return { value, renewAt: this.#transport.clock.now().getTime() + Math.max(life * 1000 - marginMs, life * 500) };
  }
}

function parsed(answer: RegistryAnswer): { token?: unknown; access_token?: unknown; expires_in?: unknown } {
  try {
    return (JSON.parse(answer.body.toString('utf8')) ?? {}) as object;
  } catch {
    // No cause: its message quotes the body.
    throw new RegistryError(400, `the token server ${shownHost(answer.url)} did not answer in JSON`);
  }
}

/** Whether a token for `ours` is enough for all of `asked` (both `type:name:action,action`, asked possibly several). */
function covers(ours: string, asked: string): boolean {
  const [resource, actions] = splitScope(ours);
  return asked
    .split(' ')
    .filter(Boolean)
    .every((one) => {
      const [wanted, need] = splitScope(one);
      return wanted === resource && need.split(',').every((action) => actions.split(',').includes(action));
    });
}

function splitScope(scope: string): [resource: string, actions: string] {
  const colon = scope.lastIndexOf(':');
  return [scope.slice(0, colon), scope.slice(colon + 1)];
}
