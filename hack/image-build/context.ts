import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { BuildContext } from './layers.ts';

/** Where images are built, as the environment says: TEKTITE_CACHE_DIR, XDG_CACHE_HOME, TEKTITE_DEBIAN_MIRROR. */
export function contextFrom(env: NodeJS.ProcessEnv): BuildContext {
  const dir = env['TEKTITE_CACHE_DIR'] ?? join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tektite');
  return {
    dir: resolve(dir),
    root: resolve(import.meta.dirname, '../..'),
    mirror: env['TEKTITE_DEBIAN_MIRROR'] ?? 'http://deb.debian.org',
    progress: (line) => console.error(`  ${line}`),
  };
}
