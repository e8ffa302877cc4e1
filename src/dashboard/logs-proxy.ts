import { request as ask } from 'undici';
import { messageOf } from '../errors.ts';
import type { ServerAnswer, ServerRequest } from '../http/server.ts';
import { callerOf } from './proxy/caller.ts';
import { inert } from './proxy/proxy.ts';
import { checkNamespace, type Tenancy } from './proxy/tenants.ts';
import { RefusedError } from './refusal.ts';
import type { Access } from './runs/access.ts';

/** Where logs are that the cluster no longer has. */
export interface LogSources {
  address: URL;
  access: Pick<Access, 'may'>;
  needsCredentials: boolean;
  tenancy: Tenancy;
}

const BEGIN_MS = 30_000;
const passedParameters = ['startTime', 'completionTime'];
const LONGEST_TIME = 64;

/**
 * The log of a container from the place of --external-logs, as it comes. Upstream gives it to anybody: here only to
 * those who may read the logs of the pod. Nothing of the request but its names and times leaves the dashboard.
 * @throws RefusedError
 */
export async function logsAnswer(
  { params, query, rawHeaders, signal }: Pick<ServerRequest, 'params' | 'query' | 'rawHeaders' | 'signal'>,
  { address, access, needsCredentials, tenancy }: LogSources,
): Promise<ServerAnswer> {
  const { namespace, pod, container } = namesOf(params);
  checkNamespace(namespace, tenancy);
  const caller = callerOf(rawHeaders, needsCredentials);
  const wish = { verb: 'get', group: '', resource: 'pods', subresource: 'log', namespace, name: pod } as const;
  if (!(await access.may(caller, wish)))
    throw new RefusedError(
      403,
      `you may not read logs of pods in ${namespace}: ask for the right "get" of pods/log there`,
    );
  const url = new URL(address);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${namespace}/${pod}/${container}`;
  for (const name of passedParameters) {
    const value = query.get(name);
    if (value !== null) url.searchParams.set(name, value.slice(0, LONGEST_TIME));
  }
  const answer = await ask(url, { signal, headersTimeout: BEGIN_MS, bodyTimeout: BEGIN_MS }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new RefusedError(502, `the place of old logs, ${url.host}, did not answer: ${messageOf(error)}`, {
      cause: error,
    });
  });
  if (answer.statusCode !== 200) {
    await answer.body.dump({ limit: 64 * 1024 });
    const status = answer.statusCode === 404 ? 404 : 502;
    throw new RefusedError(
      status,
      `the place of old logs, ${url.host}, answered ${answer.statusCode} for this container`,
    );
  }
  return { status: 200, headers: { ...inert, 'content-type': 'text/plain; charset=utf-8' }, body: answer.body };
}

function namesOf(params: Readonly<Record<string, string>>): { namespace: string; pod: string; container: string } {
  const { namespace = '', pod = '', container = '' } = params;
  const wrong = [namespace, pod, container].find((name) => !/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/.test(name));
  if (wrong !== undefined)
    throw new RefusedError(400, `${JSON.stringify(wrong.slice(0, 100))} is no name of a namespace, pod or container`);
  return { namespace, pod, container };
}
