import type { SpireConfig } from '../../api/config/config-spire.ts';
import type { TrustBundle } from '../../core/spire/svid.ts';
import type { PodIdentity } from '../../core/taskrun/facts.ts';

/** What SPIRE is asked for. Each may be repeated; each rejects with an error that says what to do. */
export interface Identities {
  /** The steps of the pod get the identity of their run. */
  register(spire: SpireConfig, identity: PodIdentity, signal: AbortSignal): Promise<void>;
  /** They lose it. */
  remove(
    spire: SpireConfig,
    identity: Pick<PodIdentity, 'namespace' | 'taskRun' | 'podUid'>,
    signal: AbortSignal,
  ): Promise<void>;
  /** Who vouches for them. */
  trustBundle(spire: SpireConfig, signal: AbortSignal): Promise<TrustBundle>;
}
