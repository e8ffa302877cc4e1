import { randomBytes } from 'node:crypto';
import { isAlreadyExists, isNotFound, isOutdated, type KubeClient } from '../../kube/client.ts';
import { secrets, type Secret } from '../../kube/resources.ts';
import { createSeal, type Seal } from '../plan/seal.ts';

/** The Secret with the key by which Chains knows its own notes on runs; all replicas share it. */
export const sealSecretName = 'chains-seal';
const keyName = 'key';
const sinceName = 'since';
const KEY_BYTES = 32;
const TRIES = 5;

export interface SealKeySource {
  client: Pick<KubeClient, 'get' | 'create' | 'patch'>;
  namespace: string;
  now: () => Date;
  random?: (bytes: number) => Uint8Array;
}

/**
 * Reads the key, or makes it when there is none yet. Of several replicas that start together one makes it: the others'
 * writes fail, and they read its. Without the key no mark could be believed, so that there is no going on without.
 * @throws Error naming the Secret and the way out.
 */
export async function readSeal(source: SealKeySource, signal: AbortSignal): Promise<Seal> {
  const { client, namespace, now, random = randomBytes } = source;
  for (let tries = 1; ; tries += 1) {
    const found = await find(source, signal);
    const seal = found && sealOf(found, namespace);
    if (seal) return seal;
    const data = {
      [keyName]: Buffer.from(random(KEY_BYTES)).toString('base64'),
      [sinceName]: Buffer.from(now().toISOString()).toString('base64'),
    };
    try {
      if (found) await fill(client, found, data, signal);
      else await client.create(secrets, newSecret(namespace, data), { signal });
    } catch (error) {
      if (!isLost(error) || tries >= TRIES) throw unusable(namespace, error, found === undefined);
    }
  }
}

/** Another replica was faster. */
function isLost(error: unknown): boolean {
  return isAlreadyExists(error) || isOutdated(error);
}

/** Whether Chains has been at work here before: it makes the key when it begins. */
export async function wasAtWork(source: SealKeySource, signal: AbortSignal): Promise<boolean> {
  const found = await find(source, signal);
  return found !== undefined && sealOf(found, source.namespace) !== undefined;
}

async function find({ client, namespace }: SealKeySource, signal: AbortSignal): Promise<Secret | undefined> {
  try {
    return await client.get(secrets, namespace, sealSecretName, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw unusable(namespace, error, false);
  }
}

/** The chart makes the Secret empty, so that Chains needs no right to create Secrets. */
function fill(
  client: SealKeySource['client'],
  { metadata }: Secret,
  data: Record<string, string>,
  signal: AbortSignal,
): Promise<Secret> {
  const body = [
    { op: 'test', path: '/metadata/resourceVersion', value: metadata.resourceVersion },
    { op: 'add', path: '/data', value: data },
  ];
  return client.patch(secrets, metadata.namespace, sealSecretName, { type: 'json', body, signal });
}

function newSecret(namespace: string, data: Record<string, string>): Secret {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: sealSecretName, namespace }, type: 'Opaque', data };
}

/** Undefined while it is empty. @throws Error when it holds something else. */
function sealOf({ data }: Secret, namespace: string): Seal | undefined {
  if (data === undefined || Object.keys(data).length === 0) return undefined;
  const key = Buffer.from(data[keyName] ?? '', 'base64');
  const since = new Date(Buffer.from(data[sinceName] ?? '', 'base64').toString());
  if (key.length < KEY_BYTES || Number.isNaN(since.getTime()))
    throw new Error(
      `Secret ${namespace}/${sealSecretName} must hold "${keyName}" (${KEY_BYTES} random bytes) and "${sinceName}" (a time); empty it, and Chains makes them anew`,
    );
  return createSeal(key, since);
}

function unusable(namespace: string, cause: unknown, isMissing: boolean): Error {
  const wayOut = isMissing
    ? `make it: kubectl -n ${namespace} create secret generic ${sealSecretName}`
    : `let the ServiceAccount of Chains get and patch it (the chart does)`;
  return new Error(`Secret ${namespace}/${sealSecretName} cannot be used; ${wayOut}`, { cause });
}
