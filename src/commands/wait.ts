import { startTimer } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { command, CommandError, repeated } from './command.ts';
import type { Command, Context } from './command.ts';
import { span } from './flags.ts';
import { isFinished } from './kinds.ts';
import type { Run, RunKind } from './kinds.ts';
import { Tracker } from './logs/tracker.ts';
import { statusText } from './text/values.ts';

/** Exit statuses; of several runs the greatest holds. Cut short: cancelled, timed out, or running after --timeout. */
const SUCCEEDED = 0;
const FAILED = 1;
const CUT_SHORT = 2;
const timeIsOver = new Error('the time is over');
/** Reasons of runs that were ended from outside their steps. */
const CUT_SHORT_REASONS = /Cancelled|Timeout|Stopped/;

/** `pipelinerun wait` and `taskrun wait`. */
export function waitCommand<T extends Run>(kind: RunKind<T>): Command {
  const { title } = kind;
  const group = title.toLowerCase();
  return command({
    names: ['wait'],
    summary: `Wait for ${title}s to end: exit status 0 when all succeeded, 1 when one failed, 2 when cut short`,
    usage: 'NAME...',
    examples: `Wait for two ${title}s, for ten minutes at most:\n\n    tektite ${group} wait foo bar --timeout 10m\n\nExit status: 0 all succeeded, 1 one failed, 2 one was cancelled, timed out, or still ran after --timeout.`,
    arguments: { least: 1, most: Infinity },
    offers: repeated({ objects: kind.resource }),
    flags: { timeout: span('how long to wait for all of them; 0 waits for ever', { initial: 0 }) },
    async run(context, flags, names) {
      const enough = new AbortController();
      const { clock } = context.environment;
      const late = flags.timeout > 0 ? startTimer(clock, flags.timeout, () => enough.abort(timeIsOver)) : undefined;
      const signal = AbortSignal.any([context.signal, enough.signal]);
      try {
        return Math.max(...(await Promise.all(names.map((name) => waitForOne({ ...context, signal }, kind, name)))));
      } finally {
        enough.abort();
        late?.stop();
      }
    },
  });
}

async function waitForOne<T extends Run>(context: Context, kind: RunKind<T>, name: string): Promise<number> {
  const { cluster, namespace, terminal, signal } = context;
  using tracker = new Tracker({ cluster, namespace, clock: context.environment.clock }, kind.resource, name, signal);
  try {
    const run = await tracker.until((state) => (isFinished(state) ? state : undefined));
    terminal.out(`${kind.title} ${name}: ${statusText(run.status?.conditions, context.style)}\n`);
    return statusOf(run);
  } catch (error) {
    if (signal.reason === timeIsOver) {
      terminal.err(`${kind.title} ${name}: still running when the time was over\n`);
      return CUT_SHORT;
    }
    signal.throwIfAborted();
    throw new CommandError(`${kind.title} ${name}: ${messageOf(error)}`);
  }
}

function statusOf(run: Run): number {
  const condition = run.status?.conditions?.[0];
  if (condition?.status === 'True') return SUCCEEDED;
  return CUT_SHORT_REASONS.test(condition?.reason ?? '') ? CUT_SHORT : FAILED;
}
