import type { KubeObject } from '../../resource.ts';
import type { PatchOperation } from '../patch.ts';

/** admission.k8s.io/v1 AdmissionRequest, the part that we read. */
export interface AdmissionRequest {
  uid: string;
  kind: { group: string; version: string; kind: string };
  resource: { group: string; version: string; resource: string };
  subResource?: string;
  operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  userInfo: { username?: string };
  object?: KubeObject | null;
  oldObject?: KubeObject | null;
}

/** What is decided on a request. */
export type Verdict =
  | { allowed: true; patch?: readonly PatchOperation[]; warnings?: readonly string[] }
  | { allowed: false; code: number; reason: 'BadRequest' | 'Forbidden'; message: string };

export const allowed: Verdict = { allowed: true };

/** Longest text of a refusal: whoever made the errors also decided how many there are. */
const LONGEST_MESSAGE = 32_768;

/** A refusal of what was sent. Status 400, as upstream: its controllers tell by it that trying again is of no use. */
export function badRequest(message: string): Verdict {
  return { allowed: false, code: 400, reason: 'BadRequest', message: shortened(message) };
}

/** A refusal of who sent it. */
export function forbidden(message: string): Verdict {
  return { allowed: false, code: 403, reason: 'Forbidden', message: shortened(message) };
}

function shortened(message: string): string {
  return message.length <= LONGEST_MESSAGE ? message : `${message.slice(0, LONGEST_MESSAGE)}\n... and more`;
}

/** A body that is no review of the kind expected. */
export class ReviewError extends Error {
  override name = 'ReviewError';
}

/** The request in an AdmissionReview. @throws ReviewError */
export function readAdmissionReview(body: string): AdmissionRequest {
  const request = readReview(body, 'AdmissionReview')['request'] as Partial<AdmissionRequest> | undefined;
  const { uid, kind, resource, operation } = request ?? {};
  if (typeof uid !== 'string' || typeof operation !== 'string' || !isObject(kind) || !isObject(resource))
    throw new ReviewError('the AdmissionReview has no request with uid, kind, resource and operation');
  return { ...request, userInfo: request?.userInfo ?? {} } as AdmissionRequest;
}

/** JSON of one of the API server's reviews. @throws ReviewError */
export function readReview(body: string, kind: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (error) {
    if (error instanceof SyntaxError) throw new ReviewError(`the body is no JSON: ${error.message}`);
    throw error;
  }
  if (!isObject(json) || json['kind'] !== kind) throw new ReviewError(`the body is no ${kind}`);
  return json;
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null;
}

/** The AdmissionReview that answers the request. */
export function admissionReview(uid: string, verdict: Verdict): object {
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, ...responseOf(verdict) } };
}

function responseOf(verdict: Verdict): object {
  if (!verdict.allowed) {
    const { code, reason, message } = verdict;
    return { allowed: false, status: { status: 'Failure', code, reason, message } };
  }
  const { patch = [], warnings = [] } = verdict;
  return {
    allowed: true,
    ...(warnings.length > 0 ? { warnings } : {}),
    ...(patch.length > 0
      ? { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }
      : {}),
  };
}
