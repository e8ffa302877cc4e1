import { messageOf } from '../errors.ts';
import type { ServerAnswer, ServerHandler, ServerRoute } from '../http/server.ts';
import type { PassThrough } from '../kube/pass-through.ts';
import type { Logger } from '../log.ts';
import type { Properties } from './contract.ts';
import { logsAnswer, type LogSources } from './logs-proxy.ts';
import { provenanceAnswer, type ProvenanceSources } from './provenance/route.ts';
import { proxied } from './proxy/proxy.ts';
import { checkCsrf } from './proxy/rules.ts';
import type { Tenancy } from './proxy/tenants.ts';
import { sessionIn } from './proxy/session-cookie.ts';
import { json, refusalOf, RefusedError } from './refusal.ts';
import type { ServerProperties } from './properties.ts';
import type { ArtifactAnswers } from './artifacts/routes.ts';
import type { RunAnswers } from './runs/routes.ts';
import { signIn, signOut } from './session.ts';
import type { Site } from './site/files.ts';
import { pageAnswer } from './site/page.ts';
import type { SystemAnswers } from './system/route.ts';

/** What answers requests, beside the requests. */
export interface Answerers {
  passThrough: Pick<PassThrough, 'forward'>;
  isReadOnly: boolean;
  needsCredentials: boolean;
  tenancy: Tenancy;
  trusted: ProvenanceSources['trusted'];
  properties: () => Promise<ServerProperties>;
  /** Undefined: no --external-logs. */
  logs: LogSources | undefined;
  runs: Pick<RunAnswers, 'page' | 'changes' | 'uses' | 'queue'>;
  artifacts: Pick<ArtifactAnswers, 'page' | 'changes'>;
  system: Pick<SystemAnswers, 'report'>;
  site: Site | undefined;
  isReady: () => boolean;
  log: Logger;
  /** Told of every answer: what it was for, and its status. */
  onAnswer?: (route: string, status: number) => void;
}

/** Upstream's routes, and the page at all others. */
export function dashboardRoutes(answerers: Answerers): ServerRoute[] {
  const { properties, logs, runs, artifacts, system, site, isReady, passThrough } = answerers;
  const route = (method: string, path: string, handler: ServerHandler): ServerRoute => ({
    method,
    path,
    handler: answered(answerers, path, handler),
  });
  const well = (isWell: () => boolean): ServerHandler => {
    return () => (isWell() ? { status: 200, body: 'ok\n' } : { status: 503, body: 'not ready\n' });
  };
  return [
    ...['/api', '/api/*', '/apis', '/apis/*'].map((path) => route('*', path, (request) => proxied(request, answerers))),
    route('GET', '/v1/properties', async ({ headers }) => {
      const hasSession = sessionIn(headers.cookie) !== undefined;
      return json(200, { ...(await properties()), hasSession } satisfies Properties);
    }),
    route('POST', '/v1/session', (request) => signIn(request, passThrough)),
    route('DELETE', '/v1/session', (request) => signOut(request)),
    route('GET', '/v1/runs', (request) => runs.page(request)),
    route('GET', '/v1/runs/:namespace/:name/provenance', (request) => provenanceAnswer(request, answerers)),
    route('GET', '/v1/definitions', (request) => runs.uses(request)),
    route('GET', '/v1/runs/changes', (request) => runs.changes(request)),
    route('GET', '/v1/queue', (request) => runs.queue(request)),
    route('GET', '/v1/artifacts', (request) => artifacts.page(request)),
    route('GET', '/v1/artifacts/changes', (request) => artifacts.changes(request)),
    route('GET', '/v1/system', (request) => system.report(request)),
    ...(logs === undefined
      ? []
      : [route('GET', '/v1/logs-proxy/:namespace/:pod/:container', (request) => logsAnswer(request, logs))]),
    route('*', '/v1/*', ({ method, path, headers }) => {
      checkCsrf({ method, headers });
      throw new RefusedError(404, `${path.slice(0, 200)} is not one of the dashboard's own addresses`);
    }),
    route(
      'GET',
      '/health',
      well(() => true),
    ),
    route('GET', '/readiness', well(isReady)),
    route('*', '/*', (request) => pageAnswer(request, site)),
  ];
}

function answered({ log, onAnswer }: Answerers, route: string, handler: ServerHandler): ServerHandler {
  return async (request): Promise<ServerAnswer> => {
    const answer = await Promise.resolve(handler(request)).catch((error: unknown) => refused(error, log));
    onAnswer?.(route, answer.status);
    return answer;
  };
}

function refused(error: unknown, log: Logger): ServerAnswer {
  if (!(error instanceof RefusedError)) throw error;
  if (error.status >= 500) log.warn({ error: messageOf(error) }, 'a request was not answered');
  return refusalOf(error.status, error.message);
}
