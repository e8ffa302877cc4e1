import { afterEach, describe, expect, it } from 'vitest';
import { startSpiffeAgent, type SpiffeAgent, type TokenRequest } from '../../../spire/agent.fake.ts';
import { fetchJwtSvid } from './spiffe.ts';

const signal = new AbortController().signal;

let running: SpiffeAgent | undefined;
let socket = '';
afterEach(async () => {
  await running?.stop();
  running = undefined;
});
async function agent(tokens: (request: TokenRequest) => object | Error): Promise<void> {
  running = await startSpiffeAgent({ tokens });
  socket = running.socket.replace('unix://', '');
}

describe('fetchJwtSvid', () => {
  it.each(['unix://', 'unix:', ''])('asks the agent at %s<path> for the audience', async (prefix) => {
    const seen: TokenRequest[] = [];
    await agent((request) => {
      seen.push(request);
      return {
        svids: [{ spiffe_id: 'spiffe://example.org/ns/tekton-chains/sa/chains', svid: 'a.b.c' }, { svid: 'second' }],
      };
    });
    expect(await fetchJwtSvid(`${prefix}${socket}`, 'sigstore', signal)).toBe('a.b.c');
    expect(seen).toEqual([{ audience: ['sigstore'], spiffe_id: '' }]);
  });

  it('names the socket and the way out when the workload is not registered', async () => {
    await agent(() => new Error('no identity issued'));
    await expect(fetchJwtSvid(socket, 'sigstore', signal)).rejects.toThrow(
      /SPIFFE Workload API .*agent\.sock: .*no identity issued; check that the agent runs/,
    );
  });

  it('says that an answer without an identity is none', async () => {
    await agent(() => ({ svids: [] }));
    await expect(fetchJwtSvid(socket, 'sigstore', signal)).rejects.toThrow(/has no identity for this workload/);
  });

  it('names a socket on which nobody listens', async () => {
    await agent(() => ({}));
    await running?.stop();
    await expect(fetchJwtSvid(`unix://${socket}`, 'sigstore', signal)).rejects.toThrow(/agent\.sock/);
  });

  it('gives up with its caller', async () => {
    const stop = new AbortController();
    await agent(() => {
      stop.abort(new Error('enough'));
      return { svids: [{ svid: 'a.b.c' }] };
    });
    await expect(fetchJwtSvid(socket, 'sigstore', stop.signal)).rejects.toThrow('enough');
  });
});
