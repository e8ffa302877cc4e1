import { command, CommandError, namesInTurn } from './command.ts';
import type { Command, Context } from './command.ts';
import { checkLimit, chooseRun } from './choose.ts';
import { watchDescription } from './describe-watch.ts';
import { toggle, whole } from './flags.ts';
import type { Run, RunKind } from './kinds.ts';
import { outputFlags, printerOf } from './output.ts';

/** What people read of a run. */
export interface Description<T extends Run> {
  /** All there is to say, as tkn says it. */
  whole: (context: Context, name: string) => Promise<string>;
  /** How it is, as the dashboard says it. */
  sentence: (context: Context, run: T) => Promise<string>;
}

/** `pipelinerun describe` and `taskrun describe`. */
export function describeCommand<T extends Run>(
  kind: RunKind<T>,
  { whole: describe, sentence }: Description<T>,
): Command {
  const { title } = kind;
  const group = title.toLowerCase();
  return command({
    names: ['describe', 'desc'],
    summary: `Describe a ${title} in a namespace`,
    usage: '[NAME]',
    examples: `Describe a ${title} of name 'foo' in namespace 'bar':\n\n    tektite ${group} describe foo -n bar`,
    offers: namesInTurn(kind.resource),
    flags: {
      ...outputFlags,
      last: toggle(`show description for last ${title}`, { short: 'L' }),
      limit: whole(`lists number of ${title}s when selecting a ${title} to describe`, { initial: 5 }),
      sentence: toggle('say how it is in one sentence, as the dashboard does'),
      watch: toggle(`describe the ${title} anew when it changes, until it has ended`, { short: 'w' }),
    },
    async run(context, flags, [given]) {
      if (given === undefined && !flags.last) checkLimit(flags.limit);
      const printer = printerOf(flags, kind.resource);
      const name = given ?? (await chooseRun(context, kind, flags));
      if (name === undefined) {
        if (!flags.last) throw new CommandError(`no ${title}s found`);
        context.terminal.out(`No ${title}s present in namespace ${context.namespace}\n`);
        return 0;
      }
      const { cluster, namespace, signal } = context;
      const read = () => cluster.get(kind.resource, namespace, name, { signal });
      const show = async () => {
        if (printer) return printer(await read());
        return flags.sentence ? sentence(context, await read()) : describe(context, name);
      };
      if (flags.watch) await watchDescription(context, kind, name, show);
      else context.terminal.out(await show());
      return 0;
    },
  });
}
