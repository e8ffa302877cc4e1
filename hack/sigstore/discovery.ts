/**
 * Answers for an issuer whose URL leads nowhere from here (a cluster's `https://kubernetes.default.svc…`): a proxy that
 * Fulcio is given, whose only destination is a server of the issuer's discovery document and keys. Run as a process of
 * its own. usage: discovery.ts SETTINGS.json
 */
import { readFileSync } from 'node:fs';
import { createServer as createProxy, type RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { Issuer } from './issuer.ts';

export interface DiscoverySettings {
  readonly address: string;
  readonly port: number;
  readonly issuer: Issuer;
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

function serve({ address, port, issuer, keyPath, certificatePath }: DiscoverySettings): void {
  const documents = documentsOf(issuer);
  const answer: RequestListener = (request, response) => {
    const document = documents.get(request.url ?? '');
    response
      .writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' })
      .end(JSON.stringify(document ?? {}));
  };
  const server = createServer({ key: readFileSync(keyPath), cert: readFileSync(certificatePath) }, answer);
  const { hostname, port: issuerPort } = new URL(issuer.url);
  const destination = `${hostname}:${issuerPort === '' ? '443' : issuerPort}`;
  const proxy = createProxy((_request, response) => response.writeHead(204).end());
  proxy.on('connect', (request, socket) => {
    socket.on('error', () => socket.destroy());
    if (request.url !== destination) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    server.emit('connection', socket);
  });
  proxy.listen(port, address);
}
