import { existsSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../hack/command.ts';

/** Where upstream's example manifests lie on this machine: they are not part of the project. Undefined when nowhere. */
export function examplesFolder(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env['TEKTITE_CONFORMANCE_DIR'];
  const folder = path.resolve(root, named ?? '../shared/conformance/examples');
  if (existsSync(folder)) return folder;
  if (named !== undefined) throw new Error(`TEKTITE_CONFORMANCE_DIR: there is no folder ${folder}`);
  return undefined;
}
