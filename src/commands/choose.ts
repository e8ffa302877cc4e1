import { CommandError } from './command.ts';
import type { Context } from './command.ts';
import { byStartTime } from './kinds.ts';
import type { Resource } from '../resource.ts';
import type { RunObject } from './kinds.ts';
import { age } from './text/age.ts';

/** Only a command without a name offers runs to choose from; with one, the limit says nothing. */
export function checkLimit(limit: number): void {
  if (limit <= 0) throw new CommandError(`limit was ${limit} but must be a positive number`);
}

/**
 * The run that a command without a name means: the newest with `last`, the only one there is (within `limit`), or the
 * one that the user picks from the newest `limit`. Undefined when there are none.
 * @throws CommandError when there are several and nobody to ask.
 */
export async function chooseRun<T extends RunObject>(
  context: Context,
  kind: { title: string; resource: Resource<T> },
  choice: { last: boolean; limit: number },
): Promise<string | undefined> {
  const { items } = await context.cluster.list(kind.resource, { namespace: context.namespace, signal: context.signal });
  return chooseFrom(context, kind, items, choice);
}

/** As chooseRun, of runs that were found before. */
export async function chooseFrom(
  context: Context,
  kind: { title: string },
  items: RunObject[],
  choice: { last: boolean; limit: number },
): Promise<string | undefined> {
  const names = items.sort(byStartTime);
  const offered = names.slice(0, choice.limit);
  if (choice.last || offered.length <= 1) return names[0]?.metadata.name;
  if (!context.terminal.interactive) {
    const some = offered.map((run) => run.metadata.name).join(', ');
    throw new CommandError(
      `there are ${names.length} ${kind.title}s in namespace ${context.namespace}: give the name of one (${some}${names.length > offered.length ? ', ...' : ''}) or use --last`,
    );
  }
  return pick(context, kind, offered);
}

async function pick(
  context: Context,
  kind: { title: string },
  offered: readonly RunObject[],
): Promise<string | undefined> {
  const { terminal } = context;
  const now = context.environment.clock.now();
  const question = `Select ${kind.title} (1-${offered.length}): `;
  terminal.out(
    offered
      .map(
        (run, index) =>
          `${String(index + 1).padStart(3)}  ${run.metadata.name} started ${age(run.status?.startTime, now)}\n`,
      )
      .join('') + question,
  );
  for await (const line of terminal.lines(context.signal)) {
    const run =
      offered[Number(line.trim()) - 1] ?? offered.find((candidate) => candidate.metadata.name === line.trim());
    if (run) return run.metadata.name;
    terminal.out(question);
  }
  throw new CommandError(`no ${kind.title} was chosen`);
}
