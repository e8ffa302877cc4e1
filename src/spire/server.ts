import type { ServiceDefinition } from '@grpc/grpc-js';
import { messageOf } from '../errors.ts';
import type { Entry, SpiffeId } from './entries.ts';
import type { Identity } from './workload-api.ts';

const field = (type: string, id: number) => ({ type, id });
const repeated = (type: string, id: number) => ({ rule: 'repeated', type, id });
const result = (more: object) => ({ fields: { status: field('spire.api.types.Status', 1), ...more } });

/** The part of the SPIRE server's API that is used (spire-api-sdk, entry.proto and types), as JSON of protobuf.js. */
const entryApi = {
  nested: {
    spire: {
      nested: {
        api: {
          nested: {
            types: {
              nested: {
                SPIFFEID: { fields: { trust_domain: field('string', 1), path: field('string', 2) } },
                Selector: { fields: { type: field('string', 1), value: field('string', 2) } },
                Status: { fields: { code: field('int32', 1), message: field('string', 2) } },
                Entry: {
                  fields: {
                    id: field('string', 1),
                    spiffe_id: field('SPIFFEID', 2),
                    parent_id: field('SPIFFEID', 3),
                    selectors: repeated('Selector', 4),
                    expires_at: field('int64', 9),
                  },
                },
              },
            },
            server: {
              nested: {
                entry: {
                  nested: {
                    v1: {
                      nested: {
                        Entry: {
                          methods: {
                            ListEntries: { requestType: 'ListEntriesRequest', responseType: 'ListEntriesResponse' },
                            BatchCreateEntry: {
                              requestType: 'BatchCreateEntryRequest',
                              responseType: 'BatchCreateEntryResponse',
                            },
                            BatchDeleteEntry: {
                              requestType: 'BatchDeleteEntryRequest',
                              responseType: 'BatchDeleteEntryResponse',
                            },
                          },
                        },
                        ListEntriesRequest: {
                          fields: { filter: field('Filter', 1), page_token: field('string', 4) },
                          nested: { Filter: { fields: { by_spiffe_id: field('spire.api.types.SPIFFEID', 1) } } },
                        },
                        ListEntriesResponse: {
                          fields: {
                            entries: repeated('spire.api.types.Entry', 1),
                            next_page_token: field('string', 2),
                          },
                        },
                        BatchCreateEntryRequest: { fields: { entries: repeated('spire.api.types.Entry', 1) } },
                        BatchCreateEntryResponse: {
                          fields: { results: repeated('Result', 1) },
                          nested: { Result: result({ entry: field('spire.api.types.Entry', 2) }) },
                        },
                        BatchDeleteEntryRequest: { fields: { ids: repeated('string', 1) } },
                        BatchDeleteEntryResponse: {
                          fields: { results: repeated('Result', 1) },
                          nested: { Result: result({ id: field('string', 2) }) },
                        },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
};

export const entryService = 'spire.api.server.entry.v1.Entry';

/** The service as @grpc/grpc-js takes it. */
export async function entryServiceDefinition(): Promise<ServiceDefinition> {
  const loader = await import('@grpc/proto-loader');
  const all = loader.fromJSON(entryApi as Parameters<typeof loader.fromJSON>[0], {
    keepCase: true,
    longs: Number,
    defaults: true,
  });
  return all[entryService] as ServiceDefinition;
}

interface Result {
  status?: { code: number; message: string };
}

const timeoutMs = 10_000;
/** Status codes of gRPC. */
const codes = { ok: 0, notFound: 5, alreadyExists: 6 } as const;
/** A run has an entry for each of its steps. */
const mostPages = 100;

type Call = (method: string, request: object) => Promise<unknown>;

/** A SPIRE server, which takes the caller for whom its certificate says. To be closed. */
export class SpireServer {
  readonly #call: Call;
  readonly #close: () => void;
  readonly #address: string;

  private constructor(address: string, call: Call, close: () => void) {
    this.#address = address;
    this.#call = call;
    this.#close = close;
  }

  /** Nothing goes over the wire yet. */
  static async open(
    { address, trustDomain }: { address: string; trustDomain: string },
    identity: Identity,
    signal: AbortSignal,
  ): Promise<SpireServer> {
    const [grpc, definition] = await Promise.all([import('@grpc/grpc-js'), entryServiceDefinition()]);
    const Client = grpc.makeClientConstructor(definition, 'Entry');
    const authorities = identity.authorities.map((authority) => authority.toString()).join('');
    const credentials = grpc.credentials.createSsl(
      Buffer.from(authorities),
      Buffer.from(identity.key),
      Buffer.from(identity.chain),
      {
        // It is known by its SPIFFE ID, not by a name of hosts.
        checkServerIdentity: (_host, { subjectaltname = '' }) =>
          subjectaltname === `URI:spiffe://${trustDomain}/spire/server`
            ? undefined
            : new Error(`who answers is not the SPIRE server of ${trustDomain}, but ${subjectaltname || 'nameless'}`),
      },
    );
    // An address may be an IP, which TLS takes for no name.
    const client = new Client(address, credentials, { 'grpc.ssl_target_name_override': 'spire-server' });
    const call = (method: string, request: object) =>
      new Promise<unknown>((resolve, reject) => {
        const invoke = client[method]?.bind(client) as (
          request: object,
          options: object,
          done: (error: Error | null, answer?: unknown) => void,
        ) => { cancel(): void };
        const running = invoke(request, { deadline: Date.now() + timeoutMs }, (error, answer) => {
          signal.removeEventListener('abort', stop);
          if (error) reject(error);
          else resolve(answer);
        });
        const stop = () => running.cancel();
        signal.addEventListener('abort', stop, { once: true });
      });
    return new SpireServer(address, call, () => client.close());
  }

  close(): void {
    this.#close();
  }

  /** Entries that are there already stay as they are. @throws naming the server */
  async create(entries: readonly Entry[]): Promise<void> {
    const { results = [] } = (await this.#ask('BatchCreateEntry', { entries })) as { results?: Result[] };
    if (results.length !== entries.length)
      throw this.#error(`it answered for ${results.length} of ${entries.length} entries`);
    this.#check(results, codes.alreadyExists);
  }

  /** All entries of an ID. @throws naming the server */
  async list(id: SpiffeId): Promise<(Entry & { id: string })[]> {
    const found: (Entry & { id: string })[] = [];
    let token = '';
    for (let page = 0; page < mostPages; page++) {
      const request = { filter: { by_spiffe_id: id }, page_token: token };
      const answer = (await this.#ask('ListEntries', request)) as {
        entries?: (Entry & { id: string })[];
        next_page_token?: string;
      };
      found.push(...(answer.entries ?? []));
      token = answer.next_page_token ?? '';
      if (token === '') return found;
    }
    throw this.#error(`${id.path} has more than ${found.length} entries`);
  }

  /** Those that are gone already do not matter. @throws naming the server */
  async delete(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const { results = [] } = (await this.#ask('BatchDeleteEntry', { ids })) as { results?: Result[] };
    this.#check(results, codes.notFound);
  }

  #check(results: readonly Result[], allowed: number): void {
    const bad = results.find(({ status }) => status && status.code !== codes.ok && status.code !== allowed);
    if (bad?.status) throw this.#error(`${bad.status.message} (code ${bad.status.code})`);
  }

  async #ask(method: string, request: object): Promise<unknown> {
    try {
      return await this.#call(method, request);
    } catch (error) {
      throw this.#error(messageOf(error), error);
    }
  }

  #error(message: string, cause?: unknown): Error {
    return new Error(
      `SPIRE server ${this.#address}: ${message}; check spire-server-addr and spire-trust-domain in ConfigMap config-spire, and that the controller's own entry there is an admin's`,
      { cause },
    );
  }
}
