import type { KubeObject } from '../../../resource.ts';
import { addressOf, refusalOf } from './request.ts';

/** What the server wants to see of whatever changes something: pages of other sites cannot send it. */
const fromHere = { 'tekton-client': 'tektite' };

/** Changes something through the API server. @throws RefusedError with what it, or the dashboard, said. */
export async function change(
  method: string,
  path: string,
  body?: object,
  type = 'application/json',
): Promise<KubeObject> {
  const answer = await fetch(addressOf(path), {
    method,
    headers: { ...fromHere, accept: 'application/json', ...(body === undefined ? {} : { 'content-type': type }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw await refusalOf(answer);
  return (await answer.json()) as KubeObject;
}

export const createObject = (path: string, body: KubeObject) => change('POST', path, body);
export const patchObject = (path: string, body: object) => change('PATCH', path, body, 'application/merge-patch+json');
export const deleteObject = (path: string, options?: object) => change('DELETE', path, options);

/** A right in a namespace, as RBAC names it. */
export interface Right {
  verb: string;
  group: string;
  resource: string;
  namespace: string;
}

/** Whether whoever looks at the page has a right, by the API server's own word; not when it does not say. */
export async function mayI(right: Right): Promise<boolean> {
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    metadata: {},
    spec: { resourceAttributes: right },
  };
  const answer = await createObject('apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review).catch(
    () => undefined,
  );
  return (answer as { status?: { allowed?: boolean } } | undefined)?.status?.allowed === true;
}
