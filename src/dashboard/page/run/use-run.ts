import { useMemo } from 'react';
import type { PipelineRun } from '../../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../../api/pipeline/v1/taskrun.ts';
import type { KubeObject } from '../../../resource.ts';
import { childSelector, taskRunSelector } from '../../view/children.ts';
import { pipelineRunGraph, type RunGraph } from '../../view/run-graph.ts';
import { statusOf, type HasStatus } from '../../view/status.ts';
import type { Objects, ObjectSource } from '../api/objects.ts';
import { pathOf } from '../api/request.ts';
import { useObjects } from '../api/use-objects.ts';
import type { RunPlace } from './address.ts';

/** A run and all that was made for it, as it is now. */
export interface RunView {
  /** Undefined until it is read, and when there is none. */
  run?: PipelineRun | TaskRun;
  isLoaded: boolean;
  isLive: boolean;
  problem?: string;
  graph: RunGraph;
  /** By name; of a TaskRun of its own, that one. */
  taskRuns: ReadonlyMap<string, TaskRun>;
  /** Child pipelines and runs of custom tasks, by name. */
  others: ReadonlyMap<string, OtherRun>;
}

/** A run whose kind is not known further. */
export type OtherRun = KubeObject & HasStatus;

export interface RunName {
  kind: RunPlace['kind'];
  namespace: string;
  name: string;
}

const api = 'apis/tekton.dev/v1';

export function runsPath(kind: string, namespace: string): string {
  if (kind === 'CustomRun') return pathOf('apis/tekton.dev/v1beta1', 'namespaces', namespace, 'customruns');
  return pathOf(api, 'namespaces', namespace, kind === 'TaskRun' ? 'taskruns' : 'pipelineruns');
}

export function useRun({ kind, namespace, name }: RunName): RunView {
  const own = useObjects<PipelineRun | TaskRun>({
    path: runsPath(kind, namespace),
    fieldSelector: `metadata.name=${name}`,
  });
  const run = own.byName.get(name);
  const kinds = new Set(kind === 'PipelineRun' ? childKinds(run) : []);
  // Most have TaskRuns: they are asked for at once, and not only when the run has said so.
  if (kind === 'PipelineRun' && !own.isLoaded) kinds.add('TaskRun');
  const taskRuns = useObjects<TaskRun>(kinds.has('TaskRun') ? childrenOf('TaskRun', namespace, name) : undefined);
  const pipelineRuns = useObjects<OtherRun>(
    kinds.has('PipelineRun') ? childrenOf('PipelineRun', namespace, name) : undefined,
  );
  const customRuns = useObjects<OtherRun>(
    kinds.has('CustomRun') ? childrenOf('CustomRun', namespace, name) : undefined,
  );
  return useMemo(() => {
    const all = kind === 'TaskRun' ? (own.byName as ReadonlyMap<string, TaskRun>) : taskRuns.byName;
    const others = new Map([...pipelineRuns.byName, ...customRuns.byName]);
    const parts: Objects<KubeObject>[] = [
      own,
      ...(kinds.has('TaskRun') ? [taskRuns] : []),
      ...(kinds.has('PipelineRun') ? [pipelineRuns] : []),
      ...(kinds.has('CustomRun') ? [customRuns] : []),
    ];
    const problem = parts.find((part) => part.problem !== undefined)?.problem;
    return {
      ...(run === undefined ? {} : { run }),
      isLoaded: parts.every(({ isLoaded }) => isLoaded),
      isLive: parts.every(({ isLive }) => isLive),
      ...(problem === undefined ? {} : { problem }),
      graph: run === undefined ? { nodes: [] } : graphOf(kind, run, { taskRuns: all, others }),
      taskRuns: all,
      others,
    };
  }, [kind, own, run, taskRuns, pipelineRuns, customRuns]);
}

function childKinds(run: PipelineRun | undefined): string[] {
  return (run?.status?.childReferences ?? []).map(({ kind = 'TaskRun' }) => kind);
}

/** All children of a run by one list: its name is a label of theirs. */
function childrenOf(kind: string, namespace: string, name: string): ObjectSource | undefined {
  const labelSelector = childSelector(name);
  return labelSelector === undefined ? undefined : { path: runsPath(kind, namespace), labelSelector };
}

/** The pods of a run, of all its tasks and attempts. */
export function podsOf({ kind, namespace, name }: RunName): ObjectSource | undefined {
  const labelSelector = kind === 'TaskRun' ? taskRunSelector(name) : childSelector(name);
  return labelSelector === undefined
    ? undefined
    : { path: pathOf('api/v1', 'namespaces', namespace, 'pods'), labelSelector };
}

interface Children {
  taskRuns: ReadonlyMap<string, TaskRun>;
  others: ReadonlyMap<string, OtherRun>;
}

function graphOf(kind: RunPlace['kind'], run: PipelineRun | TaskRun, { taskRuns, others }: Children): RunGraph {
  const name = run.metadata.name ?? '';
  const status = statusOf(run);
  if (kind === 'TaskRun')
    return { nodes: [{ name, section: 'tasks', dependencies: [], state: status, children: [{ name, kind, status }] }] };
  return pipelineRunGraph(run, (child) => taskRuns.get(child) ?? others.get(child));
}
