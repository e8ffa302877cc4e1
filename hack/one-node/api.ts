/** Few calls to the cluster's own API server, as its administrator, and health probes. */
import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Instance } from './instance.ts';
import { apiServerUrl } from './kubeconfig.ts';
import { pkiPath } from './pki.ts';
import { messageOf } from '../../src/errors.ts';

const TIMEOUT_MS = 3_000;
/** Half a minute: an API server whose etcd was killed has it back by then, on a machine that is busy with tests. */
const TRIES = 10;
const PAUSE_MS = 500;

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One request as the cluster's administrator. Resolves with any status; throws when there is no answer in 3 s. */
export async function callApi(instance: Instance, method: string, path: string, body?: unknown): Promise<Answer> {
  const [ca, cert, key] = await Promise.all(
    ['ca.crt', 'admin.crt', 'admin.key'].map((file) => readFile(pkiPath(instance, file))),
  );
  const contentType = method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json';
  return call(
    `${apiServerUrl(instance)}${path}`,
    { method, ca, cert, key, headers: { 'content-type': contentType } },
    body,
  );
}

/** An object of any kind, as much of it as is needed to find its path. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** Creates or corrects an object by server-side apply. `plural` is the resource's name in paths. */
export async function apply(instance: Instance, plural: string, object: Manifest): Promise<void> {
  const { name, namespace } = object.metadata;
  const group = object.apiVersion.includes('/') ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
  const path = `${group}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${plural}/${name}`;
  const address = `${path}?fieldManager=hack-cluster&force=true`;
  const answer = await untilJudged(() => callApi(instance, 'PATCH', address, object));
  if (answer.status >= 300) throw new Error(`cannot apply ${object.kind} ${name}: ${answer.status} ${answer.body}`);
}

/**
 * Asks again while there is no answer or the server is not able to give one (429, 5xx): for what may be done twice.
 * Throws, or returns the answer, of the last try.
 */
export async function untilJudged(ask: () => Promise<Answer>, pauseMs = PAUSE_MS): Promise<Answer> {
  for (let left = TRIES - 1; left > 0; left--) {
    const answer = await ask().catch(() => undefined);
    if (answer && answer.status < 500 && answer.status !== 429) return answer;
    await sleep(pauseMs);
  }
  return ask();
}

/** Undefined when the URL answers 200; else why not. Certificates are not checked: parts make up their own. */
export async function probeHttp(url: string): Promise<string | undefined> {
  try {
    const { status, body } = await call(url, { rejectUnauthorized: false });
    return status === 200 ? undefined : `${url} answers ${status}: ${body.slice(0, 500)}`;
  } catch (error) {
    return messageOf(error);
  }
}

/** Undefined when something accepts connections on the socket; else why not. */
export function probeSocket(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => (socket.destroy(), resolve(undefined)));
    socket.once('error', (error) => resolve(messageOf(error)));
  });
}

function call(url: string, options: RequestOptions, body?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) =>
      reject(new Error(`${options.method ?? 'GET'} ${url}: ${error.message}`, { cause: error }));
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const request = send(url, { ...options, agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', fail);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    request.on('error', fail);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
