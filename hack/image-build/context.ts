import { resolve } from 'node:path';
import { cacheFolder } from '../cache-folder.ts';
import type { Architecture } from './architecture.ts';
import type { BuildContext } from './layers.ts';

/**
 * Where images are built, as the environment says: TEKTITE_CACHE_DIR, XDG_CACHE_HOME, TEKTITE_DEBIAN_MIRROR; and for
 * which processor, which need not be that of this machine.
 */
export function contextFrom(env: NodeJS.ProcessEnv, architecture: Architecture = 'amd64'): BuildContext {
  return {
    dir: cacheFolder(env),
    root: resolve(import.meta.dirname, '../..'),
    mirror: env['TEKTITE_DEBIAN_MIRROR'] ?? 'http://deb.debian.org',
    architecture,
    progress: (line) => console.error(`  ${line}`),
  };
}
