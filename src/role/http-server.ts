import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Meters } from './meters.ts';

/** Answers one path; false means not (yet) well. */
export type Probe = () => boolean;

function listen(server: Server, port: number, host: string | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

/** A running HTTP server and how to end it. */
export interface HttpServer {
  port: number;
  close(): Promise<void>;
}

/** Listens on all addresses unless `host` says where. @throws when it cannot. */
export async function serve(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  port: number,
  host?: string,
): Promise<HttpServer> {
  const server = createServer(handler);
  const actual = await listen(server, port, host);
  return {
    port: actual,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * Probes as upstream's controller has them: /health (alive) and /readiness on port 8080.
 * 200 when well, 503 when not, 404 for other paths.
 */
export function serveProbes(port: number, probes: { health: Probe; readiness: Probe }): Promise<HttpServer> {
  return serve((request, response) => {
    const path = (request.url ?? '').split('?')[0];
    const probe = path === '/health' ? probes.health : path === '/readiness' ? probes.readiness : undefined;
    if (!probe) response.writeHead(404).end();
    else if (probe()) response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n');
    else response.writeHead(503, { 'content-type': 'text/plain' }).end('not ready\n');
  }, port);
}

/** Prometheus text on /metrics, port 9090 as upstream. A collector that fails answers 500 with its message. */
export function serveMetrics(port: number, meters: Meters, host?: string): Promise<HttpServer> {
  return serve(
    (request, response) => {
      if ((request.url ?? '').split('?')[0] !== '/metrics') {
        response.writeHead(404).end();
        return;
      }
      meters.text().then(
        (text) => response.writeHead(200, { 'content-type': meters.contentType }).end(text),
        (error: unknown) => response.writeHead(500).end(`${String(error)}\n`),
      );
    },
    port,
    host,
  );
}
