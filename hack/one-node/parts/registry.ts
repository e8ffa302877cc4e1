import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRegistry, pushOciLayout } from '../../image-build/registry.ts';
import { writeOciImage } from '../../image-build/oci.ts';
import { probeHttp } from '../api.ts';
import { statePath, type Instance } from '../instance.ts';
import type { Part } from '../part.ts';

/** The image of every pod's sandbox. */
export const PAUSE_IMAGE = 'registry.k8s.io/pause:3.10';

export function registryUrl(instance: Instance): string {
  return `http://${instance.address}:5000`;
}

/** The registry that stands for every registry: containerd asks it for whatever host an image's name has. */
export const registry: Part = {
  name: 'registry',
  modes: ['full'],
  after: [],
  binaries: ['registry', 'pause'],
  launch(instance, binary) {
    const config = statePath(instance.name, 'registry.yml');
    const settings = {
      version: 0.1,
      log: { level: 'warn', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: statePath(instance.name, 'registry') }, delete: { enabled: true } },
      http: { addr: `${instance.address}:5000` },
    };
    const env = { OTEL_TRACES_EXPORTER: 'none' };
    return { argv: [binary('registry'), 'serve', config], env, files: { [config]: JSON.stringify(settings, null, 2) } };
  },
  health: (instance) => probeHttp(`${registryUrl(instance)}/v2/`),
  async onHealthy(instance, binary) {
    const target = openRegistry(registryUrl(instance));
    const folder = await mkdtemp(join(tmpdir(), 'pause-image-'));
    try {
      const pause = await target.repository('pause');
      if ((await pause.headManifest('3.10', AbortSignal.timeout(30_000))) !== undefined) return;
      const program = {
        path: 'pause',
        type: 'file',
        mode: 0o755,
        uid: 0,
        gid: 0,
        body: await readFile(binary('pause')),
      } as const;
      await writeOciImage(
        {
          layers: [{ entries: [program] }],
          config: { entrypoint: ['/pause'], user: '65535:65535' },
          names: [PAUSE_IMAGE],
        },
        folder,
      );
      await pushOciLayout(folder, target, 'pause', ['3.10']);
    } finally {
      await rm(folder, { recursive: true, force: true });
      await target.close();
    }
  },
};
