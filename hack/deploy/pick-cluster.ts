import { loadClusterConfig } from '../../src/kube/config.ts';
import { instanceNames, readInstance } from '../one-node/instance.ts';
import { apiServerUrl } from '../one-node/kubeconfig.ts';
import { command, succeeds } from '../command.ts';
import { progress } from '../progress.ts';

/** Where to deploy to, and how images get there. */
export type Target =
  /** A cluster of the user's: our images come from the registry that the user names, else from their public one. */
  | { kind: 'named'; context: string; kubeconfig?: string; registry?: string }
  /** kind, where Docker is: images are built with Docker and loaded. */
  | { kind: 'kind'; context: string; cluster: string }
  /** Our own one-node cluster with its own registry. */
  | { kind: 'own'; cluster: string; kubeconfig: string; registry: string };

const kindCluster = 'tektite';

export interface Choice {
  context?: string | undefined;
  kubeconfig?: string | undefined;
  /** HOST[:PORT][/PREFIX]: a registry that this machine may push to and the cluster of `context` pulls from. */
  registry?: string | undefined;
  /** Name of our own cluster. */
  ownCluster?: string | undefined;
}

/**
 * Picks the cluster: the context that the user names; else kind, where Docker answers and kind is installed; else our
 * own one-node cluster, which is started.
 */
export async function pickCluster(choice: Choice): Promise<Target> {
  if (choice.context) return pickNamed(choice.context, choice);
  if ((await succeeds('kind', 'version')) && (await succeeds('docker', 'info'))) return startKind();
  return startOwn(choice.ownCluster ?? process.env['TEKTITE_CLUSTER'] ?? 'tektite');
}

/** A context may be that of a one-node cluster of ours, which has a registry of its own. */
async function pickNamed(context: string, { kubeconfig, registry }: Choice): Promise<Target> {
  const { server } = await loadClusterConfig({ context, ...(kubeconfig ? { kubeconfig } : {}) });
  const own = await ownClusterAt(server);
  if (own !== undefined) return startOwn(own);
  progress(`using the cluster of context ${context}`);
  return { kind: 'named', context, ...(kubeconfig ? { kubeconfig } : {}), ...(registry ? { registry } : {}) };
}

async function ownClusterAt(server: URL): Promise<string | undefined> {
  const instances = await Promise.all((await instanceNames()).map(readInstance));
  return instances.find((instance) => instance?.mode === 'full' && apiServerUrl(instance) === server.origin)?.name;
}

async function startKind(): Promise<Target> {
  const clusters = (await command(['kind', 'get', 'clusters'])).split('\n');
  if (!clusters.includes(kindCluster)) {
    progress(`creating the kind cluster ${kindCluster} (about a minute)`);
    await command(['kind', 'create', 'cluster', '--name', kindCluster, '--wait', '120s'], { show: true });
  }
  progress(`using the kind cluster ${kindCluster}`);
  return { kind: 'kind', cluster: kindCluster, context: `kind-${kindCluster}` };
}

async function startOwn(cluster: string): Promise<Target> {
  progress(
    `starting the one-node cluster ${cluster} (the first time its programs are built: about 15 minutes on 2 cores)`,
  );
  await command(['hack/cluster', 'up', '--name', cluster], { show: true });
  const status = JSON.parse(await command(['hack/cluster', 'status', '--json', '--name', cluster])) as {
    kubeconfig: string;
    registry: string;
  };
  return { kind: 'own', cluster, kubeconfig: status.kubeconfig, registry: new URL(status.registry).host };
}

/** Flags by which kubectl and helm reach the target (helm spells the context differently). */
export function accessFlags(target: Target, tool: 'kubectl' | 'helm'): string[] {
  const contextFlag = tool === 'helm' ? '--kube-context' : '--context';
  switch (target.kind) {
    case 'own':
      return ['--kubeconfig', target.kubeconfig];
    case 'kind':
      return [contextFlag, target.context];
    case 'named':
      return [...(target.kubeconfig ? ['--kubeconfig', target.kubeconfig] : []), contextFlag, target.context];
    default: {
      const never: never = target;
      return never;
    }
  }
}

/** The program to use: the one on PATH on a user's cluster, our own build otherwise. */
export async function programPath(target: Target, tool: 'kubectl' | 'helm'): Promise<string> {
  if (target.kind !== 'own' && (await succeeds(tool, tool === 'helm' ? 'version' : 'help'))) return tool;
  return (await command(['hack/cluster', 'tool', tool], { show: true })).trim();
}
