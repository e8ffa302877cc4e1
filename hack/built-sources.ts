import { join } from 'node:path';
import { built } from './built.ts';
import { bundle } from './bundle.ts';
import { root } from './command.ts';
import { BUNDLE_SOURCES } from './commit.ts';
import { builtPage } from './page.ts';

/** What decides the bundle: what `sourceCommit` looks at, and how it is made. */
const BUNDLE = [...BUNDLE_SOURCES, 'tsconfig.json', 'hack/bundle.ts'];
const PAGE = [...BUNDLE_SOURCES, 'hack/page.ts'];

/** The folder that has the bundle of the present sources, without source maps, made if it is not there. */
export function bundleFolder(folder: string, commit?: string): Promise<string> {
  const make = async () => (await bundle(folder, { commit })).filter(({ path }) => !path.endsWith('.map'));
  return built(folder, { name: 'bundle', sources: BUNDLE, input: commit ?? '', make });
}

/** The command line as users have it, bundled from the present sources. */
export async function bundledProgram(): Promise<string> {
  return join(await bundleFolder(root), 'tektite.mjs');
}

/** The folder that has the page of the present sources, made if it is not there. */
export function pageFolder(folder: string): Promise<string> {
  return built(folder, { name: 'page', sources: PAGE, make: () => builtPage(folder) });
}
