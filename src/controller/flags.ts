import {
  FlagError,
  parseRoleFlags,
  REGISTRY_OPTIONS,
  registryFlags,
  type Environment,
  type RegistryFlags,
  type RoleFlags,
} from '../role/flags.ts';

/** What the controller is started with; everything that may change while it runs is in ConfigMaps. */
export interface ControllerFlags extends RoleFlags, RegistryFlags {
  entrypointImage: string;
  nopImage: string;
  /** Finished runs are pruned as the ConfigMaps say; without it no deletion is ever tried. */
  prune: boolean;
  /** Where Chains says whether it signs, for which pruning waits. */
  chainsNamespace: string;
}

const flagsOfRole = {
  role: 'controller',
  options: {
    'entrypoint-image': { type: 'string' },
    'nop-image': { type: 'string' },
    prune: { type: 'boolean' },
    'chains-namespace': { type: 'string', default: 'tekton-chains' },
    ...REGISTRY_OPTIONS,
  },
  defaults: { concurrency: 32, qps: 150, burst: 300, systemNamespace: 'tekton-pipelines' },
} as const;

/** @throws FlagError naming the flag, its value and what it takes. */
export function parseControllerFlags(args: readonly string[], env: Environment): ControllerFlags {
  const { flags, values } = parseRoleFlags(flagsOfRole, args, env);
  const { 'entrypoint-image': entrypointImage, 'nop-image': nopImage } = values;
  if (!entrypointImage || !nopImage) {
    const missing = entrypointImage ? 'nop-image' : 'entrypoint-image';
    throw new FlagError(`--${missing} is missing: it names the image that every TaskRun's pod needs`);
  }
  const [prune, chainsNamespace] = [values.prune ?? false, values['chains-namespace']];
  return { ...flags, ...registryFlags(values), entrypointImage, nopImage, prune, chainsNamespace };
}
