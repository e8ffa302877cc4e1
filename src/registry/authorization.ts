import { parseChallenge } from './challenge.ts';
import type { RegistryCredentials } from './keychain.ts';
import { RegistryError, refusalOf } from './registry-error.ts';
import { remember } from './remember.ts';
import type { RegistryAnswer, RegistryTransport } from './transport.ts';

interface Token {
  value: string;
  /** Milliseconds since 1970; then another is fetched. */
  renewAt: number;
}

/** What the registry asked for. */
type Demand = { scheme: 'basic' } | { scheme: 'bearer'; realm: URL; service: string | undefined };

/** As the token specification says for answers without expires_in. */
const defaultLifeSeconds = 60;
/** A token is left alone this long before it ends: a write may take a while. */
const marginMs = 10_000;
const clientId = 'tektite';

/**
 * The answers to one registry's challenges with one set of credentials: basic, or a token for each scope, kept while
 * it is valid. Requests after the first carry theirs at once.
 */
export class Authorization {
  readonly #transport: RegistryTransport;
  readonly #credentials: RegistryCredentials | undefined;
  readonly #insecure: boolean;
  #demand: Demand | undefined;
  readonly #tokens = new Map<string, Promise<Token>>();
  /** Scopes that the registry asked for beyond those we ask of ourselves, by ours. */
  readonly #wider = new Map<string, string>();

  constructor(transport: RegistryTransport, credentials: RegistryCredentials | undefined, insecure: boolean) {
    this.#transport = transport;
    this.#credentials = credentials;
    this.#insecure = insecure;
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
    this.#demand = { scheme, realm: this.#realm(parameters['realm'], answer), service: parameters['service'] };
    if (sent !== undefined) this.#tokens.delete(scope); // it ran out, or was revoked
    const asked = parameters['scope'];
    if (asked && !covers(scope, asked)) this.#wider.set(scope, asked);
    return true;
  }

  #realm(realm: string, answer: RegistryAnswer): URL {
    const url = URL.canParse(realm) ? new URL(realm) : undefined;
    if (!url || !/^https?:$/.test(url.protocol))
      throw new RegistryError(400, `${answer.url.host} names a token server that is no URL: ${JSON.stringify(realm)}`);
    if (url.protocol === 'http:' && answer.url.protocol === 'https:' && !this.#insecure) {
      throw new RegistryError(400, `${answer.url.host} wants credentials sent in the clear, to ${realm}`);
    }
    return url;
  }

  #basic(): string | undefined {
    if (!this.#credentials) return undefined;
    const { username, password } = this.#credentials;
    return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }

  #token(demand: Demand & { scheme: 'bearer' }, scope: string, signal: AbortSignal): Promise<Token> {
    const isGood = (token: Token) => this.#transport.clock.now().getTime() < token.renewAt;
    return remember(this.#tokens, scope, isGood, () => this.#fetchToken(demand, scope, signal));
  }

  async #fetchToken(demand: Demand & { scheme: 'bearer' }, scope: string, signal: AbortSignal): Promise<Token> {
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

  #getToken(demand: Demand & { scheme: 'bearer' }, scopes: string[], signal: AbortSignal): Promise<RegistryAnswer> {
    const url = new URL(demand.realm);
    if (demand.service) url.searchParams.set('service', demand.service);
    for (const scope of scopes) url.searchParams.append('scope', scope);
    return this.#transport.send(
      { method: 'GET', url, operation: 'token', authorization: this.#basic(), insecure: this.#insecure },
      signal,
    );
  }

  #postToken(
    demand: Demand & { scheme: 'bearer' },
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
        insecure: this.#insecure,
      },
      signal,
    );
  }

  #readToken(answer: RegistryAnswer): Token {
    const body = parsed(answer);
    const value = body.token ?? body.access_token;
    if (typeof value !== 'string' || value === '')
      throw new RegistryError(400, `the token server ${answer.url.host} answered without a token`);
    const life = typeof body.expires_in === 'number' && body.expires_in > 0 ? body.expires_in : defaultLifeSeconds;
    return { value, renewAt: this.#transport.clock.now().getTime() + Math.max(life * 1000 - marginMs, life * 500) };
  }
}

function parsed(answer: RegistryAnswer): { token?: unknown; access_token?: unknown; expires_in?: unknown } {
  try {
    return JSON.parse(answer.body.toString('utf8')) as object;
  } catch (cause) {
    throw new RegistryError(400, `the token server ${answer.url.host} did not answer in JSON`, { cause });
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
