import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const source = path.resolve(import.meta.dirname, '../src');

/** Small files at the top of src that anything may import: they import nothing of ours but each other. */
const leaves = [
  'certificate.fake.ts',
  'clock.ts',
  'clock.fake.ts',
  'comma-list.ts',
  'concurrency.ts',
  'duration.ts',
  'errors.ts',
  'json-object.ts',
  'log.ts',
  'memo.ts',
  'metrics.ts',
  'optional.ts',
  'pem.ts',
  'redact.ts',
  'request-body.fake.ts',
  'resource.ts',
  'same-json.ts',
  'version.ts',
];

/** Which rooms a room may import, itself aside. The order is the order of dependency (README, "Tree"). */
const mayImport: Record<string, string[]> = {
  api: [],
  core: ['api', 'cel'],
  cel: [],
  jsonpath: [],
  kube: [],
  http: [],
  registry: ['http'],
  images: ['api', 'core', 'kube', 'http', 'registry'],
  role: ['api', 'kube', 'http'],
  spire: ['api', 'core'],
  chains: ['api', 'core', 'kube', 'http', 'registry', 'images', 'role', 'spire'],
  triggers: ['api', 'core', 'cel', 'jsonpath', 'kube', 'http', 'role'],
  webhook: ['api', 'core', 'kube', 'http', 'role'],
  doctor: ['api', 'kube', 'role', 'chains', 'resolvers', 'triggers', 'webhook'],
  resolvers: ['api', 'core', 'kube', 'http', 'registry', 'images', 'role'],
  dashboard: ['api', 'core', 'kube', 'http', 'registry', 'images', 'role', 'chains', 'doctor'],
  reconcilers: ['api', 'core', 'kube'],
  commands: [
    'api',
    'core',
    'jsonpath',
    'kube',
    'http',
    'registry',
    'images',
    'resolvers',
    'chains',
    'triggers',
    'doctor',
    // What its page decides alone: see below.
    'dashboard',
  ],
  controller: [
    'api',
    'core',
    'kube',
    'http',
    'registry',
    'images',
    'role',
    'resolvers',
    'chains',
    'reconcilers',
    'spire',
    'triggers',
  ],
  cli: [
    'api',
    'core',
    'kube',
    'role',
    'resolvers',
    'chains',
    'triggers',
    'webhook',
    'dashboard',
    'reconcilers',
    'commands',
    'controller',
  ],
};

interface Import {
  file: string;
  room: string;
  target: string;
  targetRoom: string;
}

function room(relative: string): string {
  const [first = '', ...rest] = relative.split('/');
  if (rest.length > 0) return first;
  if (leaves.includes(first) || leaves.includes(first.replace('.test.ts', '.ts'))) return 'leaf';
  return first.replace(/(\.test)?\.tsx?$/, '');
}

function importsOf(file: string): Import[] {
  const relative = path.relative(source, file);
  const found = readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g);
  return [...found].map((match) => {
    const target = path.relative(source, path.resolve(path.dirname(file), match[1] ?? ''));
    return { file: relative, room: room(relative), target, targetRoom: room(target) };
  });
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => /(?<!\.d)\.tsx?$/.test(name))
  .map((name) => path.join(source, name));
const imports = files.flatMap(importsOf);
/** What is shipped: no tests, no fakes. */
const product = files.filter((file) => !/\.(test|fake)\.tsx?$/.test(file));

/** Which rooms of src/chains a room of it may import, in the order of dependency. */
const CHAINS_MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  types: [],
  namespaces: [],
  annotations: [],
  'log-entry': [],
  artifacts: ['types'],
  formats: ['artifacts', 'types'],
  spire: ['types'],
  config: ['namespaces', 'spire', 'types'],
  signing: ['config', 'log-entry', 'namespaces', 'types'],
  transparency: ['config', 'log-entry', 'signing', 'types'],
  storage: ['config', 'log-entry', 'signing', 'transparency', 'types'],
  backends: ['storage', 'types'],
  plan: ['annotations', 'config', 'log-entry', 'signing', 'storage', 'transparency', 'types'],
  reconciler: [
    'annotations',
    'config',
    'log-entry',
    'namespaces',
    'plan',
    'signing',
    'spire',
    'storage',
    'transparency',
    'types',
  ],
  role: [
    'annotations',
    'backends',
    'config',
    'formats',
    'plan',
    'reconciler',
    'signing',
    'spire',
    'storage',
    'transparency',
    'types',
  ],
};

/** Packages and built-in modules that a file imports. */
function packagesOf(file: string): string[] {
  const found = readFileSync(file, 'utf8').matchAll(
    /^(?:import (?:[^;'=]* from )?|\} from |export [*{][^;'=]* from )'([^.'][^']*)'|\bimport\('([^.'][^']*)'\)/gm,
  );
  return [...found].map((match) => match[1] ?? match[2] ?? '');
}

/** Sets of files that import each other, each sorted (Tarjan's strongly connected components). */
function circlesIn(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (node: string): number => {
    let low = order.size;
    order.set(node, low);
    const mine = low;
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!graph.has(next)) continue;
      if (!order.has(next)) low = Math.min(low, visit(next));
      else if (stack.includes(next)) low = Math.min(low, order.get(next) ?? low);
    }
    if (low === mine) {
      const circle = stack.splice(stack.indexOf(node));
      if (circle.length > 1 || graph.get(node)?.includes(node)) circles.push(circle.sort());
    }
    return low;
  };
  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return circles.sort((left, right) => ((left[0] ?? '') < (right[0] ?? '') ? -1 : 1));
}

describe('import direction', () => {
  it('sees the imports it judges', () => {
    expect(imports.some((found) => found.room === 'core' && found.targetRoom === 'api')).toBe(true);
  });

  it.each(Object.keys(mayImport))('%s imports only rooms below it', (name) => {
    const allowed = new Set([name, 'leaf', ...(mayImport[name] ?? [])]);
    const wrong = imports.filter((found) => found.room === name && !allowed.has(found.targetRoom));
    expect(wrong.map((found) => `${found.file} -> ${found.target}`)).toEqual([]);
  });

  it('leaves import nothing but leaves', () => {
    const wrong = imports.filter((found) => found.room === 'leaf' && found.targetRoom !== 'leaf');
    expect(wrong.map((found) => `${found.file} -> ${found.target}`)).toEqual([]);
  });

  it('every room is known here', () => {
    const rooms = new Set(imports.map((found) => found.room));
    expect([...rooms].filter((name) => name !== 'leaf' && !(name in mayImport))).toEqual([]);
  });

  it('only src/kube/config.ts loads @kubernetes/client-node at run time', () => {
    const loaders = files.filter((file) =>
      /^import (?!type)[^;]*'@kubernetes\/client-node/m.test(readFileSync(file, 'utf8')),
    );
    expect(loaders.map((file) => path.relative(source, file)).filter((file) => file !== 'kube/config.ts')).toEqual([]);
  });

  it.each<[string, readonly string[]]>([
    // Hashes, compression and the text of paths: nothing of these reaches beyond the process.
    ['core', ['node:crypto', 'node:path', 'node:zlib', 'zod']],
    ['api', ['croner', 'fastest-levenshtein', 'node:path', 're2js', 'yaml', 'zod']],
  ])('%s imports nothing that reads, writes or waits', (name, allowed) => {
    const wrong = product.flatMap((file) =>
      room(path.relative(source, file)) === name ? packagesOf(file).filter((each) => !allowed.includes(each)) : [],
    );
    expect(wrong).toEqual([]);
  });
});

describe('the rooms of the dashboard', () => {
  const of = (part: string) =>
    imports.filter(({ file }) => file.startsWith(`dashboard/${part}/`) && product.includes(path.join(source, file)));

  it('the page, which runs in browsers, imports what it shares with the server, and types', () => {
    const shared = /^(?:dashboard\/(?:page|view)\/|dashboard\/contract\.ts$|api\/|(?:json-object|resource)\.ts$)/;
    const wrong = of('page').filter(({ target }) => !shared.test(target));
    expect(of('page').length).toBeGreaterThan(0);
    expect(wrong.map(({ file, target }) => `${file} -> ${target}`)).toEqual([]);
  });

  it('the command line says what the page says, and has nothing else of the dashboard', () => {
    const wrong = imports.filter(
      ({ file, target }) =>
        file.startsWith('commands/') && target.startsWith('dashboard/') && !target.startsWith('dashboard/view/'),
    );
    expect(wrong.map(({ file, target }) => `${file} -> ${target}`)).toEqual([]);
  });

  it('what both share reads and writes nothing', () => {
    const allowed = new Set(['dashboard', 'api', 'core', 'leaf']);
    const wrong = of('view').filter(
      ({ target, targetRoom }) =>
        !allowed.has(targetRoom) ||
        (targetRoom === 'dashboard' && !/^dashboard\/(?:view\/|contract\.ts$)/.test(target)),
    );
    expect(wrong.map(({ file, target }) => `${file} -> ${target}`)).toEqual([]);
    const packages = product.filter((file) => file.includes('/dashboard/view/')).flatMap(packagesOf);
    expect([...new Set(packages)].sort()).toEqual(['@dagrejs/dagre', 'anser']);
  });
});

describe('package.json', () => {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(path.resolve(source, '../package.json'), 'utf8'),
  ) as Record<'dependencies' | 'devDependencies', Record<string, string>>;
  const packages = (names: readonly string[]) =>
    new Set(
      names
        .flatMap(packagesOf)
        .filter((name) => !isBuiltin(name))
        .map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/')),
    );
  const shipped = packages(product);

  it('has what is shipped among its dependencies, and nothing else', () => {
    expect(Object.keys(dependencies).sort()).toEqual([...shipped].sort());
  });

  it('has what only tests and tools import among its devDependencies', () => {
    const others = packages(files.filter((file) => !product.includes(file)));
    const known = { ...dependencies, ...devDependencies };
    expect([...others].filter((name) => !(name in known))).toEqual([]);
  });
});

describe('circles between files', () => {
  it('are found where there are some', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', ['a']],
      ['d', []],
      ['e', ['e']],
    ]);
    expect(circlesIn(graph)).toEqual([['a', 'b', 'c'], ['e']]);
  });

  it('are nowhere, not even of types alone', () => {
    const graph = new Map(
      product.map((file) => [path.relative(source, file), importsOf(file).map(({ target }) => target)]),
    );
    expect(circlesIn(graph)).toEqual([]);
  });
});

describe('the rooms of chains', () => {
  const chains = imports.filter(({ file, target }) => file.startsWith('chains/') && target.startsWith('chains/'));
  const isProduct = (file: string) => !/\.(test|fake)\.ts$/.test(file);
  const inner = (file: string) => (file.split('/')[1] ?? '').replace(/\.ts$/, '');

  it.each(Object.keys(CHAINS_MAY_IMPORT))('%s imports only rooms below it', (name) => {
    const allowed = [name, ...(CHAINS_MAY_IMPORT[name] ?? [])];
    const wrong = chains.filter(
      ({ file, target }) => isProduct(file) && inner(file) === name && !allowed.includes(inner(target)),
    );
    expect(wrong.map(({ file, target }) => `${file} -> ${target}`)).toEqual([]);
  });

  it('are all known here', () => {
    const found = new Set(
      chains.filter(({ file }) => isProduct(file)).flatMap(({ file, target }) => [file, target].map(inner)),
    );
    expect([...found].filter((name) => !(name in CHAINS_MAY_IMPORT))).toEqual([]);
  });
});
