import { existsSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../hack/command.ts';

/** Where upstream's example manifests lie on this machine: they are not part of the project. Undefined when nowhere. */
export function examplesFolder(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return folderOf('TEKTITE_CONFORMANCE_DIR', '../shared/conformance/examples', env);
}

/** Where the manifests of a first user's walkthrough lie. Undefined when nowhere. */
export function walkthroughFolder(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return folderOf('TEKTITE_WALKTHROUGH_DIR', '../shared/conformance/walkthrough', env);
}

function folderOf(variable: string, usual: string, env: NodeJS.ProcessEnv): string | undefined {
  const named = env[variable];
  const folder = path.resolve(root, named ?? usual);
  if (existsSync(folder)) return folder;
  if (named !== undefined) throw new Error(`${variable}: there is no folder ${folder}`);
  return undefined;
}
