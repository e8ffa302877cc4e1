import { ConfigValues, type ConfigProblem } from './values.ts';

/** Where SPIRE is, and what identities are called there. */
export interface SpireConfig {
  /** Without `spiffe://`. */
  trustDomain: string;
  /** Of the Workload API, in the controller and in pods: `unix:///path`. */
  socketPath: string;
  /** host:port of the SPIRE server. */
  serverAddress: string;
  /** Before the name of a node in the SPIFFE ID that stands for its agent: begins with a slash. */
  nodeAliasPrefix: string;
}

/** ConfigMap config-spire, which counts while enforce-nonfalsifiability is "spire"; upstream's keys and defaults. */
export function parseSpire(data: Readonly<Record<string, string>> | undefined): {
  spire: SpireConfig;
  problems: ConfigProblem[];
} {
  const values = new ConfigValues(data);
  const spire: SpireConfig = {
    trustDomain: values.matching(
      'spire-trust-domain',
      'example.org',
      /^[a-z0-9._-]{1,255}$/,
      'use the name alone, in small letters, such as "example.org"',
    ),
    socketPath: values.matching(
      'spire-socket-path',
      'unix:///spiffe-workload-api/spire-agent.sock',
      /^unix:\/\/\/[^\s]+$/,
      'use unix:// and the path of the socket',
    ),
    serverAddress: values.matching(
      'spire-server-addr',
      'spire-server.spire.svc.cluster.local:8081',
      /^[^\s/]+:\d{1,5}$/,
      'use host:port',
    ),
    nodeAliasPrefix: values.matching(
      'spire-node-alias-prefix',
      '/tekton-node/',
      /^\/(?:[A-Za-z0-9._-]+\/?)+$/,
      'use a path that begins with a slash, such as "/tekton-node/"',
    ),
  };
  return { spire, problems: values.reportUnknownKeys() };
}
