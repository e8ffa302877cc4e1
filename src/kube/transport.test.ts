import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selfSigned } from '../certificate.fake.ts';
import { Transport } from './transport.ts';

/** A server whose certificate is for names other than the address it is reached by, as behind a tunnel. */
let server: Server;
let ca = '';
const sent: (string | false | null)[] = [];

beforeAll(async () => {
  const { key, cert } = selfSigned({ commonName: 'api', names: 'DNS:api.example,IP:10.0.0.9' });
  ca = cert;
  server = createServer({ key, cert }, (request, response) => {
    sent.push((request.socket as TLSSocket & { servername?: string | false }).servername ?? null);
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function ask(serverName: string | undefined): Promise<string> {
  const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const transport = new Transport({
    server: url,
    namespace: 'n',
    credentials: () => Promise.resolve({ headers: {}, ca, ...(serverName ? { serverName } : {}) }),
  });
  try {
    return await transport.send({
      method: 'GET',
      path: '/version',
      verb: 'get',
      resource: 'raw',
      idempotent: true,
      attempts: 1,
    });
  } finally {
    await transport.close(true);
  }
}

describe('tls-server-name', () => {
  it('is sent, and looked for in the certificate', async () => {
    expect(await ask('api.example')).toBe('{}');
    expect(sent.at(-1)).toBe('api.example');
  });
  it('that is an address is looked for only', async () => {
    expect(await ask('10.0.0.9')).toBe('{}');
    expect(sent.at(-1)).toBe(false);
  });
  it.each([['other.example'], ['10.0.0.8'], [undefined]])(
    '%s, for which the certificate is not, is refused',
    async (name) => {
      await expect(ask(name)).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    },
  );
});
