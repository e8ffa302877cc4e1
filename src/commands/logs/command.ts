import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { pipelineRuns, taskRuns } from '../../api/resources.ts';
import { messageOf } from '../../errors.ts';
import { checkLimit, chooseRun } from '../choose.ts';
import { command, CommandError, namesInTurn } from '../command.ts';
import type { Command, Context } from '../command.ts';
import { span, texts, toggle, whole } from '../flags.ts';
import type { FlagValues } from '../flags.ts';
import { hasFailed, isFinished, pipelineRunKind, taskRunKind } from '../kinds.ts';
import type { Run } from '../kinds.ts';
import { followPipelineRun, readPipelineRun } from './pipelinerun.ts';
import type { PipelineLogs } from './pipelinerun.ts';
import type { LogChoice, TaskLogs } from './pod.ts';
import { followTaskRun, readTaskRun, taskNameOf } from './taskrun.ts';
import type { Observatory } from './tracker.ts';
import { logWriter } from './writer.ts';

/** tkn's. */
const ACTIVITY_TIMEOUT_MS = 10_000;

/** What every command of logs takes; `source` is what a prefix names. */
export function commonLogFlags(title: string, source: string, options: { prefix: boolean }) {
  return {
    all: toggle('show all logs including init steps injected by tekton', { short: 'a' }),
    last: toggle(`show logs for last ${title}`, { short: 'L' }),
    follow: toggle('stream live logs', { short: 'f' }),
    'log-failed': toggle('show the logs of failed steps only'),
    prefix: toggle(`prefix each log line with the log source (${source})`, { initial: options.prefix }),
    limit: whole(`lists number of ${title}s`, { initial: 5 }),
  };
}

function logFlags(title: string, source: string) {
  return {
    ...commonLogFlags(title, source, { prefix: true }),
    step: texts('show logs for mentioned steps only', { short: 's' }),
    'activity-timeout': span('how long to wait for a sign of life of what should start', {
      initial: ACTIVITY_TIMEOUT_MS,
    }),
  };
}

type CommonLogFlags = FlagValues<ReturnType<typeof commonLogFlags>> & { timestamps: boolean };
type LogFlags = CommonLogFlags & { step: string[]; 'activity-timeout': number };

export const pipelineRunLogs: Command = command({
  names: ['logs'],
  summary: 'Show the logs of a PipelineRun',
  usage: '[NAME]',
  examples: [
    "Show the logs of PipelineRun named 'foo' from namespace 'bar':",
    '',
    '    tektite pipelinerun logs foo -n bar',
    '',
    "Show the logs of PipelineRun named 'microservice-1' for Task 'build' only from namespace 'bar':",
    '',
    '    tektite pr logs microservice-1 -t build -n bar',
    '',
    "Show the logs of PipelineRun named 'microservice-1' for all Tasks and steps (including init steps) from namespace 'foo':",
    '',
    '    tektite pr logs microservice-1 -a -n foo',
  ].join('\n'),
  offers: namesInTurn(pipelineRuns),
  flags: {
    ...logFlags('PipelineRun', 'task name and step name'),
    timestamps: toggle('show logs with timestamp'),
    long: toggle('show logs with task display name (display name and step name)'),
    task: texts('show logs for mentioned Tasks only', { short: 't' }),
    'exit-with-pipelinerun-error': toggle(
      'exit with pipelinerun to the unix shell, 0 if success, 1 if error, 2 on unknown status',
      { short: 'E' },
    ),
  },
  async run(context, flags, [given]) {
    checkFlags(flags, given);
    const name = given ?? (await chooseRun(context, pipelineRunKind, flags));
    if (name === undefined) {
      context.terminal.out('No PipelineRuns found\n');
      throw new CommandError('name is required');
    }
    const tasks = { tasks: flags.task, displayNames: flags.long };
    await printPipelineRun(context, name, { choice: { ...choiceOf(flags), ...tasks }, prefix: flags.prefix });
    if (!flags['exit-with-pipelinerun-error']) return 0;
    return exitStatus(await context.cluster.get(pipelineRuns, context.namespace, name, { signal: context.signal }));
  },
});

export const taskRunLogs: Command = command({
  names: ['logs'],
  summary: 'Show TaskRuns logs',
  usage: '[NAME]',
  examples: [
    "Show the logs of TaskRun named 'foo' from the namespace 'bar':",
    '',
    '    tektite taskrun logs foo -n bar',
    '',
    "Show the live logs of TaskRun named 'foo' from namespace 'bar':",
    '',
    '    tektite taskrun logs -f foo -n bar',
    '',
    "Show the logs of TaskRun named 'microservice-1' for step 'build' only from namespace 'bar':",
    '',
    '    tektite tr logs microservice-1 -s build -n bar',
  ].join('\n'),
  offers: namesInTurn(taskRuns),
  flags: { ...logFlags('TaskRun', 'step name'), timestamps: toggle('show logs with timestamp', { short: 't' }) },
  async run(context, flags, [given]) {
    checkFlags(flags, given);
    const name = given ?? (await chooseRun(context, taskRunKind, flags));
    if (name === undefined) throw new CommandError('No TaskRuns found');
    await printTaskRun(context, name, { choice: choiceOf(flags), prefix: flags.prefix });
    return 0;
  },
});

/** Shows the logs of the PipelineRun of this name. @throws ApiError when there is none. */
export async function printPipelineRun(
  context: Context,
  name: string,
  options: { choice: PipelineLogs['choice']; prefix: boolean },
): Promise<void> {
  const { cluster, namespace, signal } = context;
  const run = await cluster.get(pipelineRuns, namespace, name, { signal });
  const sink = logWriter(context.terminal, context.style, { prefix: options.prefix, tasks: true });
  const logs = { from: observatory(context), choice: options.choice, sink, signal };
  await (options.choice.follow && !isFinished(run) ? followPipelineRun(logs, name) : readPipelineRun(logs, run));
}

/** Shows the logs of the TaskRun of this name. @throws CommandError when there is none. */
export async function printTaskRun(
  context: Context,
  name: string,
  options: { choice: LogChoice; prefix: boolean },
): Promise<void> {
  const { cluster, namespace, signal } = context;
  const { choice } = options;
  const run = await cluster.get(taskRuns, namespace, name, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new CommandError(`Unable to get TaskRun: ${messageOf(error)}`);
  });
  const sink = logWriter(context.terminal, context.style, { prefix: options.prefix, tasks: false });
  if (choice.failedOnly && !hasFailed(run)) return sink.notice(`TaskRun ${name} has not failed`);
  const task = taskNameOf(run, 0);
  const noSteps = () => sink.failure(`no steps found for task ${task}`);
  const logs: TaskLogs = { from: observatory(context), choice, sink, signal, task, fail: sink.failure, noSteps };
  await (choice.follow && !isFinished(run) ? followTaskRun(logs, name, false) : readTaskRun(logs, run));
}

/** Follows a PipelineRun that has just been made. @returns the exit status. */
export async function showPipelineRun(
  context: Context,
  { metadata: { name = '' } }: Run,
  options: { exitWithError: boolean },
): Promise<number> {
  const { cluster, namespace, signal } = context;
  const sink = logWriter(context.terminal, context.style, { prefix: true, tasks: true });
  await followPipelineRun(
    { from: observatory(context), choice: { ...following, tasks: [], displayNames: false }, sink, signal },
    name,
  );
  return options.exitWithError ? exitStatus(await cluster.get(pipelineRuns, namespace, name, { signal })) : 0;
}

/** Follows a TaskRun that has just been made. */
export async function showTaskRun(context: Context, run: TaskRun): Promise<void> {
  const sink = logWriter(context.terminal, context.style, { prefix: true, tasks: false });
  const task = taskNameOf(run, 0);
  const noSteps = () => sink.failure(`no steps found for task ${task}`);
  const { signal } = context;
  const logs = { from: observatory(context), choice: following, sink, signal, task, fail: sink.failure, noSteps };
  await followTaskRun(logs, run.metadata.name ?? '', true);
}

const following: LogChoice = {
  follow: true,
  timestamps: false,
  allSteps: false,
  failedOnly: false,
  steps: [],
  activityTimeoutMs: ACTIVITY_TIMEOUT_MS,
};

/** @throws CommandError for flags that do not go together; `given` is the run's name, where there is one. */
export function checkFlags(flags: CommonLogFlags & { step?: string[] }, given: string | undefined): void {
  if (flags.all && flags.step?.length) throw new CommandError('option --all and option --step are not compatible');
  if (flags.follow && flags['log-failed'])
    throw new CommandError(
      'option --follow and option --log-failed are not compatible: what fails is known at the end',
    );
  if (given === undefined) checkLimit(flags.limit);
}

export function choiceOf(flags: CommonLogFlags & Partial<LogFlags>): LogChoice {
  return {
    follow: flags.follow,
    timestamps: flags.timestamps,
    allSteps: flags.all,
    failedOnly: flags['log-failed'],
    steps: flags.step ?? [],
    activityTimeoutMs: flags['activity-timeout'] ?? ACTIVITY_TIMEOUT_MS,
  };
}

function observatory(context: Context): Observatory {
  return { cluster: context.cluster, namespace: context.namespace, clock: context.environment.clock };
}

/** tkn's: a run that still runs is no failure; 2 is for one that the controller has not seen. */
function exitStatus(run: Run): number {
  const condition = run.status?.conditions?.[0];
  if (!condition) return 2;
  return condition.status === 'False' ? 1 : 0;
}
