import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { statePath } from '../../hack/one-node/instance.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { KubeObject } from '../../src/kube/object.ts';

/** What a kubelet asks of a driver with inline volumes: parts of csi.proto v1 and of its plugin registration. */
const csi = `
syntax = "proto3";
package csi.v1;
service Node {
  rpc NodeGetInfo(Empty) returns (Info);
  rpc NodeGetCapabilities(Empty) returns (Empty);
  rpc NodePublishVolume(Volume) returns (Empty);
  rpc NodeUnpublishVolume(Published) returns (Empty);
}
message Empty {}
message Info { string node_id = 1; }
message Volume { string volume_id = 1; string target = 4; map<string, string> volume_context = 8; }
message Published { string volume_id = 1; string target = 2; }
`;
const registration = `
syntax = "proto3";
package pluginregistration;
service Registration {
  rpc GetInfo(Nothing) returns (PluginInfo);
  rpc NotifyRegistrationStatus(Outcome) returns (Nothing);
}
message Nothing {}
message PluginInfo { string type = 1; string name = 2; string endpoint = 3; repeated string supported_versions = 4; }
message Outcome { bool plugin_registered = 1; string error = 2; }
`;

interface Volume {
  target: string;
  volume_context: Record<string, string>;
}

/** A driver whose volumes are inline: each is made for its pod, and goes with it. */
export interface InlineDriver {
  name: string;
  /** Makes the volume at the path, which is not there yet. */
  publish(target: string, attributes: Readonly<Record<string, string>>): Promise<void>;
  /** Takes it away; also one that is gone already. */
  unpublish(target: string): Promise<void>;
}

/** Its volumes hold their attributes, a file each. */
export const attributesDriver: InlineDriver = {
  name: 'attributes.csi.tektite.dev',
  publish: async (target, attributes) => {
    await mkdir(target, { recursive: true });
    const own = Object.entries(attributes).filter(([name]) => !name.includes('/'));
    await Promise.all(own.map(([name, value]) => writeFile(path.join(target, name), value)));
  },
  unpublish: (target) => rm(target, { recursive: true, force: true }),
};

export interface CsiDriver {
  /** A volume was given back. */
  unpublished: Promise<void>;
  stop(): Promise<void>;
}

const drivers = { group: 'storage.k8s.io', version: 'v1', plural: 'csidrivers', kind: 'CSIDriver', namespaced: false };

/** What cluster and kubelet have to know of it. */
const driverObject = (name: string) =>
  ({
    metadata: {
      name,
      namespace: undefined,
      labels: { 'security.kubernetes.io/csi-ephemeral-volume-profile': 'restricted' },
    },
    spec: { attachRequired: false, podInfoOnMount: true, volumeLifecycleModes: ['Ephemeral'] },
  }) as KubeObject;

/** A CSI driver on the test node, which knows it by then. */
export async function startCsiDriver(
  { cluster, client }: { cluster: string; client: KubeClient },
  driver: InlineDriver,
): Promise<CsiDriver> {
  const folder = await mkdtemp(path.join(tmpdir(), 'csi-'));
  const socket = path.join(folder, 'csi.sock');
  const announced = statePath(cluster, 'kubelet', 'plugins_registry', `${driver.name}-reg.sock`);
  const gone = Promise.withResolvers<void>();
  const known = Promise.withResolvers<void>();
  const node = await serve({ folder, proto: csi, service: ['csi', 'v1', 'Node'] }, socket, {
    NodeGetInfo: () => ({ node_id: 'here' }),
    NodeGetCapabilities: () => ({}),
    NodePublishVolume: async (volume) => {
      const { target, volume_context: attributes } = volume as Volume;
      await driver.publish(target, attributes);
      return {};
    },
    NodeUnpublishVolume: async (volume) => {
      await driver.unpublish((volume as Volume).target);
      gone.resolve();
      return {};
    },
  });
  const announcing = { folder, proto: registration, service: ['pluginregistration', 'Registration'] };
  const announcer = await serve(announcing, announced, {
    GetInfo: () => ({ type: 'CSIPlugin', name: driver.name, endpoint: socket, supported_versions: ['1.0.0'] }),
    NotifyRegistrationStatus: (outcome) => {
      const { plugin_registered: isRegistered, error } = outcome as { plugin_registered: boolean; error: string };
      if (isRegistered) known.resolve();
      else known.reject(new Error(`the kubelet does not take the CSI driver: ${error}`));
      return {};
    },
  });
  await client.create(drivers, driverObject(driver.name));
  await known.promise;
  return {
    unpublished: gone.promise,
    async stop() {
      await client.delete(drivers, '', driver.name).catch(() => undefined);
      announcer.forceShutdown();
      node.forceShutdown();
      await rm(announced, { force: true });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type Method = (request: unknown) => object | Promise<object>;

async function serve(
  { folder, proto, service }: { folder: string; proto: string; service: readonly string[] },
  socket: string,
  methods: Record<string, Method>,
): Promise<Server> {
  const file = path.join(folder, `${service.join('-')}.proto`);
  await writeFile(file, proto);
  let found: unknown = loadPackageDefinition(loadSync(file, { keepCase: true, defaults: true }));
  for (const name of service) found = (found as Record<string, unknown>)[name];
  const server = new Server();
  const handlers = Object.entries(methods).map(([name, method]) => [
    name,
    (call: ServerUnaryCall<unknown, object>, done: sendUnaryData<object>) => {
      Promise.resolve(method(call.request)).then(
        (answer) => done(null, answer),
        (error: unknown) => done({ details: String(error) }, null),
      );
    },
  ]);
  server.addService(
    (found as { service: ServiceDefinition }).service,
    Object.fromEntries(handlers) as UntypedServiceImplementation,
  );
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  return server;
}
