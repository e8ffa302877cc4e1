import type { SidecarState, StepState, TaskRun } from '../api/pipeline/v1/taskrun.ts';
import { messageOf } from '../errors.ts';
import { CommandError } from './command.ts';
import type { Context } from './command.ts';
import { taskRunKind } from './kinds.ts';
import { nothing } from './text/age.ts';
import { alignColumns } from './text/columns.ts';
import type { Style } from './text/colour.ts';
import { header, section, started, timeoutText, workspaceSection } from './text/sections.ts';
import { paramText, resultText } from './text/values.ts';

export async function describeTaskRun(context: Context, name: string): Promise<string> {
  const { cluster, namespace, signal } = context;
  const run = await cluster.get(taskRunKind.resource, namespace, name, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new CommandError(`failed to get TaskRun ${name}: ${messageOf(error)}`);
  });
  return taskRunText(run, context.environment.clock.now(), context.style);
}

/** tkn's description of a TaskRun. */
export function taskRunText(run: TaskRun, now: Date, style: Style): string {
  const { spec, status } = run;
  const timeout = spec.timeout === undefined ? '' : timeoutText(spec.timeout);
  const fields: [string, string | undefined][] = [
    ['Task Ref', spec.taskRef?.name],
    ['Service Account', spec.serviceAccountName],
    ['Timeout', timeout === '0s' ? '' : timeout],
  ];
  const condition = status?.conditions?.[0];
  const named = (rows: string[], head: string): string[] => (rows.length > 0 ? [head, ...rows] : []);
  return alignColumns([
    ...header(run.metadata, fields, style),
    ...section('status', 'Status', ['STARTED \tDURATION \tSTATUS', started(status, now, style)], style),
    ...section('plain', 'Message', condition?.status === 'False' ? [condition.message ?? ''] : [], style),
    ...section('params', 'Params', named((spec.params ?? []).map((param) => ` ${style.bullet(param.name)}\t${paramText(param.value)}`), ' NAME\tVALUE'), style),
    ...section('results', 'Results', named((status?.results ?? []).map((result) => ` ${style.bullet(result.name)}\t${resultText(result.value)}`), ' NAME\tVALUE'), style),
    ...workspaceSection(spec.workspaces, style),
    ...section('steps', 'Steps', named(byStart(status?.steps ?? []).map((step) => stateRow(step, style)), ' NAME\tSTATUS'), style),
    ...section('sidecars', 'Sidecars', named((status?.sidecars ?? []).map((sidecar) => stateRow(sidecar, style)), ' NAME\tSTATUS'), style),
    '',
  ].join('\n'));
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
  const reason = state.waiting ? state.waiting.reason : state.running ? 'Running' : state.terminated ? state.terminated.reason : nothing;
  return ` ${style.bullet(state.name ?? '')}\t${style.status(reason ?? '')}`;
}
