import { command, CommandError } from '../command.ts';
import type { Command, CommandTree, Context } from '../command.ts';
import { complete } from './completion.ts';
import type { Completion } from './completion.ts';
import { completionScript, shells } from './scripts.ts';

/** Nobody waits longer for the API server's answer, nor reads more of it. */
const PATIENCE_MS = 10_000;
const MOST_NAMES = 1_000;
/** Names that the API server takes for objects; anything else would not be a single harmless word. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9.:_-]*[A-Za-z0-9])?$/;

export const completionCommand: Command = command({
  names: ['completion'],
  summary: 'Prints shell completion scripts',
  usage: `[${shells.join('|')}]`,
  examples: [
    'In the shell that is open:',
    '',
    '    source <(tektite completion bash)',
    '    source <(tektite completion zsh)',
    '    tektite completion fish | source',
    '',
    'In every shell:',
    '',
    '    tektite completion bash > ~/.local/share/bash-completion/completions/tektite',
    '    tektite completion zsh > "${fpath[1]}/_tektite"',
    '    tektite completion fish > ~/.config/fish/completions/tektite.fish',
  ].join('\n'),
  flags: {},
  needsCluster: false,
  arguments: { least: 1, most: 1 },
  offers: (position) => (position === 0 ? { words: shells } : undefined),
  run({ terminal }, _flags, [given = '']) {
    const shell = shells.find((each) => each === given);
    if (!shell) throw new CommandError(`there is no completion for ${JSON.stringify(given)}: ${shells.join(', ')}`);
    terminal.out(completionScript(shell, 'tektite'));
    return Promise.resolve(0);
  },
});

/** What the scripts ask: `tektite __complete -- WORD...`, the last word being the one to complete. */
export function completeCommand(tree: () => CommandTree): Command {
  return command({
    names: ['__complete'],
    summary: 'Completes a command line, for the shells',
    usage: '-- [WORD...]',
    examples: '',
    flags: {},
    hidden: true,
    needsCluster: false,
    async run(context, _flags, words) {
      const completion = complete(tree(), words);
      switch (completion.kind) {
        case 'words':
          context.terminal.out(completion.candidates.map(({ word, about }) => `${word}\t${about}\n`).join(''));
          return 0;
        case 'files':
          context.terminal.out(':files\n');
          return 0;
        case 'objects':
          context.terminal.out((await objectNames(context, completion)).map((name) => `${name}\n`).join(''));
          return 0;
        default:
          throw new Error(`no such completion: ${JSON.stringify(completion satisfies never)}`);
      }
    },
  });
}

async function objectNames(
  { environment, signal }: Context,
  { resource, prefix, begin, taken, where }: Completion & { kind: 'objects' },
): Promise<string[]> {
  const { cluster, namespace, close } = await environment.connect(where);
  try {
    const names = await cluster.names(resource, {
      namespace: resource.namespaced ? where.namespace || namespace : undefined,
      limit: MOST_NAMES,
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
    });
    return names
      .filter((name) => NAME.test(name) && name.startsWith(begin) && !taken.includes(name))
      .map((name) => prefix + name);
  } finally {
    await close();
  }
}
