/**
 * `sh hack/lint.sh`: the form of all files, and the rules in the TypeScript files that changed since they were linted,
 * or whose imports did.
 */
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { cacheFolder } from './cache-folder.ts';
import { attempt, root } from './command.ts';
import { lintRecord } from './lint-record.ts';

/** What decides the verdict on any file. */
const COMMON = [
  'hack/lint/eslint.config.js',
  'hack/lint/package-lock.json',
  'package-lock.json',
  'tsconfig.json',
  'src/dashboard/page/tsconfig.json',
];

const textOf = (file: string) => readFile(path.join(root, file), 'utf8');
const cache = cacheFolder();

async function isWellFormed(): Promise<boolean> {
  const prettier = ['node_modules/prettier/bin/prettier.cjs', '--check', '--cache', '--cache-strategy=content'];
  const where = [`--cache-location=${path.join(cache, 'prettier')}`, '--log-level=warn', '.'];
  const { status } = await attempt([process.execPath, ...prettier, ...where], { show: true, showOutput: true });
  return status === 0;
}

/** The folders that the rules do not look into (`ignores` of eslint.config.js). */
const isIgnored = (file: string) => /(^|\/)node_modules$|^dist$|^hack\/lint$/.test(file);

async function sources(): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const file of glob('**/*.{ts,tsx}', { cwd: root, exclude: isIgnored }))
    texts.set(file, await textOf(file));
  return texts;
}

interface Verdict {
  filePath: string;
  messages: { line?: number; column?: number; message: string; ruleId: string | null }[];
}

/** What ESLint says of some files. @throws with what it printed when it could not run */
async function lint(files: readonly string[]): Promise<Verdict[]> {
  const eslint = ['hack/lint/node_modules/eslint/bin/eslint.js', '--config', 'hack/lint/eslint.config.js'];
  const { stdout, stderr } = await attempt([process.execPath, ...eslint, '--format', 'json', ...files]);
  try {
    return JSON.parse(stdout) as Verdict[];
  } catch {
    throw new Error(`ESLint has no verdict: ${stderr || stdout}`);
  }
}

async function followsTheRules(): Promise<boolean> {
  const common = await Promise.all(COMMON.map(textOf));
  const record = await lintRecord(await sources(), common, path.join(cache, 'lint', 'clean'));
  if (record.files.length === 0) return true;
  const verdicts = await lint(record.files);
  for (const { filePath, messages } of verdicts)
    for (const { line = 0, column = 0, message, ruleId } of messages)
      console.error(`${path.relative(root, filePath)}:${line}:${column}: ${message} (${ruleId ?? 'syntax'})`);
  const clean = verdicts.filter(({ messages }) => messages.length === 0);
  await record.accept(clean.map(({ filePath }) => path.relative(root, filePath)));
  return clean.length === record.files.length;
}

if (!(await isWellFormed()) || !(await followsTheRules())) process.exitCode = 1;
