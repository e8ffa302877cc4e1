/**
 * Which files were linted as they are. What the linter says of a file follows from the file, from what it imports and
 * what that imports (the rules look at types), from what declares types for all, from the packages and from the rules.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** More than any project has: those that were linted longest ago are forgotten. */
const KEPT = 20_000;

export interface LintRecord {
  /** The files, sorted, that were never linted in this state. */
  files: string[];
  /** Remembers those of them in which the linter found nothing. */
  accept(clean: readonly string[]): Promise<void>;
}

/**
 * @param texts what the linter looks at, by path relative to the project, with slashes
 * @param common what decides all verdicts: the rules, the versions of packages
 * @param record the file that remembers
 */
export async function lintRecord(
  texts: ReadonlyMap<string, string>,
  common: readonly string[],
  record: string,
): Promise<LintRecord> {
  const known = await readKnown(record);
  const digests = digestsOf(texts, common);
  const files = [...digests].filter(([, digest]) => !known.has(digest)).map(([file]) => file);
  const accept = (clean: readonly string[]) => {
    const isLeft = new Set(files.filter((file) => !clean.includes(file)));
    const accepted = [...digests].filter(([file]) => !isLeft.has(file)).map(([, digest]) => digest);
    return write(record, [...accepted, ...known]);
  };
  return { files: files.sort(), accept };
}

async function readKnown(record: string): Promise<Set<string>> {
  const text = await readFile(record, 'utf8').catch(() => '');
  return new Set(text.split('\n').filter(Boolean));
}

async function write(record: string, digests: readonly string[]): Promise<void> {
  await mkdir(path.dirname(record), { recursive: true });
  const partial = `${record}.${process.pid}`;
  await writeFile(partial, [...new Set(digests)].slice(0, KEPT).join('\n'));
  await rename(partial, record);
}

/** Of each file, a digest of all that its verdict follows from. */
function digestsOf(texts: ReadonlyMap<string, string>, common: readonly string[]): Map<string, string> {
  const declarations = [...texts].filter(
    ([file, text]) => file.endsWith('.d.ts') || /^\s*declare\s+(global|module)\b/m.test(text),
  );
  const forAll = digestOf([...common, ...declarations.flat()]);
  const own = new Map([...texts].map(([file, text]) => [file, digestOf([file, text])]));
  const imports = new Map([...texts].map(([file, text]) => [file, importsOf(file, text, texts)]));
  return new Map(
    [...texts.keys()].map((file) => {
      const reached = [...reachedFrom(file, imports)].sort();
      return [file, digestOf([forAll, file, ...reached.map((other) => own.get(other) ?? '')])];
    }),
  );
}

/** Any text that is the relative path of a file counts: one too many is no harm. */
function importsOf(file: string, text: string, texts: ReadonlyMap<string, string>): string[] {
  const found = [...text.matchAll(/['"`](\.{1,2}\/[^'"`\n]+)['"`]/g)];
  const targets = found.map((match) => path.posix.join(path.posix.dirname(file), match[1] ?? ''));
  return targets.filter((target) => texts.has(target));
}

function reachedFrom(file: string, imports: ReadonlyMap<string, readonly string[]>): Set<string> {
  const reached = new Set([file]);
  for (const one of reached) for (const other of imports.get(one) ?? []) reached.add(other);
  return reached;
}

function digestOf(parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('base64url');
}
