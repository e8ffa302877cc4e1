import { isDeepStrictEqual } from 'node:util';
import { Server, ServerCredentials, type UntypedHandleCall } from '@grpc/grpc-js';
import type { Issued, Server as Authority } from '../core/spire/spire.fake.ts';
import type { Entry, SpiffeId } from './entries.ts';
import { entryServiceDefinition } from './server.ts';

type Stored = Entry & { id: string };
type Unary<Request> = (call: { request: Request }, done: (error: object | null, answer: object) => void) => void;

/** The registration entries of a SPIRE server, behind mutual TLS: two to a page. */
export class FakeSpireServer {
  entries: Stored[] = [];
  /** Its answer to the next creation. */
  refusal: { code: number; message: string } | undefined;
  readonly calls: string[] = [];
  #made = 0;
  readonly #server = new Server();

  /** @returns its address */
  async start({ authority }: Pick<Authority, 'authority'>, own: Issued): Promise<string> {
    const key = Buffer.from(String(own.key.export({ type: 'pkcs8', format: 'pem' })));
    const pair = { private_key: key, cert_chain: Buffer.from(own.pem) };
    this.#server.addService(await entryServiceDefinition(), {
      ListEntries: this.#list as UntypedHandleCall,
      BatchCreateEntry: this.#create as UntypedHandleCall,
      BatchDeleteEntry: this.#delete as UntypedHandleCall,
    });
    const credentials = ServerCredentials.createSsl(Buffer.from(authority.pem), [pair], true);
    const port = await new Promise<number>((resolve, reject) =>
      this.#server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
    );
    return `127.0.0.1:${port}`;
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  readonly #create: Unary<{ entries: Entry[] }> = ({ request }, done) => {
    this.calls.push('create');
    const { refusal } = this;
    this.refusal = undefined;
    const results = request.entries.map(({ id: _id, ...entry }) => {
      if (refusal) return { status: refusal };
      if (this.entries.some(({ id: _other, ...other }) => isDeepStrictEqual(other, entry)))
        return { status: { code: 6, message: 'similar entry already exists' } };
      this.entries.push({ ...entry, id: `e${this.#made++}` });
      return { status: { code: 0, message: 'OK' } };
    });
    done(null, { results });
  };

  readonly #list: Unary<{ filter: { by_spiffe_id: SpiffeId }; page_token: string }> = ({ request }, done) => {
    this.calls.push('list');
    const found = this.entries.filter(({ spiffe_id: id }) => isDeepStrictEqual(id, request.filter.by_spiffe_id));
    const from = Number(request.page_token);
    const next = from + 2 < found.length ? String(from + 2) : '';
    done(null, { entries: found.slice(from, from + 2), next_page_token: next });
  };

  readonly #delete: Unary<{ ids: string[] }> = ({ request }, done) => {
    this.calls.push('delete');
    const results = request.ids.map((id) => {
      const isThere = this.entries.some((entry) => entry.id === id);
      return { id, status: isThere ? { code: 0, message: 'OK' } : { code: 5, message: 'entry not found' } };
    });
    this.entries = this.entries.filter(({ id }) => !request.ids.includes(id));
    done(null, { results });
  };
}
