import type { Pipeline, PipelineTask } from '../api/pipeline/v1/pipeline.ts';
import type { PipelineRun } from '../api/pipeline/v1/pipelinerun.ts';
import type { ParamSpec } from '../api/pipeline/v1/params.ts';
import type { Task } from '../api/pipeline/v1/task.ts';
import type { StepAction } from '../api/pipeline/v1beta1/stepaction.ts';
import { pipelines, tasks } from '../api/resources.ts';
import { labels } from '../core/labels.ts';
import { DurationError, parseDuration } from '../duration.ts';
import { messageOf } from '../errors.ts';
import type { Resource } from '../kube/object.ts';
import { command, CommandError, namesInTurn } from './command.ts';
import type { Command, Context } from './command.ts';
import { text, toggle } from './flags.ts';
import { byCreation, byStartTime, pipelineRunKind, taskRunKind } from './kinds.ts';
import type { Run, RunKind } from './kinds.ts';
import { listObject, outputFlags, printerOf } from './output.ts';
import { age, duration, nothing, spanText } from './text/age.ts';
import type { Heading, Style } from './text/colour.ts';
import { alignColumns } from './text/columns.ts';
import { header, table } from './text/sections.ts';
import { paramText, statusText } from './text/values.ts';

type Definition = Pipeline | Task | StepAction;
const LONGEST_DESCRIPTION = 20;

/** `pipeline list` and the others; `rows` gives the columns after the name. */
export function listDefinitions<T extends Definition>(
  resource: Resource<T>,
  columns: readonly string[],
  rows: (context: Context, found: T[], everywhere: boolean) => Promise<string[][]>,
): Command {
  const title = `${resource.kind}s`;
  return command({
    names: ['list', 'ls'],
    summary: `Lists ${title} in a namespace`,
    usage: '',
    examples: '',
    flags: {
      ...outputFlags,
      label: text("A selector (label query) to filter on, supports '=', '==', and '!='", { short: 'l' }),
      'all-namespaces': toggle(`list ${title} from all namespaces`, { short: 'A' }),
      'no-headers': toggle('do not print column headers with output (default print column headers with output)'),
    },
    async run(context, flags) {
      const printer = printerOf(flags, resource);
      const everywhere = flags['all-namespaces'];
      const found = await context.cluster.list(resource, {
        namespace: everywhere ? undefined : context.namespace,
        labelSelector: flags.label || undefined,
        signal: context.signal,
      });
      const { items } = found;
      if (printer) context.terminal.out(await printer(listObject(resource, found)));
      else if (items.length === 0) context.terminal.out(`No ${title} found\n`);
      else {
        const named = (await rows(context, items, everywhere)).map((cells, index) => [
          ...(everywhere ? [items[index]?.metadata.namespace ?? ''] : []),
          items[index]?.metadata.name ?? '',
          ...cells,
        ]);
        const head = [...(everywhere ? ['NAMESPACE'] : []), 'NAME', ...columns];
        context.terminal.out(
          alignColumns(
            [...(flags['no-headers'] ? [] : [head]), ...named].map((cells) => `${cells.join('\t')}\n`).join(''),
          ),
        );
      }
      return 0;
    },
  });
}

export const listPipelines: Command = listDefinitions<Pipeline>(
  pipelines,
  ['AGE', 'LAST RUN', 'STARTED', 'DURATION', 'STATUS'],
  async (context, found, everywhere) => {
    const { items } = await context.cluster.list(pipelineRunKind.resource, {
      namespace: everywhere ? undefined : context.namespace,
      labelSelector: labels.pipeline,
      signal: context.signal,
    });
    const last = new Map<string, PipelineRun>();
    const keyOf = (namespace: string | undefined, name: string | undefined): string =>
      `${namespace ?? ''}/${name ?? ''}`;
    for (const run of items.sort(byCreation))
      last.set(keyOf(run.metadata.namespace, run.metadata.labels?.[labels.pipeline]), run);
    const now = context.environment.clock.now();
    return found.map(({ metadata }) => [
      age(metadata.creationTimestamp, now),
      ...lastRunCells(last.get(keyOf(metadata.namespace, metadata.name)), now, context.style),
    ]);
  },
);

export const listTasks: Command = listDefinitions<Task>(tasks, ['DESCRIPTION', 'AGE'], (context, found) => {
  const now = context.environment.clock.now();
  return Promise.resolve(
    found.map(({ metadata, spec }) => [shortened(spec.description), age(metadata.creationTimestamp, now)]),
  );
});

function lastRunCells(run: PipelineRun | undefined, now: Date, style: Style): string[] {
  if (!run) return [nothing, nothing, nothing, nothing];
  const { status } = run;
  return [
    run.metadata.name ?? '',
    age(status?.startTime, now),
    duration(status?.startTime, status?.completionTime),
    statusText(status?.conditions, style),
  ];
}

export function shortened(description: string | undefined): string {
  const whole = description ?? '';
  return whole.length > LONGEST_DESCRIPTION ? `${whole.slice(0, LONGEST_DESCRIPTION - 1)}...` : whole;
}

/** `pipeline describe` and `task describe`. */
function describeDefinition<T extends Definition, R extends Run>(
  resource: Resource<T>,
  runs: RunKind<R>,
  describe: (definition: T, runs: R[], now: Date, style: Style) => string,
): Command {
  return command({
    names: ['describe', 'desc'],
    summary: `Describes a ${resource.kind} in a namespace`,
    usage: 'NAME',
    examples: `Describe a ${resource.kind} of name 'foo' in namespace 'bar':\n\n    tektite ${resource.kind.toLowerCase()} describe foo -n bar`,
    arguments: { least: 1, most: Infinity },
    offers: namesInTurn(resource),
    flags: outputFlags,
    async run(context, flags, [name = '']) {
      const { cluster, namespace, signal } = context;
      const printer = printerOf(flags, resource);
      const definition = await cluster.get(resource, namespace, name, { signal }).catch((error: unknown) => {
        signal.throwIfAborted();
        // As tkn heads it, for Tasks alone.
        const head = resource.kind === tasks.kind ? `failed to get Task ${name}: ` : '';
        throw new CommandError(head + messageOf(error));
      });
      if (printer) {
        context.terminal.out(await printer(definition));
        return 0;
      }
      const { items } = await cluster.list(runs.resource, {
        namespace,
        labelSelector: `${runs.parent.label}=${name}`,
        signal,
      });
      context.terminal.out(
        describe(
          definition,
          items.filter(runs.isOfParent).sort(byStartTime),
          context.environment.clock.now(),
          context.style,
        ),
      );
      return 0;
    },
  });
}

export const describePipeline: Command = describeDefinition(
  pipelines,
  pipelineRunKind,
  ({ metadata, spec }, runs, now, style) =>
    alignColumns(
      [
        ...header({ name: metadata.name, namespace: metadata.namespace }, [['Description', spec.description]], style),
        ...paramTable(spec.params, style),
        ...descriptionTable('results', 'Results', spec.results, style),
        ...workspaceTable(spec.workspaces, style),
        ...table(
          { kind: 'tasks', title: 'Tasks', columns: ' NAME\tTASKREF\tRUNAFTER\tTIMEOUT\tPARAMS' },
          (spec.tasks ?? []).map((task) => taskRow(task, style)),
          style,
        ),
        ...table(
          { kind: 'pipelineruns', title: 'PipelineRuns', columns: ` ${RUN_COLUMNS}` },
          runRows(runs, now, style, ({ name }) => ` ${style.bullet(name ?? '')}`),
          style,
        ),
        '',
      ].join('\n'),
    ),
);

export const describeTask: Command = describeDefinition(tasks, taskRunKind, ({ metadata, spec }, runs, now, style) =>
  alignColumns(
    [
      ...header({ name: metadata.name, namespace: metadata.namespace }, [['Description', spec.description]], style),
      ...paramTable(spec.params, style),
      ...descriptionTable('results', 'Results', spec.results, style),
      ...workspaceTable(spec.workspaces, style),
      ...(spec.steps?.length
        ? [
            '',
            style.heading('steps', 'Steps'),
            '',
            ...spec.steps.map((step, index) => ` ${style.bullet(step.name || `unnamed-${index}`)}`),
          ]
        : []),
      // Of all tables of tkn this one alone is not indented.
      ...table(
        { kind: 'taskruns', title: 'Taskruns', columns: RUN_COLUMNS },
        runRows(runs, now, style, ({ name }) => name ?? ''),
        style,
      ),
      '',
    ].join('\n'),
  ),
);

export function paramTable(params: readonly ParamSpec[] | undefined, style: Style): string[] {
  const rows = (params ?? []).map((param) =>
    [
      ` ${style.bullet(param.name)}`,
      param.type ?? 'string',
      shortened(param.description),
      param.default === undefined ? nothing : paramText(param.default),
    ].join('\t'),
  );
  const columns = ' NAME\tTYPE\tDESCRIPTION\tDEFAULT VALUE';
  return table({ kind: 'params', title: 'Params', columns }, rows, style);
}

export function descriptionTable(
  kind: Heading,
  title: string,
  entries: readonly { name: string; description?: string }[] | undefined,
  style: Style,
): string[] {
  return table(
    { kind, title, columns: ' NAME\tDESCRIPTION' },
    (entries ?? []).map((entry) => ` ${style.bullet(entry.name)}\t${shortened(entry.description)}`),
    style,
  );
}

function workspaceTable(
  workspaces: readonly { name: string; description?: string; optional?: boolean }[] | undefined,
  style: Style,
): string[] {
  const rows = (workspaces ?? []).map(
    (workspace) =>
      ` ${style.bullet(workspace.name)}\t${shortened(workspace.description)}\t${String(workspace.optional === true)}`,
  );
  const columns = ' NAME\tDESCRIPTION\tOPTIONAL';
  return table({ kind: 'workspaces', title: 'Workspaces', columns }, rows, style);
}

function taskRow(task: PipelineTask, style: Style): string {
  const params = (task.params ?? []).map((param) => `${param.name}: ${paramText(param.value)}`).join(', ') || nothing;
  const timeout = task.timeout === undefined ? nothing : timeoutWords(task.timeout);
  return [
    ` ${style.bullet(task.name ?? '')}`,
    task.taskRef?.name ?? '',
    (task.runAfter ?? []).join(', '),
    timeout,
    params,
  ].join('\t');
}

/** What is no duration is shown as it stands. */
function timeoutWords(timeout: string): string {
  try {
    return spanText(parseDuration(timeout));
  } catch (error) {
    if (error instanceof DurationError) return timeout;
    throw error;
  }
}

const RUN_COLUMNS = 'NAME\tSTARTED\tDURATION\tSTATUS';

function runRows(
  runs: readonly Run[],
  now: Date,
  style: Style,
  nameOf: (metadata: Run['metadata']) => string,
): string[] {
  return runs.map(({ metadata, status }) =>
    [
      nameOf(metadata),
      age(status?.startTime, now),
      duration(status?.startTime, status?.completionTime),
      statusText(status?.conditions, style),
    ].join('\t'),
  );
}
