import { ConfigValues, type ConfigProblem } from '../api/config/values.ts';
import { readBackoff } from './backoff.ts';
import { cacheModes } from './cache/mode.ts';
import type { ConfigData, ResolverType } from './resolver.ts';

const flagWords = ['true', 'false', '1', '0', 'yes', 'no', 'on', 'off'] as const;

const texts: Readonly<Record<ResolverType, readonly string[]>> = {
  bundles: ['default-service-account', 'default-kind'],
  cluster: ['default-kind', 'default-namespace', 'allowed-namespaces', 'blocked-namespaces'],
  git: [
    'default-url',
    'default-revision',
    'default-org',
    'scm-type',
    'server-url',
    'api-token-secret-name',
    'api-token-secret-key',
    'api-token-secret-namespace',
  ],
  http: [],
  hub: [
    'default-type',
    'default-kind',
    'default-tekton-hub-catalog',
    'default-artifact-hub-task-catalog',
    'default-artifact-hub-pipeline-catalog',
    'artifact-hub-urls',
    'tekton-hub-urls',
  ],
};
/** They ask servers that references name. */
const guarded: readonly ResolverType[] = ['git', 'http', 'hub'];

/**
 * What is wrong in a resolver's ConfigMap: values that are not valid, and keys that nothing reads. In git's, keys that
 * begin with a name and a point belong to the references with that configKey.
 */
export function checkConfig(type: ResolverType, data: ConfigData): ConfigProblem[] {
  const values = new ConfigValues(data);
  values.oneOf('default-cache-mode', 'auto', cacheModes);
  if (type !== 'cluster') readBackoff(values);
  for (const prefix of type === 'git' ? ['', ...prefixesOf(data)] : ['']) readPart(type, prefix, values);
  return values.reportUnknownKeys();
}

function readPart(type: ResolverType, prefix: string, values: ConfigValues): void {
  for (const key of texts[type]) values.text(`${prefix}${key}`, '');
  if (type !== 'cluster') values.durationMs(`${prefix}fetch-timeout`, 60_000);
  if (!guarded.includes(type)) return;
  values.oneOf(`${prefix}block-private-ips`, 'true', flagWords);
  values.text(`${prefix}allowed-private-hosts`, '');
}

function prefixesOf(data: ConfigData): string[] {
  return [...new Set(Object.keys(data).flatMap((key) => /^[^.]+\./.exec(key)?.[0] ?? []))];
}
