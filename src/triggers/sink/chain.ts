import type { Interceptor } from '../../api/triggers/objects.ts';
import type { InterceptorSpec, InterceptorUse, Webhook } from '../../api/triggers/spec.ts';
import { messageOf } from '../../errors.ts';
import { celWithoutSecrets } from '../interceptors/cel/interceptor.ts';
import type { InterceptorRequest, InterceptorResponse } from '../interceptors/wire.ts';
import { parseJson } from '../resolve/body.ts';
import { canonicalHeader, type Header } from '../resolve/header.ts';
import type { ReceivedEvent } from './event.ts';
import { EventBody } from './event-body.ts';

/** An event on its way through interceptors. */
export interface Passing {
  /** As interceptors get it; a form is JSON by now. */
  body: EventBody;
  header: Header;
  extensions: Record<string, unknown>;
}

export type ChainResult =
  | { kind: 'passed'; event: Passing }
  /** An interceptor said no. */
  | { kind: 'stopped'; interceptor: string; code: number; message: string }
  | { kind: 'failed'; message: string };

/** Reaches interceptors. */
export interface InterceptorClient {
  /** Looks one up by kind and name; undefined when it is not there. */
  find: (kind: string, namespace: string, name: string) => Interceptor | undefined;
  post: (target: InterceptorTarget, body: string, signal: AbortSignal) => Promise<{ status: number; body: Buffer }>;
  postWebhook: (
    url: URL,
    message: { header: Header; body: string },
    signal: AbortSignal,
  ) => Promise<{ status: number; header: Header; body: Buffer }>;
}

export interface InterceptorTarget {
  url: URL;
  /** PEM of whom to trust, if the interceptor says so. */
  caBundle?: string;
}

export interface Chain {
  uses: readonly InterceptorUse[];
  /** namespaces/NAMESPACE/triggers/NAME or .../triggerGroups/NAME. */
  triggerId: string;
  /** Of the trigger: webhooks' Services are there unless they say otherwise. */
  namespace: string;
  /** Of the listener: Interceptors are looked up there, as upstream does. */
  listenerNamespace: string;
}

/** Sends an event through interceptors, one after the other, until one stops it. Never throws but for the signal. */
export async function runChain(
  chain: Chain,
  event: ReceivedEvent,
  start: Passing,
  { client, signal }: { client: InterceptorClient; signal: AbortSignal },
): Promise<ChainResult> {
  const way: Way = { chain, event, client, signal };
  let passing = start;
  for (const use of chain.uses) {
    try {
      const next = use.webhook
        ? await passWebhook(use.webhook, passing, way)
        : await passInterceptor(use, passing, way);
      if ('kind' in next) return next;
      passing = next;
    } catch (error) {
      signal.throwIfAborted();
      return { kind: 'failed', message: messageOf(error) };
    }
  }
  return { kind: 'passed', event: passing };
}

/** What is the same at all interceptors of a chain. */
interface Way {
  chain: Chain;
  event: ReceivedEvent;
  client: InterceptorClient;
  signal: AbortSignal;
}

async function passInterceptor(use: InterceptorUse, passing: Passing, way: Way): Promise<Passing | ChainResult> {
  const { event, client, signal } = way;
  const { name = '', kind = 'ClusterInterceptor' } = use.ref ?? {};
  const target = findInterceptor(kind, name, way);
  const request = requestOf(use, passing, way);
  const here = kind === 'ClusterInterceptor' && isOwnCel(target) ? ownCel(request, passing.body) : undefined;
  const response =
    (await here) ?? readResponse(name, await client.post(target, requestText(request, event, passing.body), signal));
  if (!response.continue) return stoppedBy(name, response);
  return { ...passing, extensions: { ...passing.extensions, ...response.extensions } };
}

function findInterceptor(kind: string, name: string, { chain, client }: Way): InterceptorTarget {
  const found = client.find(kind, chain.listenerNamespace, name);
  if (found === undefined)
    throw new Error(
      `url resolution failed for interceptor ${name} with: ${kind === 'ClusterInterceptor' ? 'clusterinterceptor' : 'interceptor'}.triggers.tekton.dev "${name}" not found`,
    );
  return interceptorTarget(found, chain.listenerNamespace);
}

function stoppedBy(interceptor: string, { status }: InterceptorResponse): ChainResult {
  const { code = 0, message = '' } = status ?? {};
  return { kind: 'stopped', interceptor, code, message };
}

type BareRequest = Omit<InterceptorRequest, 'body' | 'original_body'>;

function requestOf(use: InterceptorUse, passing: Passing, { chain, event }: Way): BareRequest {
  return {
    header: passing.header,
    extensions: passing.extensions,
    interceptor_params: Object.fromEntries((use.params ?? []).map((param) => [param.name, param.value])),
    context: { event_url: event.url, event_id: event.id, trigger_id: chain.triggerId },
  };
}

/** The request as JSON. The body is the greater part of it, and the same for all. */
function requestText(request: BareRequest, event: ReceivedEvent, body: EventBody): string {
  const exact = body.isExactly(event.body) ? {} : { original_body: event.body.toString('base64') };
  return `{"body":${body.quoted},${JSON.stringify({ ...request, ...exact }).slice(1)}`;
}

/** Whether this is the interceptor `cel` that comes along: the way to it costs more than what it does there. */
function isOwnCel({ url: { hostname, pathname } }: InterceptorTarget): boolean {
  return pathname === '/cel' && /^tekton-triggers-core-interceptors\.[^.]+\.svc(?:\.cluster\.local)?$/.test(hostname);
}

function ownCel(request: BareRequest, body: EventBody): Promise<InterceptorResponse> | undefined {
  return celWithoutSecrets(request, body.text === '' ? { ok: true, value: {} } : body.parsed);
}

function readResponse(name: string, { status, body }: { status: number; body: Buffer }): InterceptorResponse {
  if (status !== 200)
    throw new Error(`interceptor ${name} answered with status ${status}: ${body.toString().trim().slice(0, 200)}`);
  const parsed = parseJson(body.toString());
  if (!parsed.ok || typeof parsed.value !== 'object' || parsed.value === null)
    throw new Error(`interceptor ${name} answered with something other than a JSON object`);
  const { continue: goesOn, extensions, status: reason } = parsed.value as Partial<InterceptorResponse>;
  return {
    continue: goesOn === true,
    ...(typeof extensions === 'object' && extensions !== null ? { extensions } : {}),
    ...(reason ? { status: { code: Number(reason.code ?? 0), message: String(reason.message ?? '') } } : {}),
  };
}

/** Where an interceptor is: its status, its URL, or its Service (8443 where it has a certificate, else 80). */
export function interceptorTarget({ metadata, spec, status }: Interceptor, own: string): InterceptorTarget {
  const { clientConfig = {} } = spec ?? {};
  const caBundle = clientConfig.caBundle ? Buffer.from(clientConfig.caBundle, 'base64').toString() : undefined;
  const url = status?.address?.url ?? configuredUrl(clientConfig, own, caBundle);
  if (url === undefined || !URL.canParse(url))
    throw new Error(`interceptor ${metadata.name} has no clientConfig.url and no clientConfig.service; give it one`);
  return { url: new URL(url), ...(caBundle === undefined ? {} : { caBundle }) };
}

type ClientConfig = NonNullable<InterceptorSpec['clientConfig']>;

function configuredUrl({ url, service }: ClientConfig, own: string, caBundle: string | undefined): string | undefined {
  return url ?? (service ? serviceUrl(service, own, caBundle) : undefined);
}

function serviceUrl(service: NonNullable<ClientConfig['service']>, own: string, caBundle: string | undefined): string {
  const port = service.port ?? (caBundle === undefined ? 80 : 8443);
  const path = (service.path ?? '').replace(/^\//, '');
  return `${caBundle === undefined ? 'http' : 'https'}://${service.name}.${service.namespace ?? own}.svc:${port}/${path}`;
}

/** The old way: the webhook's answer takes the event's place. */
async function passWebhook(
  webhook: Webhook,
  passing: Passing,
  { chain, event, client, signal }: Way,
): Promise<Passing> {
  const { objectRef, url, header = [] } = webhook;
  const target = url ?? `http://${objectRef?.name}.${objectRef?.namespace ?? chain.namespace}.svc/`;
  const given = Object.fromEntries(
    header.map(({ name = '', value = '' }) => [name, Array.isArray(value) ? value : [String(value)]]),
  );
  const message = {
    header: canonicalHeader({ ...passing.header, 'Eventlistener-Request-Url': event.url, ...given }),
    body: withExtensions(passing),
  };
  const answer = await client.postWebhook(new URL(target), message, signal);
  if (answer.status !== 200)
    throw new Error(
      `request rejected; status: ${answer.status}; message: ${answer.body.toString().trim().slice(0, 200)}`,
    );
  return { ...passing, header: answer.header, body: EventBody.of(answer.body) };
}

function withExtensions({ body, extensions }: Passing): string {
  if (Object.keys(extensions).length === 0) return body.text;
  if (!body.isObject) throw new Error('could not merge extensions with body: it is no JSON object');
  const json = body.json as Record<string, unknown>;
  const before = json['extensions'];
  const merged = typeof before === 'object' && before !== null ? { ...before, ...extensions } : extensions;
  return JSON.stringify({ ...json, extensions: merged });
}
