import type { PipelineRun } from '../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../api/pipeline/v1/taskrun.ts';
import { taskRuns } from '../api/resources.ts';
import { deepestNesting } from '../core/pipelinerun/nesting.ts';
import { messageOf } from '../errors.ts';
import { found, isNotFound } from '../kube/api-error.ts';
import { childTaskRuns } from './child-task-runs.ts';
import { CommandError } from './command.ts';
import type { Context } from './command.ts';
import { compareStart, pipelineRunKind } from './kinds.ts';
import { header, section, started, table, timeoutText, valueTable, workspaceSection } from './text/sections.ts';
import { age, duration } from './text/age.ts';
import { alignColumns } from './text/columns.ts';
import type { Style } from './text/colour.ts';
import { paramText, statusText } from './text/values.ts';

/** A TaskRun of a PipelineRun as `describe` shows it. Without `status` it has not begun, or is gone (pruned). */
export interface ChildTaskRun {
  name: string;
  pipelineTask: string;
  status: Pick<NonNullable<TaskRun['status']>, 'conditions' | 'startTime' | 'completionTime'> | undefined;
  /** It is no TaskRun but a nested PipelineRun that has none to show: it failed before, or is gone. */
  isNested?: true;
}

/** Reads a PipelineRun and its TaskRuns (those of nested PipelineRuns too) and describes them. */
export async function describePipelineRun(context: Context, name: string): Promise<string> {
  const run = await readPipelineRun(context, name).catch((error: unknown) => {
    context.signal.throwIfAborted();
    throw new CommandError(
      `failed to find pipelinerun ${JSON.stringify(name)}${isNotFound(error) ? '' : `: ${messageOf(error)}`}`,
    );
  });
  const children = await childrenOf(context, run, []);
  return pipelineRunText(run, children, context.environment.clock.now(), context.style);
}

function readPipelineRun(context: Context, name: string): Promise<PipelineRun> {
  return context.cluster.get(pipelineRunKind.resource, context.namespace, name, { signal: context.signal });
}

async function childrenOf(context: Context, run: PipelineRun, path: readonly string[]): Promise<ChildTaskRun[]> {
  const references = run.status?.childReferences ?? [];
  if (references.length === 0) return [];
  const byName = await childTaskRuns(context.cluster, run, context);
  const children = await Promise.all(
    references.map(async (reference): Promise<ChildTaskRun[]> => {
      const own = [...path, reference.pipelineTaskName ?? ''];
      const name = reference.name ?? '';
      if (reference.kind === taskRuns.kind)
        return [{ name, pipelineTask: own.join(' > '), status: byName.get(name)?.status }];
      return reference.kind === pipelineRunKind.title ? childrenOfNested(context, name, own) : [];
    }),
  );
  return children.flat();
}

/** What a nested PipelineRun made; itself where it has nothing to show. */
async function childrenOfNested(context: Context, name: string, path: readonly string[]): Promise<ChildTaskRun[]> {
  const nested = await found(readPipelineRun(context, name));
  if (nested?.status?.childReferences?.length && path.length <= deepestNesting)
    return childrenOf(context, nested, path);
  return [{ name, pipelineTask: path.join(' > '), status: nested?.status, isNested: true }];
}

/** tkn's description of a PipelineRun: sections in this order, empty ones left out. */
export function pipelineRunText(run: PipelineRun, children: readonly ChildTaskRun[], now: Date, style: Style): string {
  const { spec, status } = run;
  const fields: [string, string | undefined][] = [
    ['Pipeline Ref', spec.pipelineRef?.name],
    ['Service Account', spec.taskRunTemplate?.serviceAccountName],
  ];
  return alignColumns(
    [
      ...header(run.metadata, fields, style),
      ...section('status', 'Status', ['STARTED\tDURATION\tSTATUS', started(status, now, style)], style),
      ...section('message', 'Message', failureMessage(run, children), style),
      ...timeoutSection(run, style),
      ...valueTable('params', spec.params, paramText, style),
      ...valueTable('results', status?.results, paramText, style),
      ...workspaceSection(spec.workspaces, style),
      ...table(
        { kind: 'taskruns', title: 'Taskruns', columns: ' NAME\tTASK NAME\tSTARTED\tDURATION\tSTATUS' },
        childRows(children, now, style),
        style,
      ),
      ...table(
        { kind: 'skippedtasks', title: 'Skipped Tasks', columns: ' NAME' },
        (status?.skippedTasks ?? []).map((task) => ` ${style.bullet(task.name)}`),
        style,
      ),
      '',
    ].join('\n'),
  );
}

function childRows(children: readonly ChildTaskRun[], now: Date, style: Style): string[] {
  return [...children]
    .sort((a, b) => compareStart(a.status?.startTime, b.status?.startTime))
    .map(({ name, pipelineTask, status }) =>
      [
        ` ${style.bullet(name)}`,
        pipelineTask,
        age(status?.startTime, now),
        duration(status?.startTime, status?.completionTime),
        statusText(status?.conditions, style),
      ].join('\t'),
    );
}

function timeoutSection(run: PipelineRun, style: Style): string[] {
  const { timeouts } = run.spec;
  if (!timeouts) return [];
  const rows = (
    [
      ['Pipeline', timeouts.pipeline],
      ['Tasks', timeouts.tasks],
      ['Finally', timeouts.finally],
    ] as const
  ).flatMap(([name, value]) => (value === undefined ? [] : [` ${style.bold(name)}:\t${timeoutText(value)}`]));
  return ['', style.heading('timeouts', 'Timeouts'), ...rows];
}

function failureMessage(run: PipelineRun, children: readonly ChildTaskRun[]): string[] {
  const condition = run.status?.conditions?.[0];
  if (condition?.status !== 'False') return [];
  const failed = children.filter((child) => child.status?.conditions?.[0]?.status === 'False');
  const nested = failed
    .filter(({ isNested }) => isNested)
    .map(({ name, status }) => `${name}: ${status?.conditions?.[0]?.message ?? ''}`);
  const names = failed
    .filter(({ isNested }) => !isNested)
    .map(({ name }) => name)
    .sort();
  return [
    condition.message ?? '',
    ...nested,
    ...(names.length > 0 ? [`TaskRun(s) cancelled: ${names.join(', ')}`] : []),
  ];
}
