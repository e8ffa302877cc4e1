/** Debian packages that the cluster needs. Installed only when the file they bring is missing. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { messageOf } from '../../src/errors.ts';
import { installArguments, installPackages } from '../apt.ts';
import { command } from '../command.ts';
import { say } from '../progress.ts';
import type { Mode } from './instance.ts';

/** Package names by the file or command that tells whether they are there. */
const CONTROL_PLANE = { openssl: 'openssl' } as const;
const NODE = { ip: 'iproute2', nft: 'nftables', nsenter: 'util-linux', mount: 'mount', tar: 'tar' } as const;

const COMPILER = {
  gcc: 'gcc',
  'pkg-config': 'pkg-config',
  '/usr/include/stdlib.h': 'libc6-dev',
  '/usr/include/seccomp.h': 'libseccomp-dev',
} as const;

/** The -core packages bring the programs alone: no service that starts by itself. */
const DATABASE = { mariadbd: 'mariadb-server-core', mariadb: 'mariadb-client-core', openssl: 'openssl' } as const;

/** What running a cluster needs. */
export function ensureRuntimePackages(mode: Mode): Promise<void> {
  return ensurePackages(mode === 'full' ? { ...CONTROL_PLANE, ...NODE } : CONTROL_PLANE);
}

/** What building programs with C in them needs: runc is where it enters namespaces. */
export function ensureCompilerPackages(): Promise<void> {
  return ensurePackages(COMPILER);
}

/** What enforcing NetworkPolicies needs, for tests. */
export function ensureNetworkPolicyPackages(): Promise<void> {
  return ensurePackages({ iptables: 'iptables', ipset: 'ipset' });
}

/** Shells that completion is tried in, for tests. */
export function ensureShells(): Promise<void> {
  return ensurePackages({ zsh: 'zsh', fish: 'fish', script: 'bsdutils' });
}

/** What running a transparency log and its certificate authorities needs. */
export function ensureSigstorePackages(): Promise<void> {
  return ensurePackages(DATABASE);
}

async function ensurePackages(wanted: Readonly<Record<string, string>>): Promise<void> {
  const missing: string[] = [];
  for (const [probe, name] of Object.entries(wanted))
    if (!missing.includes(name) && !(await present(probe))) missing.push(name);
  if (missing.length === 0) return;
  say(`installing Debian packages: ${missing.join(' ')}`);
  try {
    await command(['apt-get', 'update']);
    await installPackages(missing);
  } catch (error) {
    throw new Error(
      `cannot install ${missing.join(', ')}: run "apt-get ${installArguments(missing).join(' ')}" by hand\n${messageOf(error)}`,
      { cause: error },
    );
  }
}

async function present(probe: string): Promise<boolean> {
  const folders = `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter);
  for (const path of isAbsolute(probe) ? [probe] : folders.map((folder) => join(folder, probe))) {
    const mode = isAbsolute(probe) ? constants.R_OK : constants.X_OK;
    if (
      await access(path, mode).then(
        () => true,
        () => false,
      )
    )
      return true;
  }
  return false;
}
