import { constants, createSecureServer } from 'node:http2';
import type { Http2SecureServer, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../log.ts';
import { KubeClient } from './client.ts';
import { Informer } from './informer.ts';
import { line, pod } from './misbehaving-server.fake.ts';
import { pods } from './resources.ts';
import type { Pod } from './resources.ts';

/** Made for this test and worthless elsewhere: localhost, until 2126. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgdSgwNY2CRtetx1px
qM2wlQ3wswY5qA/UNsQgFAexdaChRANCAATxkjEHFFodx4ZjqBBC/q1rnffoEiWt
a9GMRMz6qXUrsGiaEsCj8cSkVb0bTHKzJN/57DvE800M7OA8P73/GKBr
-----END PRIVATE KEY-----`;
const CERT = `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUH5s3D882guNmDNoPEiavl68dKekwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzE2MDQzOFoYDzIxMjYxMDMw
MTYwNDM4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATxkjEHFFodx4ZjqBBC/q1rnffoEiWta9GMRMz6qXUrsGiaEsCj8cSk
Vb0bTHKzJN/57DvE800M7OA8P73/GKBro28wbTAdBgNVHQ4EFgQUeeP6ann/dI7C
UrJuCa5Tc2THpY8wHwYDVR0jBBgwFoAUeeP6ann/dI7CUrJuCa5Tc2THpY8wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhANCCLez2NqxFdfcd5LTBOUm5VhdNkcsO9O7/jQ4ypSPhAiEA
hcB7ZOi+JwK1oW9E6AEvR9h4+5Y/b8I6oSTRsZ35UkA=
-----END CERTIFICATE-----`;

let server: Http2SecureServer;
let client: KubeClient;
let answers: ((stream: ServerHttp2Stream, session: ServerHttp2Session) => void)[];
let asked: string[];
const sessions = new Set<ServerHttp2Session>();

beforeEach(async () => {
  answers = [];
  asked = [];
  server = createSecureServer({ key: KEY, cert: CERT });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => {
      /* its client is gone */
    });
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {
      /* its client is gone */
    });
    asked.push(headers[':path'] ?? '');
    const answer =
      answers.shift() ??
      ((silent) => {
        silent.respond({ ':status': 200 });
      });
    answer(stream as ServerHttp2Stream, stream.session as ServerHttp2Session);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  client = new KubeClient(
    {
      server: new URL(`https://localhost:${port}`),
      namespace: 'default',
      credentials: () => Promise.resolve({ headers: {}, ca: CERT }),
    },
    { http2: true },
  );
});
afterEach(async () => {
  await client.close(true);
  for (const session of sessions) session.destroy();
  await new Promise((resolve) => server.close(resolve));
});

const body =
  (value: unknown) =>
  (stream: ServerHttp2Stream): void => {
    stream.respond({ ':status': 200, 'content-type': 'application/json' });
    stream.end(JSON.stringify(value));
  };

describe('HTTP/2 GOAWAY', () => {
  test('is an ordinary end of a watch: it goes on where it was', async () => {
    answers.push(
      body({ metadata: { resourceVersion: '5' }, items: [] }),
      (stream, session) => {
        stream.respond({ ':status': 200 });
        stream.write(line('ADDED', pod('a', 6)), () =>
          setTimeout(() => {
            session.goaway(constants.NGHTTP2_NO_ERROR);
            session.destroy();
          }, 20),
        );
      },
      (stream) => {
        stream.respond({ ':status': 200 });
        stream.write(line('MODIFIED', pod('a', 7)));
      },
    );
    const informer = new Informer<Pod>({ client, resource: pods, log: silentLogger });
    const log: string[] = [];
    const changed = new Promise<void>((resolve) =>
      informer.onChange(({ type, object }) => {
        log.push(`${type}@${object.metadata.resourceVersion}`);
        if (log.length === 2) resolve();
      }),
    );
    const stop = new AbortController();
    const running = informer.run(stop.signal);
    await changed;
    expect(log).toEqual(['added@6', 'updated@7']);
    expect(asked.map((path) => new URL(path, 'https://x').searchParams.get('resourceVersion'))).toEqual([
      null,
      '5',
      '6',
    ]);
    expect(informer.lists).toBe(1);
    stop.abort();
    await running;
  });

  test('before the answer: the call is sent again', async () => {
    answers.push(
      (_stream, session) => {
        session.goaway(constants.NGHTTP2_NO_ERROR, 0);
        session.destroy();
      },
      body(pod('a', 1)),
    );
    expect((await client.get(pods, 'n', 'a')).metadata.name).toBe('a');
    expect(asked).toHaveLength(2);
  });
});
