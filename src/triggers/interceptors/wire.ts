import { canonicalName, type Header } from '../resolve/header.ts';

/** What an interceptor is asked, upstream's wire format (POST, JSON). */
export interface InterceptorRequest {
  /** The event's body as text. */
  body?: string;
  /** Base64 of the event's bytes, where `body` is not these bytes: signatures are over them. Tektite's own addition. */
  original_body?: string;
  header?: Header;
  extensions?: Record<string, unknown>;
  interceptor_params?: Record<string, unknown>;
  context?: InterceptorContext;
}

export interface InterceptorContext {
  event_url?: string;
  event_id?: string;
  /** namespaces/NAMESPACE/triggers/NAME, or .../triggerGroups/NAME. */
  trigger_id?: string;
}

/** What an interceptor answers. `status` says why an event does not go on. */
export interface InterceptorResponse {
  continue: boolean;
  extensions?: Record<string, unknown>;
  status?: { code: number; message: string };
}

/** Numbers of gRPC, as upstream's interceptors use them. */
export const codes = { invalidArgument: 3, notFound: 5, failedPrecondition: 9, internal: 13 } as const;

export function stop(code: keyof typeof codes, message: string): InterceptorResponse {
  return { continue: false, status: { code: codes[code], message } };
}

export function goOn(extensions?: Record<string, unknown>): InterceptorResponse {
  return extensions === undefined ? { continue: true } : { continue: true, extensions };
}

/** The bytes that a signature is over. */
export function exactBody({ body = '', original_body: original }: InterceptorRequest): Buffer {
  return original === undefined ? Buffer.from(body) : Buffer.from(original, 'base64');
}

/** The namespace that a trigger is in: its secrets are read there and nowhere else. */
export function namespaceOf({ context }: InterceptorRequest): string | undefined {
  return /^namespaces\/([^/]+)\/(?:triggers|triggerGroups)\/[^/]*$/.exec(context?.trigger_id ?? '')?.[1];
}

/** The first value of a header, "" when there is none. Others than our sinks may ask: names are taken in any case. */
export function header({ header: all = {} }: InterceptorRequest, name: string): string {
  const wanted = canonicalName(name);
  for (const [key, values] of Object.entries(all)) {
    if (key.length !== wanted.length || canonicalName(key) !== wanted) continue;
    const first: string | undefined = typeof values === 'string' ? values : values[0];
    if (first !== undefined) return first;
  }
  return '';
}
