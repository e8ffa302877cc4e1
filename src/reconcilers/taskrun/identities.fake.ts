import type { Identities } from './identities.ts';

const absent = () => Promise.reject(new Error('there is no SPIRE here'));

/** For runs whose steps sign nothing. */
export const noIdentities: Identities = { register: absent, remove: absent, trustBundle: absent };
