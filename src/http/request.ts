import type { ByteBudget } from './byte-budget.ts';
import type { Peer } from './destination.ts';

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  url: URL;
  operation: string;
  headers?: Readonly<Record<string, string>>;
  /** Sent to the URL's own origin only, never to where it redirects. */
  authorization?: string | undefined;
  body?: Buffer | string;
  /** The body holds credentials: it does not leave the URL's origin either. */
  secret?: boolean;
  /** Who named the URL, if a server did: it may not lead to internal addresses other than its own. */
  namedBy?: Peer | undefined;
  /** TLS certificates are not checked, and TLS may redirect to plain HTTP. */
  insecure?: boolean;
  /** Bytes of body accepted; default 4 MiB. */
  limit?: number;
  /** What the body is counted against besides. */
  budget?: ByteBudget | undefined;
  /** In place of the client's. */
  attempts?: number | undefined;
  deadlineMs?: number | undefined;
  /** For one try. */
  attemptMs?: number;
}

export interface HttpAnswer {
  /** After redirects. */
  url: URL;
  status: number;
  headers: Readonly<Record<string, string | undefined>>;
  body: Buffer;
  /** Where the URL that was asked for is, before redirects. */
  peer: Peer;
}
