import type { Queue } from './queue.ts';
import type { Standing } from './standing.ts';

/** How a run waits, by the message of its condition. */
export interface Waiting {
  /** Title of the queue. */
  queue: string;
  /** Where it stood when it looked last, and what kept it there; undefined: that could not be found out. */
  standing: { place: number; of: number; limit: number; running: readonly string[]; moreRunning: number } | undefined;
  /** Why its place could not be found out. */
  problem?: string;
}

/** So many names of running ones are told. */
const mostShown = 3;
/** Longer than any that is written: names, numbers, and a title of which a namespace and 300 characters are. */
const longestMessage = 4_096;

/** What the condition of a run says that waits for its turn. */
export function waitingMessage(name: string, { title, limit }: Queue, standing: Standing): string {
  const { place, waiting, running } = standing;
  return `${pending(name)}: place ${place} of ${waiting.length} in ${title}, limit ${limit}; running: ${shown(running)}`;
}

/** The same of a run whose place cannot be found out. */
export function lostMessage(name: string, { title }: Queue, problem: string): string {
  return `${pending(name)}: its place in ${title} cannot be found out: ${problem}; it will be tried again`;
}

/**
 * Reads what either of the two has written; undefined for any other text. A title holds values of params: what follows
 * the last thing that looks like the end of one is what the controller wrote.
 */
export function waitingIn(message: string): Waiting | undefined {
  if (message.length > longestMessage) return undefined;
  const told =
    /^PipelineRun "[^"]*" is pending: place (\d{1,9}) of (\d{1,9}) in (.*), limit (\d{1,9}); running: (.*)$/s.exec(
      message,
    );
  if (told !== null) {
    const [, place, of, queue = '', limit, names = ''] = told;
    return {
      queue,
      standing: { place: Number(place), of: Number(of), limit: Number(limit), ...runningIn(names) },
    };
  }
  const lost =
    /^PipelineRun "[^"]*" is pending: its place in (.*?) cannot be found out: (.*); it will be tried again$/s.exec(
      message,
    );
  if (lost === null) return undefined;
  const [, queue = '', problem = ''] = lost;
  return { queue, standing: undefined, problem };
}

function pending(name: string): string {
  return `PipelineRun "${name}" is pending`;
}

function shown(running: readonly { name: string }[]): string {
  const names = running
    .map(({ name }) => name)
    .toSorted()
    .slice(0, mostShown);
  const more = running.length - names.length;
  return names.length === 0 ? 'none yet' : `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function runningIn(text: string): { running: string[]; moreRunning: number } {
  if (text === 'none yet') return { running: [], moreRunning: 0 };
  const [, names = text, more = '0'] = /^(.*) and (\d{1,9}) more$/s.exec(text) ?? [];
  return { running: names.split(', ').slice(0, mostShown), moreRunning: Number(more) };
}
