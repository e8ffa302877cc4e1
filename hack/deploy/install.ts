import { readFileSync } from 'node:fs';
import path from 'node:path';
import { command, progress, root } from './command.ts';
import { accessFlags, programPath, type Target } from './pick-cluster.ts';

export const systemNamespace = 'tekton-pipelines';

/** Chart values, as --set takes them. */
export type Values = Record<string, string>;

/** One of our images as the cluster is to run it. */
interface Image {
  repository: string;
  digest?: string;
  tag?: string;
}

interface Images {
  tektite: Image;
  entrypoint: Image;
}

const names = { tektite: 'ghcr.io/tektite/tektite', entrypoint: 'ghcr.io/tektite/entrypoint' } as const;

function version(): string {
  return (JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string }).version;
}

/** Builds our images and brings them to the cluster; a user's cluster pulls the released ones. */
export async function provideImages(target: Target): Promise<Images> {
  switch (target.kind) {
    case 'named':
      return { tektite: { repository: names.tektite, tag: version() }, entrypoint: { repository: names.entrypoint, tag: version() } };
    case 'kind':
      return dockerImages(target.cluster);
    case 'own': {
      progress('building images and pushing them to the cluster');
      const printed = await command(['hack/images', 'push', target.registry, 'tektite', 'entrypoint'], { show: true });
      const digestOf = (repository: string) => /@(sha256:[0-9a-f]{64})/.exec(printed.split('\n').find((line) => line.startsWith(`${repository}@`)) ?? '')?.[1];
      const image = (repository: string): Image => {
        const digest = digestOf(repository);
        return digest ? { repository, digest } : { repository, tag: version() };
      };
      return { tektite: image(names.tektite), entrypoint: image(names.entrypoint) };
    }
    default: {
      const never: never = target;
      return never;
    }
  }
}

async function dockerImages(cluster: string): Promise<Images> {
  const images: Images = { tektite: { repository: names.tektite, tag: version() }, entrypoint: { repository: names.entrypoint, tag: version() } };
  for (const [stage, image] of Object.entries(images) as [string, Image][]) {
    const name = `${image.repository}:${image.tag ?? ''}`;
    progress(`building ${name} with Docker`);
    await command(['docker', 'build', '--target', stage, '--tag', name, '.'], { show: true });
    await command(['kind', 'load', 'docker-image', '--name', cluster, name], { show: true });
  }
  return images;
}

function imageValues(images: Images): Values {
  const of = (key: string, image: Image): Values => ({
    [`images.${key}.repository`]: image.repository,
    [`images.${key}.tag`]: image.tag ?? '',
    [`images.${key}.digest`]: image.digest ?? '',
  });
  return { ...of('tektite', images.tektite), ...of('entrypoint', images.entrypoint), ...of('nop', images.entrypoint) };
}

/** On our own cluster every image host is mirrored to its registry, and none other can be reached. */
function clusterValues(target: Target): Values {
  return target.kind === 'own' ? { 'controller.registryMirrors.*': `http://${target.registry}` } : {};
}

/** Installs or upgrades with the real helm and waits until the controller is ready. CRDs that are there already (an upstream install's) are taken over. */
export async function install(target: Target, values: Values = {}): Promise<void> {
  const images = await provideImages(target);
  const helm = await programPath(target, 'helm');
  progress(`installing Tektite into namespace ${systemNamespace} with helm`);
  const set = Object.entries({ ...imageValues(images), ...clusterValues(target), ...values }).flatMap(([key, value]) => ['--set-string', `${key}=${value}`]);
  await command([
    helm, ...accessFlags(target, 'helm'), 'upgrade', '--install', 'tektite', 'config/chart',
    '--namespace', systemNamespace, '--create-namespace', '--take-ownership', '--force-conflicts', '--wait', '--timeout', '5m', ...set,
  ]);
}
