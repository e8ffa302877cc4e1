import type { Session } from 'node:inspector/promises';
import type { ServerResponse } from 'node:http';
import { systemClock, type Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { serve, type HttpServer } from '../http-server.ts';

const usualSeconds = 30;
const longestSeconds = 120;
/** Bytes between two samples of the heap: V8's own. */
const heapSamplingInterval = 524_288;

/** A profile: how it is begun, and what it is when it ends. No profile holds contents of the memory, only stacks. */
interface Profile {
  extension: string;
  begin: (session: Session) => Promise<unknown>;
  end: (session: Session) => Promise<unknown>;
}

const profiles: Readonly<Record<string, Profile>> = {
  profile: {
    extension: 'cpuprofile',
    begin: async (session) => {
      await session.post('Profiler.enable');
      await session.post('Profiler.start');
    },
    end: async (session) => (await session.post('Profiler.stop')).profile,
  },
  heap: {
    extension: 'heapprofile',
    begin: (session) => session.post('HeapProfiler.startSampling', { samplingInterval: heapSamplingInterval }),
    end: async (session) => (await session.post('HeapProfiler.stopSampling')).profile,
  },
};

const prefix = '/debug/pprof/';
const here = 'http://here';
const index = `Profiles of this process, as Chrome's developer tools read them:
${prefix}profile?seconds=${usualSeconds}  where the time goes, a .cpuprofile
${prefix}heap?seconds=${usualSeconds}     who allocates what is still held, a .heapprofile
seconds is 1 to ${longestSeconds}; one at a time.
`;

/**
 * Serves profiles of this process under upstream's paths, to callers in its own pod (kubectl port-forward): a profile
 * costs time, so that not everybody may ask for one. A caller that goes away ends its profile.
 */
export async function serveProfiles(port: number, clock: Clock = systemClock): Promise<HttpServer> {
  let busy = false;
  return serve(
    (request, response) => {
      const { pathname, searchParams } = URL.parse(request.url ?? '', here) ?? new URL(here);
      const profile = pathname.startsWith(prefix) ? profiles[pathname.slice(prefix.length)] : undefined;
      const seconds = secondsOf(searchParams.get('seconds'));
      if (request.method !== 'GET') answer(response.setHeader('allow', 'GET'), 405, 'GET alone is answered\n');
      else if (pathname === prefix) answer(response, 200, index);
      else if (profile === undefined) answer(response, 404, index);
      else if (seconds === undefined) answer(response, 400, `seconds is no whole number from 1 to ${longestSeconds}\n`);
      else if (busy) answer(response, 503, 'a profile is being taken already; ask again when it has ended\n');
      else {
        busy = true;
        void take(profile, { seconds, clock, response }).finally(() => (busy = false));
      }
    },
    port,
    '127.0.0.1',
  );
}

function secondsOf(text: string | null): number | undefined {
  if (text === null) return usualSeconds;
  const seconds = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  return seconds >= 1 && seconds <= longestSeconds ? seconds : undefined;
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(text);
}

/** Never rejects. */
async function take(
  { extension, begin, end }: Profile,
  { seconds, clock, response }: { seconds: number; clock: Clock; response: ServerResponse },
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    const { Session } = await import('node:inspector/promises');
    const session = new Session();
    session.connect();
    try {
      await begin(session);
      await clock.sleep(seconds * 1_000, gone.signal).catch(() => undefined);
      const profile = JSON.stringify(await end(session));
      const disposition = `attachment; filename="tektite.${extension}"`;
      response.writeHead(200, { 'content-type': 'application/json', 'content-disposition': disposition }).end(profile);
    } finally {
      session.disconnect();
    }
  } catch (error) {
    if (!response.headersSent) answer(response, 500, `${messageOf(error)}\n`);
  }
}
