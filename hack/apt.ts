import { command } from './command.ts';

/** Arguments of apt-get that install packages. It waits for another one: stages of the tests run beside each other. */
export function installArguments(packages: readonly string[]): string[] {
  return ['-q', '-o', 'DPkg::Lock::Timeout=300', 'install', '--yes', '--no-install-recommends', ...packages];
}

/** Installs Debian packages; nobody is asked anything. @throws CommandError */
export async function installPackages(packages: readonly string[]): Promise<void> {
  await command(['apt-get', ...installArguments(packages)], { env: { DEBIAN_FRONTEND: 'noninteractive' } });
}
