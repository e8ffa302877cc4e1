import {
  parseRoleFlags,
  REGISTRY_OPTIONS,
  registryFlags,
  type Environment,
  type RegistryFlags,
  type RoleFlags,
} from '../../role/flags.ts';
import type { HubAddresses } from '../hub/settings.ts';

export interface ResolversFlags extends RoleFlags, RegistryFlags {
  hubs: HubAddresses;
}

const flagsOfRole = {
  role: 'resolvers',
  options: REGISTRY_OPTIONS,
  defaults: { concurrency: 32, qps: 100, burst: 200, systemNamespace: 'tekton-pipelines-resolvers' },
} as const;

/** Flags, and ARTIFACT_HUB_API and TEKTON_HUB_API, as upstream has them. @throws FlagError */
export function parseResolversFlags(args: readonly string[], env: Environment): ResolversFlags {
  const { flags, values } = parseRoleFlags(flagsOfRole, args, env);
  const hubs = { artifactHub: env['ARTIFACT_HUB_API'] ?? '', tektonHub: env['TEKTON_HUB_API'] ?? '' };
  return { ...flags, ...registryFlags(values), hubs };
}
