import type { SecurityContext } from '../../api/core/container.ts';
import type { FeatureFlags } from '../../api/config/feature-flags.ts';

/**
 * Satisfies the restricted Pod Security level, for containers of ours. The init container always has it: it needs no
 * privilege, and its image's user is 65532. Steps and sidecars belong to the user and are never touched.
 */
export const restrictedContext: SecurityContext = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};

/** The init container writes into emptyDirs only, so a read-only root is possible where the operator asks for it. */
export function prepareSecurityContext(flags: FeatureFlags): SecurityContext {
  return flags.setSecurityContextReadOnlyRootFilesystem ? { ...restrictedContext, readOnlyRootFilesystem: true } : restrictedContext;
}
