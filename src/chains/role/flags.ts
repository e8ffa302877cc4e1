import {
  parseRoleFlags,
  REGISTRY_OPTIONS,
  registryFlags,
  type Environment,
  type RegistryFlags,
  type RoleFlags,
} from '../../role/flags.ts';

/** What the chains role is started with; everything else is in ConfigMap chains-config. */
export interface ChainsFlags extends RoleFlags, RegistryFlags {
  /** Where keys are read instead of in Secret signing-secrets. */
  signingSecretsDirectory: string | undefined;
  /** Several replicas may write attestations of one image at the same time: they take turns by leases. */
  lockTagsByLease: boolean;
}

const flagsOfRole = {
  role: 'chains',
  options: {
    'signing-secrets-directory': { type: 'string' },
    'lock-tags-by-lease': { type: 'boolean', default: false },
    ...REGISTRY_OPTIONS,
  },
  defaults: { concurrency: 32, qps: 200, burst: 400, systemNamespace: 'tekton-chains' },
} as const;

/** @throws FlagError naming the flag, its value and what it takes. */
export function parseChainsFlags(args: readonly string[], env: Environment): ChainsFlags {
  const { flags, values } = parseRoleFlags(flagsOfRole, args, env);
  return {
    ...flags,
    ...registryFlags(values),
    signingSecretsDirectory: values['signing-secrets-directory'],
    lockTagsByLease: values['lock-tags-by-lease'],
  };
}
