/** Layers of the stand-in images: which Debian packages, and what has to be added because nothing is configured. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { command } from '../command.ts';
import { alternatives, certificateBundle, file, folder, linkDuplicates, symlink, userFiles } from './base-files.ts';
import { closureNames, debianEntries, rootSkeleton, type DebianCache } from './debian.ts';
import { exists, inTemporaryFolder } from './files.ts';
import { readTar, type TarEntry } from './tar.ts';

export interface BuildContext extends DebianCache {
  /** The repository's root folder. */
  readonly root: string;
}

export interface LayerRecipe {
  readonly name: string;
  /**
   * Everything besides this folder's source that decides the content; equal inputs mean the stored layer is used again.
   */
  readonly inputs: (context: BuildContext) => Promise<unknown>;
  readonly entries: (context: BuildContext) => Promise<TarEntry[]>;
}

/** What Debian calls essential and a script expects, short of a package manager. */
const BASE_PACKAGES = [
  'base-files',
  'bash',
  'coreutils',
  'dash',
  'debianutils',
  'diffutils',
  'findutils',
  'grep',
  'gzip',
  'hostname',
  'login',
  'mawk',
  'ncurses-base',
  'passwd',
  'perl-base',
  'procps',
  'sed',
  'tar',
  'util-linux',
  'ca-certificates',
];

/** Dependencies that only configuration needs: it does not happen here. */
const CONFIGURATION_ONLY = [
  'adduser',
  'debconf',
  'init-system-helpers',
  'libfile-find-rule-perl',
  'libnumber-compare-perl',
  'libtext-glob-perl',
  'openssl',
  'usrmerge',
  'perl',
  'perl-modules-5.36',
  'libperl5.36',
  'libgdbm6',
  'libgdbm-compat4',
  'util-linux-extra',
];
const PERL_PACKAGES = ['perl', 'perl-modules-5.36', 'libperl5.36', 'libgdbm6', 'libgdbm-compat4'];

export const debianBase: LayerRecipe = {
  name: 'debian-base',
  inputs: () => Promise.resolve([BASE_PACKAGES, CONFIGURATION_ONLY]),
  entries: async (context) => {
    const entries = await debianEntries(context, BASE_PACKAGES, CONFIGURATION_ONLY);
    return [
      ...rootSkeleton(),
      ...entries,
      ...alternatives(entries),
      ...certificateBundle(entries),
      ...userFiles('/bin/bash'),
    ];
  },
};

/** A layer over `debianBase`: packages without those that the base has. */
function overBase(
  name: string,
  packages: readonly string[],
  extra: readonly TarEntry[],
  except = CONFIGURATION_ONLY,
): LayerRecipe {
  return {
    name,
    inputs: () => Promise.resolve([packages, except, extra, BASE_PACKAGES]),
    entries: async (context) => {
      const below = (await closureNames(context, BASE_PACKAGES)).filter((each) => !CONFIGURATION_ONLY.includes(each));
      return [...(await debianEntries(context, packages, [...below, ...except])), ...extra];
    },
  };
}

export const pythonLayer = overBase(
  'python',
  ['python3'],
  [symlink('usr/local/bin/python3', '/usr/bin/python3'), symlink('usr/local/bin/python', '/usr/bin/python3')],
);

/** Shared libraries that the `node` binary loads. */
export const nodeLibrariesLayer = overBase('node-libraries', ['libatomic1', 'libstdc++6'], []);

export const perlLayer = overBase(
  'perl',
  ['perl'],
  [symlink('usr/local/bin/perl', '/usr/bin/perl')],
  CONFIGURATION_ONLY.filter((name) => !PERL_PACKAGES.includes(name)),
);

/**
 * git as in alpine/git: over busybox, so with its own C library; ssh and sshd, which examples use to be their own git
 * server.
 */
export const gitLayer: LayerRecipe = {
  name: 'git',
  inputs: () => Promise.resolve([GIT_PACKAGES, GIT_EXCEPT, GIT_FILES]),
  entries: async (context) => {
    const entries = await debianEntries(context, GIT_PACKAGES, GIT_EXCEPT);
    return [
      ...linkDuplicates(entries.filter((entry) => !GIT_DROPPED.test(entry.path))),
      ...certificateBundle(entries),
      ...GIT_FILES,
    ];
  },
};
const GIT_PACKAGES = ['git', 'openssh-client', 'openssh-server', 'ca-certificates'];
const GIT_EXCEPT = [
  ...CONFIGURATION_ONLY,
  'git-man',
  'liberror-perl',
  'perl-base',
  'dpkg',
  'tar',
  'passwd',
  'login',
  'libpam-runtime',
  'openssh-sftp-server',
  'libsemanage2',
  'libsemanage-common',
  'libdb5.3',
  'libsepol2',
  'ucf',
  'sensible-utils',
  'lsb-base',
  'procps',
  'libproc2-0',
  'libncursesw6',
];
const GIT_DROPPED =
  /^etc\/(init\.d|default|pam\.d|ufw)|^usr\/lib\/git-core\/git-(svn|cvs.*|archimport|p4|http-push|http-fetch|imap-send)$|scalar$|^usr\/share\/(gitweb|git-core\/contrib|perl5)/;
const GIT_FILES: readonly TarEntry[] = [
  folder('git'),
  folder('run/sshd'),
  folder('var/log'),
  file('etc/ssh/sshd_config', 'UsePAM no\n'),
  // Any user may use a volume of another: what steps with different users do all the time.
  file('etc/gitconfig', '[safe]\n\tdirectory = *\n'),
  ...userFiles('/bin/ash', { sshd: 22 }),
];

/** User 1000, as in the image that Tekton's project keeps for examples with git and no root. */
export const gitNonRootLayer: LayerRecipe = {
  name: 'git-nonroot',
  inputs: () => Promise.resolve(userFiles('/bin/ash', { nonroot: 1000 })),
  entries: () => Promise.resolve(userFiles('/bin/ash', { nonroot: 1000, sshd: 22 })),
};

/** busybox with every applet as a link, at the place that busybox itself names. */
export const busyboxLayer: LayerRecipe = {
  name: 'busybox',
  inputs: () => Promise.resolve('busybox-static'),
  entries: async (context) => {
    const binary = await onlyFile(context, 'busybox-static', 'usr/bin/busybox');
    return [
      ...rootSkeleton(),
      file('usr/bin/busybox', binary, 0o755),
      ...(await applets(binary)).map((path) => symlink(path, '/bin/busybox')),
      ...userFiles('/bin/sh'),
    ];
  },
};

/** What tells a script that it is on Alpine Linux, over busybox. */
export const alpineLayer: LayerRecipe = {
  name: 'alpine',
  inputs: () => Promise.resolve(ALPINE_RELEASE),
  entries: () =>
    Promise.resolve([
      file('etc/alpine-release', `${ALPINE_RELEASE}\n`),
      file(
        'etc/os-release',
        `NAME="Alpine Linux"\nID=alpine\nVERSION_ID=${ALPINE_RELEASE}\nPRETTY_NAME="Alpine Linux stand-in (busybox)"\n`,
      ),
    ]),
};
const ALPINE_RELEASE = '3.20.0';

/** bash where the official image has it: /usr/local/bin, not /bin. */
export const bashLayer: LayerRecipe = {
  name: 'bash',
  inputs: () => Promise.resolve('bash-static'),
  entries: async (context) => [
    file('usr/local/bin/bash', await onlyFile(context, 'bash-static', 'usr/bin/bash-static'), 0o755),
    file('usr/local/bin/docker-entrypoint.sh', BASH_ENTRYPOINT, 0o755),
  ],
};
/** As the official image's: a first argument that is an option, or no command on the path, is for bash. */
const BASH_ENTRYPOINT = `#!/usr/bin/env bash
set -Eeuo pipefail
if [ "\${1:0:1}" = '-' ] || ! command -v "\${1:-bash}" > /dev/null; then set -- bash "$@"; fi
exec "$@"
`;

const NPM_VERSION = '11.21.2';

/** Node.js of this repository's own dependency, with npm, over `debianBase`. */
export const nodeToolsLayer: LayerRecipe = {
  name: 'node-tools',
  inputs: () => Promise.resolve([NPM_VERSION, userFiles('/bin/bash', { node: 1000 })]),
  entries: async (context) => {
    const npm = (await readTar(gunzipSync(await npmArchive(context)))).map((entry) => ({
      ...entry,
      uid: 0,
      gid: 0,
      path: `usr/local/lib/node_modules/npm/${entry.path.replace(/^package\//, '')}`,
    }));
    return [
      ...npm,
      symlink('usr/local/bin/npm', '../lib/node_modules/npm/bin/npm-cli.js'),
      symlink('usr/local/bin/npx', '../lib/node_modules/npm/bin/npx-cli.js'),
      file('usr/local/bin/docker-entrypoint.sh', NODE_ENTRYPOINT, 0o755),
      ...userFiles('/bin/bash', { node: 1000 }),
    ];
  },
};
const NODE_ENTRYPOINT = `#!/bin/sh
set -e
if [ "\${1#-}" != "$1" ] || ! command -v "$1" > /dev/null; then set -- node "$@"; fi
exec "$@"
`;

async function npmArchive(context: BuildContext): Promise<Buffer> {
  const dir = join(context.dir, 'npm');
  const archive = join(dir, `npm-${NPM_VERSION}.tgz`);
  await mkdir(dir, { recursive: true });
  if (!(await exists(archive))) {
    context.progress(`downloading npm ${NPM_VERSION}`);
    await command(['npm', 'pack', `npm@${NPM_VERSION}`, '--pack-destination', dir], { cwd: dir });
  }
  return readFile(archive);
}

async function onlyFile(context: BuildContext, name: string, path: string): Promise<Buffer> {
  const body = (await debianEntries(context, [name])).find((entry) => entry.path === path)?.body;
  if (body === undefined) throw new Error(`Debian package ${name} has no file ${path}`);
  return body;
}

/** Paths of busybox's applets under merged /usr, asked of the binary itself. */
async function applets(binary: Buffer): Promise<string[]> {
  return inTemporaryFolder(async (dir) => {
    await writeFile(join(dir, 'busybox'), binary, { mode: 0o755 });
    const paths = (await command([join(dir, 'busybox'), '--list-full']))
      .trim()
      .split('\n')
      .map((path) => (/^s?bin\//.test(path) ? `usr/${path}` : path));
    return paths.filter((path) => path !== 'usr/bin/busybox' && path !== 'linuxrc');
  });
}
