import { bundle } from './bundle.ts';
import { built } from './built.ts';
import { BUNDLE_SOURCES } from './commit.ts';
import { builtPage } from './page.ts';

/** What decides the bundle: what `sourceCommit` looks at, and how it is made. */
const BUNDLE = [...BUNDLE_SOURCES, 'tsconfig.json', 'hack/bundle.ts'];
const PAGE = [...BUNDLE_SOURCES, 'hack/page.ts'];

/** The folder that has the bundle of the present sources, without source maps, made if it is not there. */
export function bundleFolder(root: string, commit?: string): Promise<string> {
  const make = async () => (await bundle(root, { commit })).filter(({ path }) => !path.endsWith('.map'));
  return built(root, { name: 'bundle', sources: BUNDLE, input: commit ?? '', make });
}

/** The folder that has the page of the present sources, made if it is not there. */
export function pageFolder(root: string): Promise<string> {
  return built(root, { name: 'page', sources: PAGE, make: () => builtPage(root) });
}
