import { readFile, writeFile } from 'node:fs/promises';
import { messageOf } from '../../errors.ts';
import { command, CommandError, type Command, type Context, repeated } from '../command.ts';
import { toggle } from '../flags.ts';
import type { Found } from './documents.ts';
import type { LocalResolvers } from './local.ts';
import type { Edit } from './pin.ts';

/** Registries and hosts are asked for so many things at the same time. */
const atOnce = 8;

/** What a reference gives, without a cluster. */
export const resolveCommand: Command = command({
  names: ['resolve'],
  summary: 'Show what the remote references in files give, with their digests; no cluster is asked',
  usage: 'FILE...',
  examples: 'Show what a pipeline refers to:\n\n    tektite resolve pipeline.yaml',
  arguments: { least: 1, most: Infinity },
  needsCluster: false,
  offers: repeated({ files: true }),
  flags: { content: toggle('print the definitions too') },
  async run(context, flags, files) {
    const { terminal, signal } = context;
    const { digestOf, nameOf } = await import('./pin.ts');
    const shown = await eachFound(context, files, async (file, found, resolvers) => {
      if (found.kind === 'image') return undefined;
      const where = `${file}:${found.line}: ${nameOf(found)}`;
      const params = [...found.params].map(([name, { value }]) => ({ name, value }));
      try {
        const resolved = await resolvers.resolve(found.resolver, params, signal);
        const { uri = '', entryPoint } = resolved.refSource;
        const origin = `  from    ${uri}${entryPoint ? ` ${entryPoint}` : ''}\n  digest  ${digestOf(resolved)}\n`;
        const content = flags.content ? `${resolved.data.toString('utf8').trimEnd().replace(/^/gm, '  | ')}\n` : '';
        return { isFailure: false, text: `${where}\n${origin}${content}` };
      } catch (error) {
        signal.throwIfAborted();
        return { isFailure: true, text: `${where}: ${messageOf(error)}\n` };
      }
    });
    for (const each of shown) if (each) (each.isFailure ? terminal.err : terminal.out)(each.text);
    return shown.some((each) => each?.isFailure) ? 1 : 0;
  },
});

/** References and images as the commits and digests that they are today. */
export const pinCommand: Command = command({
  names: ['pin'],
  summary: 'Rewrite remote references and images to the commit or digest that they mean today',
  usage: 'FILE...',
  examples:
    'Pin what a pipeline refers to; comments and layout stay:\n\n    tektite pin pipeline.yaml\n\nFail when something is not pinned, and write nothing:\n\n    tektite pin --check pipeline.yaml',
  arguments: { least: 1, most: Infinity },
  needsCluster: false,
  offers: repeated({ files: true }),
  flags: { check: toggle('write nothing; exit with 1 when something is not pinned') },
  async run(context, flags, files) {
    const { terminal, signal } = context;
    const { pin } = await import('./pin.ts');
    const results = await eachFound(context, files, async (file, found, resolvers) => ({
      file,
      ...(await pin(found, resolvers, signal)),
    }));
    const edits = new Map<string, Edit[]>();
    for (const result of results) {
      const where = `${result.file}:${result.line}`;
      if (result.kind === 'left') terminal.err(`${where}: ${result.what}: not pinned: ${result.why}\n`);
      if (result.kind !== 'pinned') continue;
      terminal.out(`${where}: ${flags.check ? 'not pinned, means' : 'pinned to'} ${result.what}\n`);
      edits.set(result.file, [...(edits.get(result.file) ?? []), result.edit]);
    }
    if (!flags.check) await writeEdits(edits);
    return results.some(({ kind }) => kind === 'left') || (flags.check && edits.size > 0) ? 1 : 0;
  },
});

async function writeEdits(edits: ReadonlyMap<string, Edit[]>): Promise<void> {
  const { edited } = await import('./pin.ts');
  for (const [file, list] of edits) await writeFile(file, edited(await readFile(file, 'utf8'), list));
}

/** What `each` says of everything that the files name, in their order; several are asked at the same time. */
async function eachFound<T>(
  { environment, signal }: Context,
  files: readonly string[],
  each: (file: string, found: Found, resolvers: LocalResolvers) => Promise<T>,
): Promise<T[]> {
  const [{ findRemote }, { localResolvers }, { eachOf }] = await Promise.all([
    import('./documents.ts'),
    import('./local.ts'),
    import('../../concurrency.ts'),
  ]);
  const named: { file: string; found: Found }[] = [];
  for (const file of files) {
    const text = await readFile(file, { encoding: 'utf8', signal }).catch((error: unknown) => {
      throw new CommandError(`failed to read ${file}: ${messageOf(error)}`);
    });
    named.push(...findRemote(file, text).map((found) => ({ file, found })));
  }
  const resolvers = await localResolvers(process.env, environment.clock);
  try {
    return await eachOf(named, atOnce, ({ file, found }) => each(file, found, resolvers));
  } finally {
    await resolvers.close();
  }
}
