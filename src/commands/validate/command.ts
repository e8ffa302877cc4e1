import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../../errors.ts';
import { command, CommandError, type Command, type Context, repeated } from '../command.ts';
import { text, texts, toggle } from '../flags.ts';
import { isLintRule, lintRules, type LintRule } from './lint/rules.ts';
import type { SourceFile } from './run.ts';

/** Larger ones are no manifests. */
const LARGEST_FILE = 32 * 1024 * 1024;
const MOST_FILES = 10_000;
const isManifest = (name: string) => /\.(ya?ml|json)$/.test(name);

/** Status of a command line that could not be followed, beside 1 for manifests with errors. */
const UNREADABLE = 2;

/** The checks of admission, without a cluster. */
export const validateCommand: Command = command({
  names: ['validate'],
  summary: 'Check manifests as the cluster would, without one',
  usage: 'FILE...',
  examples: [
    "Check a file and a folder; '-' is standard input:\n\n    tektite validate pipeline.yaml tasks/",
    'What kustomize or Helm makes:\n\n    kustomize build . | tektite validate -\n    helm template . | tektite validate -',
    'For a code host:\n\n    tektite validate --lint -o sarif .tekton > tektite.sarif',
    'Good practice, but for what is not wanted here:\n\n    tektite validate --lint --lint-disable kebab-case,no-description .tekton',
  ].join('\n\n'),
  offers: repeated({ files: true }),
  flags: {
    lint: toggle('also say what works and could be better'),
    'lint-disable': texts('rules of --lint to leave out, such as no-limits', {
      offer: { words: Object.keys(lintRules) },
    }),
    output: text('text, json or sarif', { short: 'o', initial: 'text' }),
    feature: texts('KEY=VALUE of ConfigMap feature-flags, such as enable-api-fields=alpha'),
  },
  arguments: { least: 1, most: Infinity },
  needsCluster: false,
  async run(context, flags, given) {
    const [{ validateFiles }, { formats, report }, { parseDefaults }, { parseFeatureFlags }] = await Promise.all([
      import('./run.ts'),
      import('./report.ts'),
      import('../../api/config/config-defaults.ts'),
      import('../../api/config/feature-flags.ts'),
    ]);
    const format = formats.find((each) => each === flags.output);
    if (!format) throw new CommandError(`-o is ${JSON.stringify(flags.output)}; use ${formats.join(', ')}`, UNREADABLE);
    const disabled = await rulesOf(flags['lint-disable'], flags.lint);
    const { flags: features, problems } = parseFeatureFlags(Object.fromEntries(flags.feature.map(featureOf)));
    if (problems[0]) throw new CommandError(`--feature: ${problems[0].message}`, UNREADABLE);
    const files = (await Promise.all(given.map((name) => filesOf(context, name)))).flat();
    const settings = { flags: features, defaults: parseDefaults(undefined).defaults };
    const { findings, objects } = validateFiles(files, settings, flags.lint ? { disabled } : undefined);
    context.terminal.out(report(findings, objects, format, context.environment.version));
    return findings.some(({ severity }) => severity === 'error') ? 1 : 0;
  },
});

/** @throws CommandError for a name that is no rule's, or where no rule is asked for */
async function rulesOf(names: readonly string[], lint: boolean): Promise<Set<LintRule>> {
  if (names.length > 0 && !lint) throw new CommandError('--lint-disable needs --lint', UNREADABLE);
  const unknown = names.find((name) => !isLintRule(name));
  if (unknown !== undefined) {
    const { meant } = await import('./lint/object.ts');
    throw new CommandError(`--lint-disable: there is no rule ${JSON.stringify(unknown)}${meant(unknown)}`, UNREADABLE);
  }
  return new Set(names.filter(isLintRule));
}

function featureOf(pair: string): [string, string] {
  const at = pair.indexOf('=');
  if (at < 1) throw new CommandError(`--feature is ${JSON.stringify(pair)}; write KEY=VALUE`, UNREADABLE);
  return [pair.slice(0, at), pair.slice(at + 1)];
}

async function filesOf({ terminal, signal }: Context, name: string): Promise<SourceFile[]> {
  if (name === '-') {
    const lines: string[] = [];
    for await (const line of terminal.lines(signal)) lines.push(line);
    return [{ file: 'stdin', text: lines.join('\n') }];
  }
  try {
    const found = await stat(name);
    return found.isDirectory() ? await folder(name, signal) : [await oneFile(name, signal)];
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`${name} cannot be read: ${messageOf(error)}`, UNREADABLE);
  }
}

async function folder(name: string, signal: AbortSignal): Promise<SourceFile[]> {
  const entries = await readdir(name, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile() && isManifest(entry.name) && !entry.parentPath.includes('node_modules'))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
  if (names.length > MOST_FILES)
    throw new CommandError(`${name} holds ${names.length} manifests; name the folders that count`, UNREADABLE);
  const files: SourceFile[] = [];
  for (const each of names) files.push(await oneFile(each, signal));
  return files;
}

async function oneFile(name: string, signal: AbortSignal): Promise<SourceFile> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of createReadStream(name, { signal })) {
    size += (chunk as Buffer).length;
    if (size > LARGEST_FILE)
      throw new CommandError(`${name} is larger than ${LARGEST_FILE} bytes: no manifest is`, UNREADABLE);
    chunks.push(chunk as Buffer);
  }
  return { file: name, text: Buffer.concat(chunks).toString('utf8') };
}
