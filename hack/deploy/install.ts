import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/errors.ts';
import { Registries } from '../../src/registry/client.ts';
import { command, root } from '../command.ts';
import { sourceCommit } from '../commit.ts';
import { progress } from '../progress.ts';
import { accessFlags, programPath, type Target } from './pick-cluster.ts';

export const systemNamespace = 'tekton-pipelines';

/** Chart values, as --set takes them: true, false and digits are no strings. */
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

/** Our images under the names of this version's release. */
function releasedImages(): Images {
  const tag = version();
  return { tektite: { repository: names.tektite, tag }, entrypoint: { repository: names.entrypoint, tag } };
}

/** Builds our images and brings them to the cluster; a user's cluster pulls the released ones. */
export async function provideImages(target: Target): Promise<Images> {
  switch (target.kind) {
    case 'named':
      return target.registry === undefined
        ? publicImages(target.context)
        : pushedImages(target.registry, withoutScheme(target.registry));
    case 'kind':
      return dockerImages(target.cluster);
    case 'own':
      // Every image host is mirrored to its registry.
      return pushedImages(`http://${target.registry}`, 'ghcr.io');
    default: {
      const never: never = target;
      return never;
    }
  }
}

/** Builds our images and pushes them to a registry, below which the cluster knows them as `place`. */
async function pushedImages(registry: string, place: string): Promise<Images> {
  progress(`building images and pushing them to ${registry}`);
  const printed = await command(['hack/images', 'push', registry, 'tektite', 'entrypoint'], { show: true });
  const image = (name: string): Image => {
    const digest = /@(sha256:[0-9a-f]{64})/.exec(
      printed.split('\n').find((line) => line.startsWith(`${name}@`)) ?? '',
    )?.[1];
    const repository = name.replace(/^[^/]+/, place);
    return digest ? { repository, digest } : { repository, tag: version() };
  };
  return { tektite: image(names.tektite), entrypoint: image(names.entrypoint) };
}

function withoutScheme(registry: string): string {
  return registry.replace(/^https?:\/\//, '').replace(/\/$/, '');
}

/** The released images. @throws saying what to do where they are not to be had, before the cluster waits for them. */
async function publicImages(context: string): Promise<Images> {
  const registries = new Registries();
  try {
    for (const name of Object.values(names)) {
      const [host = '', ...path] = name.split('/');
      await registries
        .repository(host, path.join('/'), { access: 'pull' })
        .getManifest(version(), AbortSignal.timeout(30_000));
    }
  } catch (error) {
    const way = `give --registry HOST[:PORT][/PREFIX] (or TEKTITE_REGISTRY), a registry to push our images to that the cluster of context ${context} pulls from`;
    throw new Error(
      `the released images ${names.tektite}:${version()} and ${names.entrypoint}:${version()} are not to be had: ${messageOf(error)}; ${way}`,
      { cause: error },
    );
  } finally {
    await registries.close();
  }
  return releasedImages();
}

async function dockerImages(cluster: string): Promise<Images> {
  const images = releasedImages();
  for (const [stage, image] of Object.entries(images) as [string, Image][]) {
    const name = `${image.repository}:${image.tag ?? ''}`;
    progress(`building ${name} with Docker`);
    const commit = `TEKTITE_COMMIT=${(await sourceCommit()) ?? 'unknown'}`;
    await command(['docker', 'build', '--build-arg', commit, '--target', stage, '--tag', name, '.'], { show: true });
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
  if (target.kind !== 'own') return {};
  const mirror = `http://${target.registry}`;
  return { 'controller.registryMirrors.*': mirror, 'resolvers.registryMirrors.*': mirror };
}

/**
 * Installs or upgrades with the real helm and waits until every role is ready. CRDs that are there already (an
 * upstream install's) are taken over.
 */
export async function install(target: Target, values: Values = {}): Promise<void> {
  const images = await provideImages(target);
  const helm = await programPath(target, 'helm');
  progress(`installing Tektite into namespace ${systemNamespace} with helm`);
  const flags = (flag: string, all: Values) => Object.entries(all).flatMap(([key, value]) => [flag, `${key}=${value}`]);
  // A tag may look like a number.
  const ours = flags('--set-string', { ...imageValues(images), ...clusterValues(target) });
  await command([
    helm,
    ...accessFlags(target, 'helm'),
    'upgrade',
    '--install',
    'tektite',
    'config/chart',
    '--namespace',
    systemNamespace,
    '--create-namespace',
    '--take-ownership',
    '--force-conflicts',
    '--wait',
    '--timeout',
    '5m',
    ...ours,
    ...flags('--set', values),
  ]);
  await untilAdmitted(target);
}

const ADMITTED_MS = 60_000;
const ADMITTED_POLL_MS = 250;
const probe = {
  apiVersion: 'tekton.dev/v1',
  kind: 'Task',
  metadata: { generateName: 'probe-', namespace: systemNamespace },
  spec: { steps: [{ image: 'none', script: 'true' }] },
};

/**
 * Waits until the API server takes a Task, of which it keeps nothing: it reaches a webhook's replicas a moment after
 * they are ready. @throws what it says to everything but a webhook that it does not reach
 */
export async function untilAdmitted(target: Target): Promise<void> {
  const kubectl = await programPath(target, 'kubectl');
  const ask = [kubectl, ...accessFlags(target, 'kubectl'), 'create', '--dry-run=server', '--filename', '-'];
  for (const end = Date.now() + ADMITTED_MS; ;) {
    try {
      await command(ask, { input: JSON.stringify(probe) });
      return;
    } catch (error) {
      if (Date.now() > end || !/failed calling webhook/.test(messageOf(error))) throw error;
      await sleep(ADMITTED_POLL_MS);
    }
  }
}
