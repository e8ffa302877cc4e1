import { paramSource, recordedSpecs } from './definition.ts';
import type { Definition } from './definition.ts';
import { readObjectFile } from './files.ts';
import { readParams } from './params.ts';
import { askParams, askWorkspaces, Questions } from './prompt.ts';
import { pairsOf } from './run.ts';
import type { RunWishes } from './run.ts';
import { readWorkspace } from './workspaces.ts';
import { CommandError } from '../command.ts';
import type { Context } from '../command.ts';
import type { Run, RunKind } from '../kinds.ts';
import { yamlText } from '../yaml.ts';

const OUTPUTS = ['', 'yaml', 'json', 'name'] as const;
type Output = (typeof OUTPUTS)[number];

interface RequestFlags {
  last: boolean;
  filename: string;
  'use-param-defaults': boolean;
}

/** What contradicts itself on the command line, in tkn's words. @throws CommandError */
export function checkRequest(flags: RequestFlags, earlier: { flag: string; name: string }): void {
  const { flag, name } = earlier;
  if (flags.last && name) throw new CommandError(`option --last and option --${flag} can't be specify together`);
  if (flags.filename && flags.last) throw new CommandError('cannot use --last option with --filename option');
  if (flags['use-param-defaults'] && (flags.last || name))
    throw new CommandError(`cannot use --last or --${flag} options with --use-param-defaults option`);
}

/** @throws CommandError for a format that is not known or not to be had together with logs. */
export function readOutput(flags: { output: string; showlog: boolean }): { output: Output } {
  const output = OUTPUTS.find((each) => each === flags.output.toLowerCase());
  if (output === undefined)
    throw new CommandError(`output format specified is ${flags.output} but must be yaml, json or name`);
  if (output !== '' && flags.showlog) throw new CommandError('cannot use --output option with --showlog option');
  return { output };
}

interface WishFlags {
  param: string[];
  workspace: string[];
  labels: string[];
  serviceaccount: string;
  'prefix-name': string;
  'pod-template': string;
  'use-param-defaults': boolean;
  'skip-optional-workspace': boolean;
}

/** Reads the flags, and asks for what they leave open unless an earlier run gives it. @throws CommandError */
export async function readWishes(
  context: Context,
  flags: WishFlags,
  definition: Definition,
  earlier: Run | undefined,
): Promise<RunWishes> {
  const labels = pairsOf(flags.labels, 'invalid input format for label parameter: ');
  const source = paramSource(definition);
  const specs = source.specs.length > 0 || !earlier ? source.specs : recordedSpecs(earlier);
  const readFile = (file: string) => readObjectFile(context, file);
  const given = await Promise.all(flags.workspace.map((each) => readWorkspace(each, readFile)));
  // What is wrong with the flags is said before anything is asked.
  readParams(flags.param, { ...source, specs });
  const open = earlier ? { params: [], workspaces: [] } : await askForRest(context, flags, definition, given);
  const answered = await Promise.all(open.workspaces.map((each) => readWorkspace(each, readFile)));
  return {
    namespace: context.namespace,
    prefixName: flags['prefix-name'],
    labels,
    params: readParams([...flags.param, ...open.params], { ...source, specs }),
    workspaces: [...given, ...answered],
    serviceAccount: flags.serviceaccount,
    podTemplate: flags['pod-template'] ? await readFile(flags['pod-template']) : undefined,
  };
}

async function askForRest(
  context: Context,
  flags: WishFlags,
  definition: Definition,
  given: readonly { name: string }[],
): Promise<{ params: string[]; workspaces: string[] }> {
  const questions = new Questions(context);
  const params = await askParams(context, questions, paramSource(definition), {
    given: flags.param,
    useDefaults: flags['use-param-defaults'],
  });
  const unbound = (definition.spec.workspaces ?? []).filter(({ name }) => !given.some((each) => each.name === name));
  if (!context.terminal.interactive) {
    checkBound(definition, unbound);
    return { params, workspaces: [] };
  }
  return { params, workspaces: await askWorkspaces(context, questions, unbound, flags['skip-optional-workspace']) };
}

/** A Task's may be bound by the cluster's defaults, a Pipeline's by the run alone. */
function checkBound({ kind, name }: Definition, unbound: readonly { name: string; optional?: boolean }[]): void {
  const missing = unbound.filter(({ optional }) => !optional).map((each) => each.name);
  if (kind === 'Task' || missing.length === 0) return;
  throw new CommandError(
    `Pipeline ${name} needs workspace '${missing.join("', '")}': give ${missing.map((each) => `--workspace name=${each},claimName=CLAIM`).join(' ')}`,
  );
}

/** Creates the run and says so as asked; with `dryRun` only shows it, and gives nothing. */
export async function createRun<T extends Run>(
  context: Context,
  kind: RunKind<T>,
  run: T,
  options: { output: Output; dryRun: boolean; showlog: boolean },
): Promise<T | undefined> {
  const { cluster, terminal, signal } = context;
  if (options.dryRun) {
    terminal.out(await printed(run, options.output));
    return undefined;
  }
  const created = await cluster.create(kind.resource, run, { signal });
  if (options.output) terminal.out(await printed(created, options.output));
  else {
    const next = options.showlog ? 'Waiting for logs to be available...\n' : followHint(context, kind, created);
    terminal.out(`${kind.title} started: ${created.metadata.name}\n${next}`);
  }
  return created;
}

function followHint({ contextName }: Context, kind: { title: string }, { metadata }: Run): string {
  const chosen = contextName ? `--context=${contextName} ` : '';
  const group = kind.title.toLowerCase();
  return `\nIn order to track the ${kind.title} progress run:\ntektite ${group} ${chosen}logs ${metadata.name} -f -n ${metadata.namespace}\n`;
}

async function printed(run: Run, output: Output): Promise<string> {
  switch (output) {
    case 'name':
      return `${run.metadata.name ?? ''}\n`;
    case 'json':
      return `${JSON.stringify(run, undefined, '\t')}\n`;
    case '':
    case 'yaml':
      return yamlText(run);
    default:
      throw new Error(`no such output: ${String(output satisfies never)}`);
  }
}
