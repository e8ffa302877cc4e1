/**
 * What the maintainer scripts of Debian's base packages would have written, as tar entries: users, certificates,
 * alternatives.
 */
import { sha256Hex } from './files.ts';
import type { TarEntry } from './tar.ts';

const NON_ROOT = 65532;

export function file(path: string, body: string | Buffer, mode = 0o644): TarEntry {
  return { path, type: 'file', mode, uid: 0, gid: 0, body: typeof body === 'string' ? Buffer.from(body) : body };
}

export function folder(path: string, mode = 0o755, owner = 0): TarEntry {
  return { path, type: 'directory', mode, uid: owner, gid: owner };
}

export function symlink(path: string, target: string): TarEntry {
  return { path, type: 'symlink', mode: 0o777, uid: 0, gid: 0, target };
}

/**
 * /etc/passwd and /etc/group with root, nobody and `nonroot` (65532, as in the images of distroless), and more users if
 * named.
 */
export function userFiles(shell: string, users: Readonly<Record<string, number>> = {}): TarEntry[] {
  const extra = { nonroot: NON_ROOT, ...users };
  const passwd = [
    `root:x:0:0:root:/root:${shell}`,
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
    ...Object.entries(extra).map(([name, id]) => `${name}:x:${id}:${id}:${name}:/home/${name}:${shell}`),
  ];
  const group = [
    'root:x:0:',
    'tty:x:5:',
    'nogroup:x:65534:',
    ...Object.entries(extra).map(([name, id]) => `${name}:x:${id}:`),
  ];
  return [
    file('etc/passwd', `${passwd.join('\n')}\n`),
    file('etc/group', `${group.join('\n')}\n`),
    file(
      'etc/shadow',
      `${['root:!::0:::::', ...Object.keys(extra).map((name) => `${name}:!::0:::::`)].join('\n')}\n`,
      0o640,
    ),
    file('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
    ...Object.entries(extra).map(([name, id]) => folder(`home/${name}`, 0o700, id)),
  ];
}

/**
 * The bundle that update-ca-certificates writes, from the certificates in `entries` (package ca-certificates). Empty
 * when it is not there.
 */
export function certificateBundle(entries: readonly TarEntry[]): TarEntry[] {
  const certificates = entries
    .filter((entry) => entry.path.startsWith('usr/share/ca-certificates/') && entry.path.endsWith('.crt'))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map((entry) => entry.body?.toString('latin1') ?? '');
  return certificates.length === 0 ? [] : [file('etc/ssl/certs/ca-certificates.crt', certificates.join(''))];
}

/** Links that update-alternatives would have made, for commands whose package is in `entries`. */
export function alternatives(entries: readonly TarEntry[]): TarEntry[] {
  const wanted = { awk: 'mawk', which: 'which.debianutils', vi: 'vim.tiny', pager: 'more' };
  const present = new Set(entries.map((entry) => entry.path));
  return Object.entries(wanted)
    .filter(([name, target]) => present.has(`usr/bin/${target}`) && !present.has(`usr/bin/${name}`))
    .map(([name, target]) => symlink(`usr/bin/${name}`, target));
}

const WORTH_LINKING_BYTES = 64 << 10;

/** Large files that occur twice become hard links to the first: Debian's git carries itself two times. */
export function linkDuplicates(entries: readonly TarEntry[]): TarEntry[] {
  const first = new Map<string, string>();
  return entries.map((entry) => {
    if (entry.body === undefined || entry.body.length < WORTH_LINKING_BYTES) return entry;
    const key = `${sha256Hex(entry.body)} ${entry.mode} ${entry.uid} ${entry.gid}`;
    const target = first.get(key);
    if (target === undefined || target === entry.path) {
      first.set(key, entry.path);
      return entry;
    }
    return { ...entry, type: 'hardlink', target, body: undefined };
  });
}
