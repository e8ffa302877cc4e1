/**
 * Debian packages as tar entries: resolved and downloaded by apt-get in a private state folder (the machine's own
 * package state is neither read nor changed), merged in memory, never configured: maintainer scripts do not run. What
 * they would have made and images need (users, certificate bundle, alternatives) is made by `baseFiles`.
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { command, commandBytes, CommandError } from '../command.ts';
import type { Architecture } from './architecture.ts';
import { ensureFile } from './files.ts';
import { readTar, type TarEntry } from './tar.ts';

export const DEBIAN_RELEASE = 'bookworm';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Folders that Debian merged into /usr: packages of this release still ship files in both places. */
const MERGED_FOLDERS = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/** Nothing in a container reads these. Licence texts (usr/share/doc/x/copyright) stay. */
const DROPPED =
  /^usr\/share\/(man|info|locale|lintian|linda|bug|bash-completion|zsh|doc-base|menu|pixmaps|applications)(\/|$)|^usr\/share\/doc\/(?!.*\/copyright$)|^usr\/lib\/systemd(\/|$)|^var\/(cache|log)\/.+/;

export interface DebianCache {
  /** Holds package lists, archives and resolved closures. */
  readonly dir: string;
  /** `http://deb.debian.org`, or a mirror with the same two archives. */
  readonly mirror: string;
  /** Whose packages. */
  readonly architecture: Architecture;
  readonly progress: (line: string) => void;
}

/** Files of packages with everything that they depend on, minus `except` (names, with or without what those bring). */
export async function debianEntries(
  cache: DebianCache,
  packages: readonly string[],
  except: readonly string[] = [],
): Promise<TarEntry[]> {
  const archives = await downloadClosure(cache, packages);
  const excluded = new Set(except);
  const entries: TarEntry[] = [];
  for (const archive of archives.filter((path) => !excluded.has(packageName(path)))) {
    for (const entry of await readTar(await commandBytes(['dpkg-deb', '--fsys-tarfile', archive]))) {
      const merged = mergedIntoUsr(entry);
      if (merged !== undefined && !DROPPED.test(merged.path)) entries.push(merged);
    }
  }
  return entries;
}

/** Names of the packages that `packages` bring with them, themselves included. */
export async function closureNames(cache: DebianCache, packages: readonly string[]): Promise<string[]> {
  return (await closurePackages(cache, packages)).map(({ name }) => name);
}

/** The same with versions, as Debian writes them. */
export async function closurePackages(
  cache: DebianCache,
  packages: readonly string[],
): Promise<{ name: string; version: string }[]> {
  return (await downloadClosure(cache, packages)).map((archive) => {
    const [name = archive, version = ''] = basename(archive).split('_');
    return { name, version: version.replaceAll('%3a', ':') };
  });
}

/** The entry where it lies on a system with merged /usr; undefined for the folders that are symbolic links there. */
export function mergedIntoUsr(entry: TarEntry): TarEntry | undefined {
  if (MERGED_FOLDERS.includes(entry.path)) return undefined;
  const move = (path: string): string => (MERGED_FOLDERS.includes(path.split('/', 1)[0] ?? '') ? `usr/${path}` : path);
  const target = entry.type === 'hardlink' && entry.target !== undefined ? move(entry.target) : entry.target;
  return { ...entry, path: move(entry.path), ...(target === undefined ? {} : { target }) };
}

/** The symbolic links that make /usr merged, and the folders every system has. */
export function rootSkeleton(): TarEntry[] {
  const link = (path: string): TarEntry => ({
    path,
    type: 'symlink',
    mode: 0o777,
    uid: 0,
    gid: 0,
    target: `usr/${path}`,
  });
  const folder = (path: string, mode = 0o755): TarEntry => ({ path, type: 'directory', mode, uid: 0, gid: 0 });
  return [
    ...['bin', 'sbin', 'lib', 'lib64'].flatMap((name) => [link(name), folder(`usr/${name}`)]),
    ...['dev', 'etc', 'home', 'proc', 'run', 'sys', 'usr/local/bin', 'var', 'var/lib'].map((path) => folder(path)),
    ...['tmp', 'var/tmp'].map((path) => folder(path, 0o1777)),
    folder('root', 0o700),
  ];
}

const closures = new Map<string, Promise<string[]>>();

/**
 * Archive files of the packages and all that they depend on; asked of apt-get once per process, which takes a second or
 * two.
 */
function downloadClosure(cache: DebianCache, packages: readonly string[]): Promise<string[]> {
  const key = JSON.stringify([stateFolder(cache), packages]);
  const closure = closures.get(key) ?? resolveClosure(cache, packages);
  closures.set(key, closure);
  return closure;
}

async function resolveClosure(cache: DebianCache, packages: readonly string[]): Promise<string[]> {
  const state = stateFolder(cache);
  const options = await aptOptions(cache, state);
  await refreshOnce(cache, options);
  const archives = join(state, 'cache', 'archives');
  const stdout = await aptGet([...options, 'install', '--yes', '--simulate', ...packages]);
  const wanted = [...stdout.matchAll(/^Inst (\S+) \((\S+) /gm)].map(([, name = '', version = '']) => ({
    name,
    version,
  }));
  const find = async (): Promise<(string | undefined)[]> => {
    const present = await readdir(archives);
    return wanted.map(({ name, version }) =>
      present.find((file) => file.startsWith(`${name}_${version.replaceAll(':', '%3a')}_`)),
    );
  };
  const missing = (await find()).filter((file) => file === undefined).length;
  if (missing > 0) {
    cache.progress(`downloading ${missing} Debian packages`);
    await aptGet([...options, 'install', '--yes', '--download-only', ...packages]);
  }
  return (await find()).map((file, index) => {
    if (file !== undefined) return join(archives, file);
    throw new Error(
      `apt-get downloaded no archive for package ${wanted[index]?.name ?? ''} ${wanted[index]?.version ?? ''} into ${archives}`,
    );
  });
}

function stateFolder({ dir, architecture }: DebianCache): string {
  return join(dir, architecture === 'amd64' ? 'apt' : `apt-${architecture}`);
}

async function aptOptions(cache: DebianCache, state: string): Promise<string[]> {
  await ensureFile(KEYRING, 'debian-archive-keyring', cache.progress);
  for (const folder of ['state/lists/partial', 'cache/archives/partial'])
    await mkdir(join(state, folder), { recursive: true });
  await writeFile(join(state, 'status'), '');
  const source = (archive: string, suite: string): string =>
    `deb [signed-by=${KEYRING}] ${cache.mirror}/${archive} ${suite} main\n`;
  await writeFile(
    join(state, 'sources.list'),
    source('debian', DEBIAN_RELEASE) +
      source('debian', `${DEBIAN_RELEASE}-updates`) +
      source('debian-security', `${DEBIAN_RELEASE}-security`),
  );
  const settings = {
    'Dir::State': join(state, 'state'),
    'Dir::State::status': join(state, 'status'),
    'Dir::Cache': join(state, 'cache'),
    'Dir::Etc::sourcelist': join(state, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'APT::Architecture': cache.architecture,
    'APT::Architectures::': cache.architecture,
    'APT::Install-Recommends': 'false',
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
  };
  return ['-q', ...Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])];
}

const refreshed = new Set<string>();

async function refreshOnce(cache: DebianCache, options: readonly string[]): Promise<void> {
  if (refreshed.has(stateFolder(cache))) return;
  cache.progress(`reading the package lists of Debian ${DEBIAN_RELEASE}`);
  await aptGet([...options, 'update']);
  refreshed.add(stateFolder(cache));
}

async function aptGet(args: readonly string[]): Promise<string> {
  try {
    return await command(['apt-get', ...args], { env: { LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' } });
  } catch (error) {
    if (error instanceof CommandError && error.notStarted)
      throw new Error(
        'apt-get was not found: stand-in images are built from Debian packages on a Debian or Ubuntu machine',
        { cause: error },
      );
    throw error;
  }
}

function packageName(archive: string): string {
  return basename(archive).split('_', 1)[0] ?? archive;
}
