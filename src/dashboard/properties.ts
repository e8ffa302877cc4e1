import { LRUCache } from 'lru-cache';
import type { KubeClient } from '../kube/client.ts';
import { configMaps } from '../kube/resources.ts';
import { version } from '../version.ts';
import type { Properties } from './contract.ts';
import type { DashboardFlags } from './flags.ts';

const REMEMBERED_MS = 30_000;
const READ_MS = 5_000;

/** What is the same for everybody. */
export type ServerProperties = Omit<Properties, 'hasSession'>;

/** Reads what the page asks for first. Versions are in the ConfigMaps that tkn reads too, and kept for a while. */
export function propertiesReader(
  flags: DashboardFlags,
  client: Pick<KubeClient, 'get'>,
): () => Promise<ServerProperties> {
  const versions = new LRUCache<string, string>({ max: 8, ttl: REMEMBERED_MS });
  const versionIn = async (namespace: string, name: string): Promise<string> => {
    const remembered = versions.get(name);
    if (remembered !== undefined) return remembered;
    // Not installed, or not to be read: the page says "unknown" and works.
    const read = await client
      .get(configMaps, namespace, name, { signal: AbortSignal.timeout(READ_MS), attempts: 1 })
      .then(
        ({ data = {} }) => data['version'] ?? '',
        () => '',
      );
    versions.set(name, read);
    return read;
  };
  return async () => {
    const [pipelinesVersion, triggersVersion] = await Promise.all([
      versionIn(flags.pipelinesNamespace, 'pipelines-info'),
      versionIn(flags.triggersNamespace, 'triggers-info'),
    ]);
    return {
      dashboardNamespace: flags.systemNamespace,
      dashboardVersion: version,
      pipelinesNamespace: flags.pipelinesNamespace,
      pipelinesVersion,
      ...(triggersVersion === '' ? {} : { triggersNamespace: flags.triggersNamespace, triggersVersion }),
      chainsNamespace: flags.chainsNamespace,
      resolversNamespace: flags.resolversNamespace,
      isReadOnly: flags.isReadOnly,
      ...(flags.logoutURL === '' ? {} : { logoutURL: flags.logoutURL }),
      ...(flags.externalLogs === undefined ? {} : { externalLogsURL: '/v1/logs-proxy' }),
      streamLogs: flags.streamLogs,
      tenantNamespaces: flags.namespaces,
      ...(flags.defaultNamespace === '' ? {} : { defaultNamespace: flags.defaultNamespace }),
    };
  };
}
