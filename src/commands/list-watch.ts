import { messageOf } from '../errors.ts';
import { keyOf } from '../kube/object.ts';
import type { Selection } from './cluster.ts';
import { CommandError, type Context } from './command.ts';
import type { Run, RunKind } from './kinds.ts';
import { headerOf, rowOf, type TableOptions } from './table.ts';
import { alignColumns } from './text/columns.ts';
import { statusText } from './text/values.ts';
import { changes, type Seen } from './watching.ts';

/** What `list --watch` shows, and how. */
export interface RunWatch<T extends Run> {
  selection: Selection & { signal: AbortSignal };
  accepts: (run: T) => boolean;
  /** The runs of the list in its order, as many as are wanted. */
  ordered: (runs: T[]) => T[];
  options: TableOptions;
  /** Of each run by itself; missing: a table. */
  print: ((run: T) => Promise<string>) | undefined;
}

/** Shows the runs there are, and then each whose line changes, until it is interrupted. */
export async function watchRuns<T extends Run>(
  context: Context,
  kind: RunKind<T>,
  { selection, accepts, ordered, options, print }: RunWatch<T>,
): Promise<never> {
  const { cluster, terminal, environment, namespace, signal } = context;
  const table = new LiveTable<T>(context, options);
  let isFirst = true;
  try {
    for await (const seen of changes({ cluster, clock: environment.clock }, kind.resource, selection)) {
      const wanted = seen.filter(({ object }) => accepts(object));
      const runs = isFirst ? ordered(wanted.map(({ object }) => object)).map(present) : wanted;
      if (isFirst && runs.length === 0 && !print) terminal.err(`No ${kind.title}s found\n`);
      isFirst = false;
      for (const each of runs) {
        const text = print ? await print(each.object) : table.line(each, runs);
        if (text !== undefined) terminal.out(text);
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    throw new CommandError(`failed to watch ${kind.title}s from namespace ${namespace}: ${messageOf(error)}`);
  }
  throw new CommandError('the watch ended');
}

const present = <T>(object: T): Seen<T> => ({ object, isDeleted: false });

/** Lines of a table that are written one by one: a column is as wide as what was above it. */
class LiveTable<T extends Run> {
  readonly #context: Context;
  readonly #options: TableOptions;
  /** The lines that widths are taken from: the header and the list. */
  #above: string[] | undefined;
  /** By run: what its last line said, its age left out. */
  readonly #said = new Map<string, string>();

  constructor(context: Context, options: TableOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** Undefined when the run's line would say what the last one said. */
  line(seen: Seen<T>, together: readonly Seen<T>[]): string | undefined {
    const { object, isDeleted } = seen;
    const { startTime, conditions } = object.status ?? {};
    const said = isDeleted ? 'Deleted' : `${startTime} ${statusText(conditions, this.#context.style)}`;
    if (this.#said.get(keyOf(object)) === said) return undefined;
    if (isDeleted) this.#said.delete(keyOf(object));
    else this.#said.set(keyOf(object), said);
    const header = this.#above === undefined ? headerOf(this.#options) : [];
    this.#above ??= [...header, ...together.map((each) => this.#row(each))];
    const lines = alignColumns([...this.#above, this.#row(seen)].join('')).split('\n');
    return `${[...lines.slice(0, header.length), lines.at(-2) ?? ''].join('\n')}\n`;
  }

  #row({ object, isDeleted }: Seen<T>): string {
    const now = this.#context.environment.clock.now();
    const row = rowOf(object, now, this.#context.style, this.#options);
    return isDeleted ? row.replace(/[^\t]*\n$/, 'Deleted\n') : row;
  }
}
