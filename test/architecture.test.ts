import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const source = path.resolve(import.meta.dirname, '../src');

/** Small files at the top of src that anything may import: they import nothing of ours but each other. */
const leaves = [
  'clock.ts',
  'clock.fake.ts',
  'concurrency.ts',
  'duration.ts',
  'errors.ts',
  'log.ts',
  'metrics.ts',
  'redact.ts',
  'version.ts',
];

/** Which rooms a room may import, itself aside. The order is the order of dependency (README, "Tree"). */
const mayImport: Record<string, string[]> = {
  api: [],
  core: ['api', 'cel'],
  cel: [],
  kube: [],
  http: [],
  registry: ['http'],
  images: ['api', 'core', 'kube', 'http', 'registry'],
  role: ['api', 'kube'],
  chains: ['api', 'core', 'kube', 'http', 'registry', 'images', 'role'],
  reconcilers: ['api', 'core', 'kube'],
  commands: ['api', 'core', 'kube'],
  controller: ['api', 'core', 'kube', 'http', 'registry', 'images', 'role', 'reconcilers'],
  cli: ['api', 'core', 'kube', 'role', 'chains', 'reconcilers', 'commands', 'controller'],
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
  return first.replace(/(\.test)?\.ts$/, '');
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
  .filter((name) => name.endsWith('.ts'))
  .map((name) => path.join(source, name));
const imports = files.flatMap(importsOf);

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
});
