import type { SidecarState, StepState, TaskRun } from '../api/pipeline/v1/taskrun.ts';
import { messageOf } from '../errors.ts';
import { CommandError } from './command.ts';
import type { Context } from './command.ts';
import { taskRunKind } from './kinds.ts';
import { nothing } from './text/age.ts';
import { alignColumns } from './text/columns.ts';
import type { Style } from './text/colour.ts';
import { header, section, started, table, timeoutText, valueTable, workspaceSection } from './text/sections.ts';
import { paramText, resultText } from './text/values.ts';

export async function describeTaskRun(context: Context, name: string): Promise<string> {
  const { cluster, namespace, signal } = context;
  const run = await cluster.get(taskRunKind.resource, namespace, name, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new CommandError(`failed to get TaskRun ${name}: ${messageOf(error)}`);
  });
  return taskRunText(run, context.environment.clock.now(), context.style);
}

/** tkn's description of a TaskRun: sections in this order, empty ones left out. */
export function taskRunText(run: TaskRun, now: Date, style: Style): string {
  const { spec, status } = run;
  return alignColumns(
    [
      ...header(
        run.metadata,
        [
          ['Task Ref', spec.taskRef?.name],
          ['Service Account', spec.serviceAccountName],
          ['Timeout', timeoutOf(run)],
        ],
        style,
      ),
      ...section('status', 'Status', ['STARTED \tDURATION \tSTATUS', started(status, now, style)], style),
      ...section('plain', 'Message', failureMessage(run), style),
      ...valueTable('params', spec.params, paramText, style),
      ...valueTable('results', status?.results, resultText, style),
      ...workspaceSection(spec.workspaces, style),
      ...table(
        { kind: 'steps', title: 'Steps', columns: ' NAME\tSTATUS' },
        byStart(status?.steps ?? []).map((step) => stateRow(step, style)),
        style,
      ),
      ...table(
        { kind: 'sidecars', title: 'Sidecars', columns: ' NAME\tSTATUS' },
        (status?.sidecars ?? []).map((sidecar) => stateRow(sidecar, style)),
        style,
      ),
      '',
    ].join('\n'),
  );
}

/** Empty for no timeout, given or not. */
function timeoutOf(run: TaskRun): string {
  const timeout = run.spec.timeout === undefined ? '' : timeoutText(run.spec.timeout);
  return timeout === '0s' ? '' : timeout;
}

function failureMessage(run: TaskRun): string[] {
  const condition = run.status?.conditions?.[0];
  return condition?.status === 'False' ? [condition.message ?? ''] : [];
}

/** In the order in which they started; those that have not come last. */
function byStart(steps: readonly StepState[]): StepState[] {
  const start = (step: StepState): number => {
    const time = step.waiting ? undefined : (step.terminated ?? step.running)?.startedAt;
    return time === undefined ? Infinity : Date.parse(time);
  };
  // Infinity - Infinity is no number.
  return [...steps].sort((a, b) => (start(a) === start(b) ? 0 : start(a) - start(b)));
}

function stateRow(state: StepState | SidecarState, style: Style): string {
  const reason = state.waiting
    ? state.waiting.reason
    : state.running
      ? 'Running'
      : state.terminated
        ? state.terminated.reason
        : nothing;
  return ` ${style.bullet(state.name ?? '')}\t${style.status(reason ?? '')}`;
}
