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
  const runs = items.sort(byStartTime);
  const offered = runs.slice(0, choice.limit);
  if (choice.last || offered.length <= 1) return runs[0]?.metadata.name;
  const now = context.environment.clock.now();
  const options = offered.map(({ metadata: { name = '' }, status }) => ({
    name,
    line: `${name} started ${age(status?.startTime, now)}`,
  }));
  return pick(context, kind, { options, all: runs.length, otherwise: ' or use --last' });
}

/**
 * The Pipeline or Task that a command without a name means: the only one there is, or the one that the user picks.
 * Undefined when there are none. @throws CommandError when there are several and nobody to ask.
 */
export async function chooseDefinition(context: Context, resource: Resource): Promise<string | undefined> {
  const { items } = await context.cluster.list(resource, { namespace: context.namespace, signal: context.signal });
  const options = items.map(({ metadata: { name = '' } }) => ({ name, line: name }));
  if (options.length <= 1) return options[0]?.name;
  return pick(context, { title: resource.kind }, { options, all: options.length, otherwise: '' });
}

/** @throws CommandError when nobody can be asked, or nothing was chosen. */
async function pick(
  context: Context,
  kind: { title: string },
  offer: { options: readonly { name: string; line: string }[]; all: number; otherwise: string },
): Promise<string> {
  const { terminal, namespace, signal } = context;
  const { options, all, otherwise } = offer;
  if (!terminal.interactive) {
    const some = options.map(({ name }) => name).join(', ');
    const more = all > options.length ? ', ...' : '';
    throw new CommandError(
      `there are ${all} ${kind.title}s in namespace ${namespace}: give the name of one (${some}${more})${otherwise}`,
    );
  }
  const question = `Select ${kind.title} (1-${options.length}): `;
  terminal.out(options.map(({ line }, index) => `${String(index + 1).padStart(3)}  ${line}\n`).join('') + question);
  for await (const line of terminal.lines(signal)) {
    const chosen = options[Number(line.trim()) - 1] ?? options.find(({ name }) => name === line.trim());
    if (chosen) return chosen.name;
    terminal.out(question);
  }
  throw new CommandError(`no ${kind.title} was chosen`);
}
