import { pipelines, tasks } from '../../api/resources.ts';
import type { Resource } from '../../kube/object.ts';
import { chooseDefinition, chooseFrom } from '../choose.ts';
import { command, CommandError, namesInTurn } from '../command.ts';
import type { Command, Context } from '../command.ts';
import { toggle } from '../flags.ts';
import { pipelineRunKind, taskRunKind } from '../kinds.ts';
import type { Run, RunKind } from '../kinds.ts';
import { lastRun } from '../start/earlier.ts';
import { checkFlags, choiceOf, commonLogFlags, printPipelineRun, printTaskRun } from './command.ts';

/** The run whose logs are shown, or why there is none. */
type Chosen = { run: string } | { none: string };

export const pipelineLogs: Command = command({
  names: ['logs'],
  summary: 'Show the logs of a run of a Pipeline',
  usage: '[PIPELINE] [PIPELINERUN]',
  examples: examplesOf('Pipeline', 'PipelineRun'),
  arguments: { least: 0, most: 2 },
  offers: namesInTurn(pipelines, pipelineRunKind.resource),
  flags: {
    ...commonLogFlags('PipelineRun', 'task name and step name', { prefix: true }),
    timestamps: toggle('show logs with timestamp', { short: 't' }),
  },
  async run(context, flags, [definition, given]) {
    checkFlags(flags, given);
    const chosen = await chosenRun(context, pipelineRunKind, { definition, given, ...flags });
    if ('none' in chosen) context.terminal.out(`${chosen.none}\n`);
    else {
      const choice = { ...choiceOf(flags), tasks: [], displayNames: false };
      await printPipelineRun(context, chosen.run, { choice, prefix: flags.prefix });
    }
    return 0;
  },
});

/** As tkn's, no line is headed with its step unless --prefix asks for it. */
export const taskLogs: Command = command({
  names: ['logs'],
  summary: 'Show the logs of a run of a Task',
  usage: '[TASK] [TASKRUN]',
  examples: examplesOf('Task', 'TaskRun'),
  arguments: { least: 0, most: 2 },
  offers: namesInTurn(tasks, taskRunKind.resource),
  flags: {
    ...commonLogFlags('TaskRun', 'step name', { prefix: false }),
    timestamps: toggle('show logs with timestamp', { short: 't' }),
  },
  async run(context, flags, [definition, given]) {
    checkFlags(flags, given);
    const chosen = await chosenRun(context, taskRunKind, { definition, given, ...flags });
    // Where a Pipeline has no runs tkn is content; where a Task has none it fails.
    if ('none' in chosen) throw new CommandError(chosen.none.replace(/^No /, 'no '));
    await printTaskRun(context, chosen.run, { choice: choiceOf(flags), prefix: flags.prefix });
    return 0;
  },
});

async function chosenRun<T extends Run>(
  context: Context,
  kind: RunKind<T>,
  wanted: { definition: string | undefined; given: string | undefined; last: boolean; limit: number },
): Promise<Chosen> {
  if (wanted.given !== undefined) return { run: wanted.given };
  const { parent, title } = kind;
  const { namespace } = context;
  const definition = wanted.definition ?? (await chooseDefinition(context, parent.resource));
  if (definition === undefined) return { none: `No ${parent.title}s found in namespace ${namespace}` };
  if (wanted.definition !== undefined) await mustExist(context, parent.resource, definition);
  if (wanted.last) return { run: (await lastRun(context, kind, definition)).metadata.name ?? '' };
  const { items } = await context.cluster.list(kind.resource, {
    namespace,
    labelSelector: `${parent.label}=${definition}`,
    signal: context.signal,
  });
  const run = await chooseFrom(context, kind, items.filter(kind.isOfParent), { last: false, limit: wanted.limit });
  return run === undefined ? { none: `No ${title}s found for ${parent.title} ${definition}` } : { run };
}

/** @throws ApiError when there is no such definition: a slip of the pen would read as one without runs. */
async function mustExist({ cluster, namespace, signal }: Context, resource: Resource, name: string): Promise<void> {
  await cluster.get(resource, namespace, name, { signal });
}

function examplesOf(title: string, run: string): string {
  const word = title.toLowerCase();
  return [
    `Show the logs of the last ${run} of ${title} 'foo' from namespace 'bar':`,
    '',
    `    tektite ${word} logs foo --last -n bar`,
    '',
    `Show the logs of ${run} 'foo-1' of ${title} 'foo', of failed steps only:`,
    '',
    `    tektite ${word} logs foo foo-1 --log-failed -n bar`,
  ].join('\n');
}
