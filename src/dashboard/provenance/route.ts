import type { ServerAnswer, ServerRequest } from '../../http/server.ts';
import type { PassThrough } from '../../kube/pass-through.ts';
import type { KubeObject } from '../../resource.ts';
import { callerOf } from '../proxy/caller.ts';
import { checkNamespace, type Tenancy } from '../proxy/tenants.ts';
import { json, RefusedError } from '../refusal.ts';
import { provenanceOf, type TrustedKey } from './attestation.ts';

/** What a run's provenance is read with. */
export interface ProvenanceSources {
  passThrough: Pick<PassThrough, 'forward'>;
  needsCredentials: boolean;
  tenancy: Tenancy;
  trusted: TrustedKey | undefined;
}

/** More than the API server stores of one object. */
const LONGEST_RUN = 4 * 1024 * 1024;
const plurals: Readonly<Record<string, string>> = { PipelineRun: 'pipelineruns', TaskRun: 'taskruns' };

/**
 * Answer of `GET /v1/runs/NAMESPACE/NAME/provenance?kind=`. The run is read with the caller's credentials: what the API
 * server refuses is refused here.
 * @throws RefusedError
 */
export async function provenanceAnswer(
  { params, query, rawHeaders, signal }: Pick<ServerRequest, 'params' | 'query' | 'rawHeaders' | 'signal'>,
  { passThrough, needsCredentials, tenancy, trusted }: ProvenanceSources,
): Promise<ServerAnswer> {
  const kind = query.get('kind') ?? 'PipelineRun';
  const plural = Object.hasOwn(plurals, kind) ? plurals[kind] : undefined;
  if (plural === undefined)
    throw new RefusedError(400, `kind: ${JSON.stringify(kind.slice(0, 100))} is neither PipelineRun nor TaskRun`);
  const names = [params['namespace'] ?? '', params['name'] ?? ''];
  if (!names.every((name) => /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/.test(name)))
    throw new RefusedError(400, `${JSON.stringify(names.join('/').slice(0, 200))} is no namespace and name of a run`);
  checkNamespace(names[0] ?? '', tenancy);
  const caller = callerOf(rawHeaders, needsCredentials);
  const answer = await passThrough.forward({
    method: 'GET',
    target: `/apis/tekton.dev/v1/namespaces/${names[0]}/${plural}/${names[1]}`,
    headers: ['accept', 'application/json', ...caller.headers],
    own: caller.own,
    signal,
  });
  const body = await wholeOf(answer.body);
  const object = JSON.parse(body) as KubeObject & { message?: string };
  if (answer.statusCode !== 200)
    throw new RefusedError(answer.statusCode, object.message ?? `the API server answered ${answer.statusCode}`);
  return json(200, provenanceOf({ ...object, kind }, trusted));
}

async function wholeOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > LONGEST_RUN) throw new RefusedError(502, 'the API server sent a run that is too long to be one');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
