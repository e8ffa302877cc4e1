import { configNames } from '../defaults.ts';
import { InvalidRequest, type ConfigData } from '../resolver.ts';
import type { RequestParams } from '../params.ts';

export const configName = configNames.git;

/**
 * The part of git-resolver-config that counts for a request: the keys that begin with the request's configKey and a
 * point, else those without a point. `cache`, `block-private-ips` and `allowed-private-hosts` without a point count for
 * all.
 */
export function scmConfig(config: ConfigData, params: RequestParams): ConfigData {
  const parts = partsOf(config);
  if (!params.has('configKey')) return parts.get('default') ?? {};
  const found = parts.get(params.text('configKey'));
  if (found === undefined)
    throw new InvalidRequest(`no git resolver configuration found for configKey ${params.text('configKey')}`);
  const shared = ['block-private-ips', 'allowed-private-hosts'].flatMap((key) => {
    const value = config[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  return { ...Object.fromEntries(shared), ...found };
}

/** The settings by the part before the point; `default` for those without. */
function partsOf(config: ConfigData): Map<string, Record<string, string>> {
  const parts = new Map<string, Record<string, string>>();
  for (const [key, value] of Object.entries(config)) {
    if (key === '_example') continue;
    const names = key.split('.');
    if (names.length > 2)
      throw new InvalidRequest(`key ${key} passed in git resolver configmap is invalid: it may have one point`);
    const [part, name] = names.length === 2 ? [names[0] ?? '', names[1] ?? ''] : ['default', key];
    const known = parts.get(part) ?? {};
    known[name] = value;
    parts.set(part, known);
  }
  return parts;
}
