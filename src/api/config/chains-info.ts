/**
 * ConfigMap chains-info in the namespace of Chains, which anyone may read: its version, and whether it signs. Only
 * Chains writes it.
 */
export const chainsInfoName = 'chains-info';
export const signingKey = 'signing';

/** Waiting: it has nothing to sign with, and looks at no run (hack/decisions/0070). */
export type SigningState = 'waiting' | 'on';

/** Whether Chains says that it signs nothing. A map that is missing or says nothing is none that does. */
export function isWaitingForSigner(data: Readonly<Record<string, string>> | undefined): boolean {
  return data?.[signingKey] === 'waiting';
}
