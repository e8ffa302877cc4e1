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

/** The user of the entrypoint's image. */
const imageUser = 65532;

/** The init container writes into emptyDirs only, so a read-only root is possible where the operator asks for it. */
export function prepareSecurityContext(flags: FeatureFlags, podLevel: SecurityContext | undefined): SecurityContext {
  return {
    ...restrictedContext,
    // A pod that runs as root says so for all its containers; ours must not, and any other user it names is fine.
    ...(podLevel?.['runAsUser'] === 0 ? { runAsUser: imageUser } : {}),
    ...(flags.setSecurityContextReadOnlyRootFilesystem ? { readOnlyRootFilesystem: true } : {}),
  };
}
