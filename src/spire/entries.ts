import type { SpireConfig } from '../api/config/config-spire.ts';
import type { PodIdentity } from '../core/taskrun/facts.ts';

export interface SpiffeId {
  trust_domain: string;
  /** With its leading slash. */
  path: string;
}

/** A registration entry of a SPIRE server (spire-api-sdk, spire/api/types/entry.proto). */
export interface Entry {
  id?: string;
  spiffe_id: SpiffeId;
  parent_id: SpiffeId;
  selectors: { type: string; value: string }[];
  /** Seconds since the epoch; 0 or absent: never. */
  expires_at?: number;
}

/** SPIFFE ID of what a TaskRun signs as. */
export function runId(
  { trustDomain }: SpireConfig,
  { namespace, taskRun }: Pick<PodIdentity, 'namespace' | 'taskRun'>,
) {
  return { trust_domain: trustDomain, path: `/ns/${namespace}/taskrun/${taskRun}` };
}

/**
 * The entries by which the steps of a pod get the identity of their run: one of its node, as upstream has it, and one
 * for each step container. Upstream has one for the whole pod, which a sidecar could sign with.
 */
export function entriesFor(spire: SpireConfig, identity: PodIdentity): Entry[] {
  const node = { trust_domain: spire.trustDomain, path: `${spire.nodeAliasPrefix}${identity.node}` };
  const ofNode: Entry = {
    spiffe_id: node,
    parent_id: { trust_domain: spire.trustDomain, path: '/spire/server' },
    selectors: [
      { type: 'k8s_psat', value: 'agent_ns:spire' },
      { type: 'k8s_psat', value: `agent_node_name:${identity.node}` },
    ],
  };
  const ofSteps = identity.containers.map((container): Entry => ({
    spiffe_id: runId(spire, identity),
    parent_id: node,
    selectors: [
      { type: 'k8s', value: podSelector(identity) },
      { type: 'k8s', value: `pod-name:${identity.pod}` },
      { type: 'k8s', value: `container-name:${container}` },
    ],
    ...(identity.expiresAt === 0 ? {} : { expires_at: identity.expiresAt }),
  }));
  return [ofNode, ...ofSteps];
}

/** Whether an entry is of a pod. */
export function isOfPod({ selectors = [] }: Pick<Entry, 'selectors'>, identity: Pick<PodIdentity, 'podUid'>): boolean {
  return selectors.some(({ type, value }) => type === 'k8s' && value === podSelector(identity));
}

function podSelector({ podUid }: Pick<PodIdentity, 'podUid'>): string {
  return `pod-uid:${podUid}`;
}
