import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where what was built is kept: TEKTITE_CACHE_DIR, else `tektite` in the user's cache folder. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env['TEKTITE_CACHE_DIR'] ?? join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tektite'));
}
