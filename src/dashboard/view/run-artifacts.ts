import type { Artifact, TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { attemptsOf } from './attempts.ts';
import type { RunGraph } from './run-graph.ts';

/** Something of one TaskRun of a run. */
export interface OfTask<Value> {
  /** `TASK`, with the TaskRun's name where the task has several. */
  task: string;
  value: Value;
}

/** An artifact that a task read or wrote. */
export interface ArtifactRow {
  direction: 'in' | 'out';
  name: string;
  /** `URI` and `sha256:...`, each where it is there. */
  values: readonly string[];
}

/** The pods of each attempt, in the order of the tasks. */
export function podsOfTasks(graph: RunGraph, taskRuns: ReadonlyMap<string, TaskRun>): OfTask<string>[] {
  return ofTasks(graph, taskRuns, (run) => attemptsOf(run).flatMap(({ pod }) => pod ?? []));
}

/** What the tasks say that they read and wrote, in the order of the tasks. */
export function artifactsOfTasks(graph: RunGraph, taskRuns: ReadonlyMap<string, TaskRun>): OfTask<ArtifactRow>[] {
  return ofTasks(graph, taskRuns, ({ status }) => [
    ...(status?.artifacts?.inputs ?? []).map((artifact) => rowOf('in', artifact)),
    ...(status?.artifacts?.outputs ?? []).map((artifact) => rowOf('out', artifact)),
  ]);
}

function ofTasks<Value>(
  { nodes }: RunGraph,
  taskRuns: ReadonlyMap<string, TaskRun>,
  valuesOf: (run: TaskRun) => Value[],
): OfTask<Value>[] {
  return nodes.flatMap(({ name, children }) =>
    children.flatMap((child) => {
      const run = taskRuns.get(child.name);
      const task = children.length > 1 ? `${name}, ${child.name}` : name;
      return run === undefined ? [] : valuesOf(run).map((value) => ({ task, value }));
    }),
  );
}

function rowOf(direction: ArtifactRow['direction'], { name = '', values = [] }: Artifact): ArtifactRow {
  return {
    direction,
    name,
    values: values.map(({ uri = '', digest = {} }) => {
      const digests = Object.entries(digest).map(([algorithm, value]) => `${algorithm}:${value}`);
      return [uri, ...digests].filter((part) => part !== '').join(' ');
    }),
  };
}
