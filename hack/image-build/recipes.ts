/**
 * The images: ours, and stand-ins for public ones under the names that manifests use (a registry mirror drops the host
 * part).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleLayer, emptyRootLayer, nodeLayer, runtimeLayer, stepBinariesLayer } from './application.ts';
import { craneLayer, gitInitLayer, kanikoLayer, registryLayer } from './tools.ts';
import {
  alpineLayer,
  bashLayer,
  busyboxLayer,
  debianBase,
  gitLayer,
  gitNonRootLayer,
  nodeLibrariesLayer,
  nodeToolsLayer,
  perlLayer,
  pythonLayer,
  type LayerRecipe,
} from './layers.ts';
import type { ContainerConfig } from './oci.ts';

export interface ImageRecipe {
  /** What `hack/images build NAME` takes. */
  readonly name: string;
  /** Full names that it has or stands in for: `docker.io/library/ubuntu`. */
  readonly repositories: readonly string[];
  readonly tags: readonly string[];
  readonly layers: readonly LayerRecipe[];
  readonly config: ContainerConfig;
}

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const CERTIFICATES = 'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt';
const NON_ROOT = '65532:65532';

/** An official image: on Docker Hub as `library/x`, in mirrors of it also as `x`. */
function official(name: string): string[] {
  return [`docker.io/library/${name}`, `mirror.gcr.io/${name}`];
}

/** The path in a registry that mirrors every other one: without the host. */
export function mirroredPath(repository: string): string {
  return repository.slice(repository.indexOf('/') + 1);
}

const STAND_INS: readonly ImageRecipe[] = [
  {
    name: 'ubuntu',
    repositories: official('ubuntu'),
    tags: ['latest', '20.04', '22.04', '24.04', 'noble', 'jammy'],
    layers: [debianBase],
    config: { cmd: ['/bin/bash'], env: [PATH] },
  },
  {
    name: 'debian',
    repositories: official('debian'),
    tags: ['latest', '12', '12-slim', 'bookworm', 'bookworm-slim', 'stable-slim'],
    layers: [debianBase],
    config: { cmd: ['bash'], env: [PATH] },
  },
  {
    name: 'busybox',
    repositories: [...official('busybox'), 'cgr.dev/chainguard/busybox'],
    tags: ['latest', '1', '1.35', '1.36', '1.37', 'musl', 'glibc', 'stable'],
    layers: [busyboxLayer],
    config: { cmd: ['sh'], env: [PATH] },
  },
  {
    name: 'alpine',
    repositories: official('alpine'),
    tags: ['latest', '3', '3.12', '3.12.0', '3.15', '3.18', '3.19', '3.20', '3.20.1', '3.21', '3.22', 'edge'],
    layers: [busyboxLayer, alpineLayer],
    config: { cmd: ['/bin/sh'], env: [PATH], workingDir: '/' },
  },
  {
    name: 'bash',
    repositories: official('bash'),
    tags: ['latest', '3.2', '5', '5.1', '5.1.4', '5.1.8', '5.2', '5.2.26', '5.3'],
    layers: [busyboxLayer, alpineLayer, bashLayer],
    config: { entrypoint: ['docker-entrypoint.sh'], cmd: ['bash'], env: [PATH, '_BASH_VERSION=5.2.15'] },
  },
  {
    name: 'git',
    repositories: ['docker.io/alpine/git', 'gcr.io/cloud-builders/git', 'cgr.dev/chainguard/git'],
    tags: ['latest', 'v2.26.2', '2.43.0', '2.45.2', '2.47.2', 'v2.47.2'],
    layers: [busyboxLayer, alpineLayer, gitLayer],
    config: { entrypoint: ['git'], cmd: ['--help'], env: [PATH, CERTIFICATES], workingDir: '/git' },
  },
  {
    name: 'git-nonroot',
    repositories: ['ghcr.io/tektoncd/plumbing/alpine-git-nonroot'],
    tags: ['latest'],
    layers: [busyboxLayer, alpineLayer, gitLayer, gitNonRootLayer],
    config: { entrypoint: ['git'], env: [PATH, CERTIFICATES], user: '1000', workingDir: '/home/nonroot' },
  },
  {
    name: 'nop',
    repositories: [
      'ghcr.io/tektoncd/pipeline/nop-8eac7c133edad5df719dc37b36b62482',
      'gcr.io/tekton-releases/github.com/tektoncd/pipeline/cmd/nop',
    ],
    tags: ['latest'],
    layers: [emptyRootLayer, stepBinariesLayer],
    config: { entrypoint: ['/ko-app/nop'], env: [PATH], user: NON_ROOT },
  },
  {
    name: 'git-init',
    repositories: [
      'gcr.io/tekton-releases/github.com/tektoncd/pipeline/cmd/git-init',
      'ghcr.io/tektoncd/pipeline/git-init',
      'ghcr.io/tektoncd/github.com/tektoncd/pipeline/cmd/git-init',
    ],
    tags: ['latest', 'v0.21.0', 'v0.40.2', 'v0.44.5'],
    layers: [busyboxLayer, alpineLayer, gitLayer, gitInitLayer],
    config: { entrypoint: ['/ko-app/git-init'], env: [PATH, CERTIFICATES], user: NON_ROOT },
  },
  {
    name: 'python',
    repositories: official('python'),
    tags: [
      'latest',
      '3',
      '3.12',
      '3.12.4',
      '3.13',
      '3-slim',
      '3.12-slim',
      '3.13-slim',
      'alpine',
      '3-alpine',
      '3.12-alpine',
    ],
    layers: [debianBase, pythonLayer],
    config: { cmd: ['python3'], env: [PATH, 'LANG=C.UTF-8'] },
  },
  {
    name: 'perl',
    repositories: official('perl'),
    tags: ['latest', '5', 'stable', '5.40', '5.36'],
    layers: [debianBase, perlLayer],
    config: { cmd: ['perl', '-de0'], env: [PATH] },
  },
  {
    name: 'node',
    repositories: official('node'),
    tags: [
      'latest',
      'lts',
      'lts-alpine3.11',
      'lts-alpine3.20',
      'lts-alpine',
      'alpine',
      '20',
      '22',
      '24',
      '24-slim',
      '24-bookworm-slim',
      '26',
      '26-slim',
    ],
    layers: [debianBase, nodeLibrariesLayer, nodeLayer, nodeToolsLayer],
    config: { entrypoint: ['docker-entrypoint.sh'], cmd: ['node'], env: [PATH] },
  },
  {
    name: 'crane',
    repositories: ['gcr.io/go-containerregistry/crane'],
    tags: ['debug', 'latest'],
    layers: [busyboxLayer, craneLayer],
    config: { entrypoint: ['/ko-app/crane'], env: [`${PATH}:/ko-app:/busybox`, CERTIFICATES], user: NON_ROOT },
  },
  {
    name: 'kaniko',
    repositories: ['gcr.io/kaniko-project/executor'],
    tags: ['latest', 'v1.5.1'],
    layers: [busyboxLayer, craneLayer, kanikoLayer],
    config: { entrypoint: ['/kaniko/executor'], env: [`${PATH}:/ko-app:/busybox`, CERTIFICATES] },
  },
  {
    name: 'registry',
    repositories: official('registry'),
    tags: ['latest', '2', '2.8', '2.8.3', '3'],
    layers: [busyboxLayer, registryLayer],
    config: { entrypoint: ['/entrypoint.sh'], cmd: ['/etc/docker/registry/config.yml'], env: [PATH] },
  },
];

/** Our own images, under the repositories of ghcr.io, tagged with package.json's version. */
/**
 * The heap may grow with the memory limit of the container (by itself Node stays at half of it), but is collected when
 * it is a quarter larger than what lives in it: Node's own way is to wait for the double, which left 300 MB of a burst.
 */
export const SMALL_HEAP_FLAGS = ['--max-semi-space-size=8', '--heap-growing-percent=25'];

async function ownImages(root: string): Promise<ImageRecipe[]> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const tags = [version, 'latest'];
  const source = { 'org.opencontainers.image.title': 'tektite', 'org.opencontainers.image.version': version };
  return [
    {
      name: 'tektite',
      repositories: ['ghcr.io/tektite/tektite'],
      tags,
      layers: [runtimeLayer, nodeLayer, stepBinariesLayer, bundleLayer],
      config: {
        entrypoint: ['node', '--max-old-space-size-percentage=75', ...SMALL_HEAP_FLAGS, '/app/tektite.mjs'],
        env: [PATH, CERTIFICATES, 'NODE_ENV=production'],
        user: NON_ROOT,
        workingDir: '/app',
        labels: source,
      },
    },
    {
      name: 'entrypoint',
      repositories: ['ghcr.io/tektite/entrypoint'],
      tags,
      layers: [emptyRootLayer, stepBinariesLayer],
      config: {
        entrypoint: ['/ko-app/nop'],
        env: [PATH],
        user: NON_ROOT,
        labels: { ...source, 'org.opencontainers.image.title': 'tektite-entrypoint' },
      },
    },
  ];
}

export async function imageRecipes(root: string): Promise<ImageRecipe[]> {
  return [...STAND_INS, ...(await ownImages(root))];
}

/** The recipes of these names (all when none is given), each once. Throws naming an unknown one and those there are. */
export function selectRecipes(recipes: readonly ImageRecipe[], names: readonly string[]): ImageRecipe[] {
  const unknown = names.find((name) => !recipes.some((recipe) => recipe.name === name));
  if (unknown !== undefined) {
    throw new Error(
      `there is no image ${JSON.stringify(unknown)}: give one of ${recipes.map((recipe) => recipe.name).join(', ')}`,
    );
  }
  return recipes.filter((recipe) => names.length === 0 || names.includes(recipe.name));
}
