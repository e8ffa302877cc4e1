import type { ConfigValues } from '../../api/config/values.ts';
import { commaList } from '../../comma-list.ts';
import { parseNamespacePolicies } from '../namespaces.ts';
import type { TrustSettings } from './settings.ts';

/** As `values.oneOf`, but a value that is not known is the last word, which must be the strictest. */
function strict<T extends string>(
  values: ConfigValues,
  data: Readonly<Record<string, string>>,
  key: string,
  [fallback, strictest]: readonly [T, T],
): T {
  return values.oneOf(key, data[key] === undefined ? fallback : strictest, [fallback, strictest]);
}

/** What may be signed, for whom, with whose rights: a word that is not known counts as the strictest. */
export function trust(values: ConfigValues, data: Readonly<Record<string, string>>): TrustSettings {
  const pushKey = 'artifacts.oci.verify-push';
  const verifyPush = values.boolean(pushKey, data[pushKey] !== undefined);
  const lendKey = 'storage.oci.lend-credentials';
  const enforceKey = 'enforce-nonfalsifiable';
  const isEnforced = values.boolean(enforceKey, data[enforceKey] !== undefined);
  const unrecorded = values.oneOf('artifacts.unrecorded', 'refuse', ['refuse', 'sign']);
  const podChanges = commaList(values.text('artifacts.pod-changes', ''));
  const key = 'signing.namespaces';
  const { policies, faults } = parseNamespacePolicies(values.text(key, ''));
  for (const fault of faults)
    values.problems.push({
      kind: 'invalid-value',
      key,
      value: '',
      message: `key ${key}: ${fault}; nothing is signed where this counts until you correct it`,
    });
  return {
    unrecorded: isEnforced ? 'never' : unrecorded,
    ...(isEnforced ? { podChanges } : {}),
    optOut: strict(values, data, 'artifacts.opt-out', ['allow', 'forbid']),
    verifyPush,
    lendCredentials: values.boolean(lendKey, data[lendKey] === undefined && !verifyPush),
    namespaces: policies,
  };
}
