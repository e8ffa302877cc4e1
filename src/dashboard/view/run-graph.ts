import type { PipelineSpec } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun, PipelineRunStatus } from '../../api/pipeline/v1/pipelinerun.ts';
import { isDone } from '../../core/condition.ts';
import { taskDependencies } from '../../core/graph/dependencies.ts';
import { buildGraph, GraphError } from '../../core/graph/graph.ts';
import type { RunStatus } from '../contract.ts';
import { statusOf, type HasStatus } from './status.ts';

/** `waiting`: for other tasks; `not-run`: the run was over before its turn. */
export type NodeState = RunStatus | 'waiting' | 'skipped' | 'not-run';

/** A run made for a task of the pipeline: one of several where a matrix fans out. */
export interface ChildState {
  name: string;
  kind: string;
  /** Undefined while it is not known, or no longer: it may have been deleted. */
  status: RunStatus | undefined;
}

/** A task of the pipeline as a picture of the run shows it. */
export interface RunGraphNode {
  name: string;
  section: 'tasks' | 'finally';
  /** Names of the tasks that it comes after; none for tasks of finally, which come after all others. */
  dependencies: readonly string[];
  state: NodeState;
  /** Why it was skipped, as the run's status says. */
  skipped?: string;
  children: readonly ChildState[];
}

/** What a picture of a pipeline is drawn from; `problem` tells why its edges are missing. */
export interface RunGraph {
  nodes: readonly RunGraphNode[];
  problem?: string;
}

/** The graph of a run by what was made for it; `childOf` gives one by its name, as far as it is known. */
export function pipelineRunGraph(
  { spec, status }: Pick<PipelineRun, 'spec' | 'status'>,
  childOf: (name: string) => HasStatus | undefined,
): RunGraph {
  return runGraph(status?.pipelineSpec ?? spec.pipelineSpec ?? {}, status, (name) => {
    const child = childOf(name);
    return child && statusOf(child);
  });
}

/**
 * The tasks of a pipeline, parents first and finally last, each with what became of it. Before a run (no status) all
 * wait. A pipeline that is no graph is shown without edges, for it must be seen to be corrected.
 * @param statusOfChild The status of a child by its name, or nothing while the child is not known.
 */
export function runGraph(
  spec: PipelineSpec,
  status: PipelineRunStatus = {},
  statusOfChild: (child: string) => RunStatus | undefined = () => undefined,
): RunGraph {
  const children = childrenByTask(status, statusOfChild);
  const skipped = new Map((status.skippedTasks ?? []).map(({ name, reason }) => [name, reason]));
  const node = (name: string, section: RunGraphNode['section'], dependencies: readonly string[]): RunGraphNode => {
    const own = children.get(name) ?? [];
    const reason = skipped.get(name);
    return {
      name,
      section,
      dependencies,
      state: reason === undefined ? stateOfAll(own, isDone(status)) : 'skipped',
      ...(reason === undefined ? {} : { skipped: reason }),
      children: own,
    };
  };
  const { order, parents, problem } = ordered(spec.tasks ?? []);
  return {
    nodes: [
      ...order.map((name) => node(name, 'tasks', parents.get(name) ?? [])),
      ...(spec.finally ?? []).map(({ name = '' }) => node(name, 'finally', [])),
    ],
    ...(problem === undefined ? {} : { problem }),
  };
}

function ordered(tasks: NonNullable<PipelineSpec['tasks']>): {
  order: readonly string[];
  parents: ReadonlyMap<string, readonly string[]>;
  problem?: string;
} {
  const siblings = new Set(tasks.map(({ name = '' }) => name));
  try {
    return buildGraph(tasks.map((task) => ({ name: task.name ?? '', dependencies: taskDependencies(task, siblings) })));
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
    return { order: [...siblings], parents: new Map(), problem: error.message };
  }
}

function childrenByTask(
  status: PipelineRunStatus,
  statusOfChild: (child: string) => RunStatus | undefined,
): ReadonlyMap<string, ChildState[]> {
  const byTask = new Map<string, ChildState[]>();
  for (const { name = '', kind = 'TaskRun', pipelineTaskName = '' } of status.childReferences ?? []) {
    const own = byTask.get(pipelineTaskName) ?? [];
    own.push({ name, kind, status: statusOfChild(name) });
    byTask.set(pipelineTaskName, own);
  }
  return byTask;
}

/** What shows for many: the first of these that one of them has. */
const loudest: readonly RunStatus[] = ['failed', 'timed-out', 'cancelled', 'running', 'queued', 'pending'];

/** One state for a fan-out: a failure shows at once, success only when all have succeeded. */
function stateOfAll(children: readonly ChildState[], isOver: boolean): NodeState {
  if (children.length === 0) return isOver ? 'not-run' : 'waiting';
  const found = loudest.find((status) => children.some((child) => child.status === status));
  if (found !== undefined) return found;
  if (children.every(({ status }) => status === 'succeeded')) return 'succeeded';
  // What became of a child that is gone, nobody can say.
  return isOver ? 'not-run' : 'pending';
}
