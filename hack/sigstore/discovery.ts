/**
 * Answers for issuers whose URLs lead nowhere from here (a cluster's `https://kubernetes.default.svc…`): a proxy that
 * Fulcio is given, whose only destinations are a server of the issuers' discovery documents and keys. Run as a process
 * of its own. usage: discovery.ts SETTINGS.json
 */
import { readFileSync } from 'node:fs';
import { createServer as createProxy, type RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { Issuer } from './issuer.ts';

export interface DiscoverySettings {
  readonly address: string;
  readonly port: number;
  readonly issuers: readonly Issuer[];
  readonly keyPath: string;
  readonly certificatePath: string;
}

/** The documents of https://openid.net/specs/openid-connect-discovery-1_0.html that a verifier of tokens reads. */
export function documentsOf(issuer: Issuer): ReadonlyMap<string, object> {
  const { pathname } = new URL(issuer.url);
  const base = pathname.replace(/\/$/, '');
  const configuration = {
    issuer: issuer.url,
    jwks_uri: `${new URL(issuer.url).origin}${base}/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256', 'ES256'],
  };
  return new Map<string, object>([
    [`${base}/.well-known/openid-configuration`, configuration],
    [`${base}/openid/v1/jwks`, issuer.keys],
  ]);
}

if (import.meta.main) serve(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as DiscoverySettings);

function serve({ address, port, issuers, keyPath, certificatePath }: DiscoverySettings): void {
  const documents = new Map(
    issuers.flatMap((issuer) => [...documentsOf(issuer)].map(([at, document]) => [placeOf(issuer) + at, document])),
  );
  const answer: RequestListener = (request, response) => {
    const host = request.headers.host ?? '';
    const document = documents.get((host.includes(':') ? host : `${host}:443`) + (request.url ?? ''));
    response
      .writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' })
      .end(JSON.stringify(document ?? {}));
  };
  const server = createServer({ key: readFileSync(keyPath), cert: readFileSync(certificatePath) }, answer);
  const destinations = issuers.map(placeOf);
  const proxy = createProxy((_request, response) => response.writeHead(204).end());
  proxy.on('connect', (request, socket) => {
    socket.on('error', () => socket.destroy());
    if (!destinations.includes(request.url ?? '')) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    server.emit('connection', socket);
  });
  proxy.listen(port, address);
}

/** `host:port` */
function placeOf({ url }: Issuer): string {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port === '' ? '443' : port}`;
}
