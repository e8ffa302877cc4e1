import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { tool } from '../../hack/one-node/binaries.ts';
import { readInstance } from '../../hack/one-node/instance.ts';
import { kubeconfigPath } from '../../hack/one-node/kubeconfig.ts';
import { messageOf } from '../../src/errors.ts';
import { KubeClient } from '../../src/kube/client.ts';
import { loadClusterConfig } from '../../src/kube/config.ts';

export interface AccessOptions {
  kubeconfig?: string | undefined;
  context?: string | undefined;
}

/** The cluster that a script works on: a client, and how kubectl gets there. */
export interface Access {
  client: KubeClient;
  kubectl: string;
  kubectlFlags: string[];
}

/**
 * The cluster of the flags, else of the environment's kubeconfig, else this machine's own one-node cluster
 * ($TEKTITE_CLUSTER or "tektite"). Ends the process with status 2 and one line when there is none.
 */
export async function openCluster(options: AccessOptions, userAgent: string): Promise<Access> {
  try {
    const own = isConfigured(options) ? undefined : await readInstance(process.env['TEKTITE_CLUSTER'] ?? 'tektite');
    const { kubeconfig, context } = own ? { kubeconfig: kubeconfigPath(own, 'admin'), context: undefined } : options;
    // These two and none other: scripts hand in all of their flags.
    const source = { ...(kubeconfig ? { kubeconfig } : {}), ...(context ? { context } : {}) };
    return {
      client: new KubeClient(await loadClusterConfig(source), { userAgent }),
      kubectl: process.env['KUBECTL'] ?? (own ? await tool('kubectl') : 'kubectl'),
      kubectlFlags: Object.entries(source).flatMap(([name, value]) => [`--${name}`, value]),
    };
  } catch (error) {
    console.error(`${userAgent}: ${messageOf(error)}`);
    process.exit(2);
  }
}

function isConfigured({ kubeconfig, context }: AccessOptions): boolean {
  return (
    [kubeconfig, context, process.env['KUBECONFIG']].some(Boolean) ||
    existsSync(path.join(homedir(), '.kube', 'config'))
  );
}
