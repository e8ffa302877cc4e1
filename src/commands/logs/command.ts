import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { pipelineRuns, taskRuns } from '../../api/resources.ts';
import { messageOf } from '../../errors.ts';
import { checkLimit, chooseRun } from '../choose.ts';
import { command, CommandError, namesInTurn } from '../command.ts';
import type { Command, Context } from '../command.ts';
import { span, texts, toggle, whole } from '../flags.ts';
import { isFinished, pipelineRunKind, taskRunKind } from '../kinds.ts';
import type { Run } from '../kinds.ts';
import { followPipelineRun, readPipelineRun } from './pipelinerun.ts';
import type { LogChoice, TaskLogs } from './pod.ts';
import { followTaskRun, readTaskRun, taskNameOf } from './taskrun.ts';
import type { Observatory } from './tracker.ts';
import { logWriter } from './writer.ts';

/** tkn's. */
const ACTIVITY_TIMEOUT_MS = 10_000;

function logFlags(title: string, source: string) {
  return {
    all: toggle('show all logs including init steps injected by tekton', { short: 'a' }),
    last: toggle(`show logs for last ${title}`, { short: 'L' }),
    follow: toggle('stream live logs', { short: 'f' }),
    prefix: toggle(`prefix each log line with the log source (${source})`, { initial: true }),
    limit: whole(`lists number of ${title}s`, { initial: 5 }),
    step: texts('show logs for mentioned steps only', { short: 's' }),
    'activity-timeout': span('how long to wait for a sign of life of what should start', {
      initial: ACTIVITY_TIMEOUT_MS,
    }),
  };
}

type LogFlags = {
  all: boolean;
  last: boolean;
  follow: boolean;
  prefix: boolean;
  limit: number;
  step: string[];
  'activity-timeout': number;
  timestamps: boolean;
};

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
    const { cluster, namespace, signal } = context;
    const run = await cluster.get(pipelineRuns, namespace, name, { signal });
    const sink = logWriter(context.terminal, context.style, { prefix: flags.prefix, tasks: true });
    const logs = {
      from: observatory(context),
      choice: { ...choiceOf(flags), tasks: flags.task, displayNames: flags.long },
      sink,
      signal,
    };
    await (flags.follow && !isFinished(run) ? followPipelineRun(logs, name) : readPipelineRun(logs, run));
    if (!flags['exit-with-pipelinerun-error']) return 0;
    return exitStatus(await cluster.get(pipelineRuns, namespace, name, { signal }));
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
    const { cluster, namespace, signal } = context;
    const run = await cluster.get(taskRuns, namespace, name, { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new CommandError(`Unable to get TaskRun: ${messageOf(error)}`);
    });
    const sink = logWriter(context.terminal, context.style, { prefix: flags.prefix, tasks: false });
    const task = taskNameOf(run, 0);
    const noSteps = () => sink.failure(`no steps found for task ${task}`);
    const logs: TaskLogs = {
      from: observatory(context),
      choice: choiceOf(flags),
      sink,
      signal,
      task,
      fail: sink.failure,
      noSteps,
    };
    await (flags.follow && !isFinished(run) ? followTaskRun(logs, name, false) : readTaskRun(logs, run));
    return 0;
  },
});

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
  steps: [],
  activityTimeoutMs: ACTIVITY_TIMEOUT_MS,
};

function checkFlags(flags: LogFlags, given: string | undefined): void {
  if (flags.all && flags.step.length > 0) throw new CommandError('option --all and option --step are not compatible');
  if (given === undefined) checkLimit(flags.limit);
}

function choiceOf(flags: LogFlags): LogChoice {
  return {
    follow: flags.follow,
    timestamps: flags.timestamps,
    allSteps: flags.all,
    steps: flags.step,
    activityTimeoutMs: flags['activity-timeout'],
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
