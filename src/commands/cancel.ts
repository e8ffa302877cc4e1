import type { pipelineRunSpecStatus } from '../api/pipeline/v1/pipelinerun.ts';
import type { taskRunSpecStatus } from '../api/pipeline/v1/taskrun.ts';
import { messageOf } from '../errors.ts';
import { isNotFound } from '../kube/api-error.ts';
import { command, CommandError, namesInTurn } from './command.ts';
import type { Command, Context } from './command.ts';
import { text } from './flags.ts';
import { isFinished, pipelineRunKind, taskRunKind } from './kinds.ts';
import type { Run, RunKind } from './kinds.ts';

// Checked against the API's constants but not imported: they come with the schemas, which a client need not load.
type PipelineRunStop = (typeof pipelineRunSpecStatus)['cancelled' | 'cancelledRunFinally' | 'stoppedRunFinally'];
const cancelled: PipelineRunStop = 'Cancelled';
const graceful: PipelineRunStop[] = ['CancelledRunFinally', 'StoppedRunFinally'];
const taskRunCancelled: (typeof taskRunSpecStatus)['cancelled'] = 'TaskRunCancelled';

export const cancelPipelineRun: Command = command({
  names: ['cancel'],
  summary: 'Cancel a PipelineRun in a namespace',
  usage: 'NAME',
  examples: "Cancel the PipelineRun named 'foo' from namespace 'bar':\n\n    tektite pipelinerun cancel foo -n bar",
  arguments: { least: 1, most: 1 },
  offers: namesInTurn(pipelineRunKind.resource),
  flags: {
    grace: text(
      `Gracefully cancel a PipelineRun: '${graceful[0]}' cancels the running tasks and runs the finally tasks, '${graceful[1]}' lets the running tasks end, starts no others and runs the finally tasks`,
      { offer: { words: graceful } },
    ),
  },
  async run(context, flags, [name = '']) {
    return cancel(context, name, {
      kind: pipelineRunKind,
      status: cancelStatus(flags.grace),
      failure: (message) => `failed to cancel PipelineRun: ${name}: ${message}`,
    });
  },
});

export const cancelTaskRun: Command = command({
  names: ['cancel'],
  summary: 'Cancel a TaskRun in a namespace',
  usage: 'NAME',
  examples: "Cancel the TaskRun named 'foo' from namespace 'bar':\n\n    tektite taskrun cancel foo -n bar",
  arguments: { least: 1, most: 1 },
  offers: namesInTurn(taskRunKind.resource),
  flags: {},
  async run(context, _flags, [name = '']) {
    return cancel(context, name, {
      kind: taskRunKind,
      status: taskRunCancelled,
      failure: (message) => `failed to cancel TaskRun ${name}: ${message}`,
    });
  },
});

/**
 * spec.status for --grace; letters may be of either case. tkn takes an unknown word for a plain cancel; we refuse it.
 */
function cancelStatus(grace: string): string {
  if (grace === '') return cancelled;
  const found = graceful.find((status) => status.toLowerCase() === grace.toLowerCase());
  if (!found) throw new CommandError(`invalid --grace ${JSON.stringify(grace)}: must be one of ${graceful.join(', ')}`);
  return found;
}

interface Cancellation<T extends Run> {
  kind: RunKind<T>;
  /** What spec.status becomes. */
  status: string;
  /** tkn's words, which differ from kind to kind. */
  failure: (message: string) => string;
}

async function cancel<T extends Run>(
  context: Context,
  name: string,
  { kind, status, failure }: Cancellation<T>,
): Promise<number> {
  const { cluster, namespace, signal } = context;
  const run = await cluster.get(kind.resource, namespace, name, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new CommandError(`failed to find ${kind.title}: ${name}${isNotFound(error) ? '' : `: ${messageOf(error)}`}`);
  });
  if (isFinished(run))
    throw new CommandError(`failed to cancel ${kind.title} ${name}: ${kind.title} has already finished execution`);
  // "replace" of a member that may be absent: what tkn and the Dashboard send, and the API server takes.
  const body = [{ op: 'replace', path: '/spec/status', value: status }];
  await cluster.patch(kind.resource, namespace, name, { type: 'json', body, signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new CommandError(failure(messageOf(error)));
  });
  context.terminal.out(`${kind.title} cancelled: ${name}\n`);
  return 0;
}
