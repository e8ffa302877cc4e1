import { text, toggle, type FlagValues } from '../flags.ts';

/** How a registry is talked to, as tkn has it. */
export const remoteFlags = {
  'remote-bearer': text('A Bearer token to authenticate against the repository'),
  'remote-username': text('A username to pass to the registry for basic auth. Must be used with --remote-password'),
  'remote-password': text('A password to pass to the registry for basic auth. Must be used with --remote-username'),
  'remote-skip-tls': toggle('If set to true, skips TLS check when connecting to the registry'),
};

export type RemoteFlags = FlagValues<typeof remoteFlags>;
