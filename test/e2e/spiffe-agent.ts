import { chmod, link, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { statePath } from '../../hack/one-node/instance.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { startSpiffeAgent } from '../../src/spire/agent.fake.ts';
import { startCsiDriver, type InlineDriver } from './csi-driver.ts';

/** The CSI driver that shows pods the agent's socket. SPIFFE's own is not to be had: the tests do what it does. */
export const driverName = 'csi.spiffe.io';
const volume = 'spiffe-workload-api';
export const socketName = 'spire-agent.sock';

/** Chart values: Chains asks the agent, whose socket a volume of SPIRE's CSI driver holds. */
export const spiffeValues = {
  'chains.volumes': [{ name: volume, csi: { driver: driverName, readOnly: true } }],
  'chains.volumeMounts': [{ name: volume, mountPath: `/${volume}`, readOnly: true }],
  'chains.env': [{ name: 'SPIFFE_ENDPOINT_SOCKET', value: `unix:///${volume}/${socketName}` }],
};

/**
 * What stands for SPIRE on the test node: its CSI driver, and an agent that gives every workload the JWT-SVID that
 * `svid` makes for the audience.
 */
export async function startAgent(
  { cluster, client }: { cluster: string; client: KubeClient },
  svid: (audience: string) => { spiffe_id: string; svid: string },
): Promise<{ stop(): Promise<void> }> {
  // Below the kubelet's folder, which is a mount of its own, as the volumes that have it as a hard link.
  const socket = statePath(cluster, 'kubelet', 'spire.sock');
  const tokens = ({ audience }: { audience: string[] }) => ({ svids: [svid(audience[0] ?? '')] });
  await rm(socket, { force: true });
  const agent = await startSpiffeAgent({ tokens }, socket);
  await chmod(socket, 0o777);
  const volumes: InlineDriver = {
    name: driverName,
    publish: async (target) => {
      await mkdir(target, { recursive: true });
      await link(socket, path.join(target, socketName));
    },
    unpublish: (target) => rm(target, { recursive: true, force: true }),
  };
  const driver = await startCsiDriver({ cluster, client }, volumes);
  return {
    async stop() {
      await driver.stop();
      await agent.stop();
    },
  };
}
