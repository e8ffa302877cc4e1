import { useMemo, type ReactNode } from 'react';
import { useSearch } from 'wouter';
import type { PipelineSpec } from '../../../api/pipeline/v1/pipeline.ts';
import type { KubeObject } from '../../../resource.ts';
import { paramRows, resultRows, stepRows, workspaceRows } from '../../view/definition.ts';
import { runGraph } from '../../view/run-graph.ts';
import { Graph } from '../graph/graph.tsx';
import { objectHref, type ObjectName } from '../objects/address.ts';
import { Declared, Params, Steps } from './declared.tsx';
import { TaskOfPipeline } from './task-of-pipeline.tsx';
import { fieldsOf } from '../../../json-object.ts';

/** What a definition declares; of a Pipeline its tasks as they depend on each other, beside it. */
export function DefinitionBody({ name, object }: { name: ObjectName; object: KubeObject }): ReactNode {
  const spec = fieldsOf((object as { spec?: unknown }).spec);
  const task = new URLSearchParams(useSearch()).get('task') ?? undefined;
  if (name.kind !== 'Pipeline') return <Side spec={spec} kind={name.kind} />;
  return (
    <div className="run-body">
      <PipelineGraph name={name} spec={spec} task={task} />
      {task === undefined ? (
        <Side spec={spec} kind={name.kind} />
      ) : (
        <TaskOfPipeline pipeline={name} spec={spec} name={task} />
      )}
    </div>
  );
}

interface PipelineGraphProps {
  name: ObjectName;
  spec: PipelineSpec;
  task: string | undefined;
}

function PipelineGraph({ name, spec, task }: PipelineGraphProps): ReactNode {
  const graph = useMemo(() => runGraph(spec), [spec]);
  const own = objectHref('/definitions', name);
  return (
    <Graph
      graph={graph}
      hrefOf={(each) => (each === task ? own : `${own}?${new URLSearchParams({ task: each })}`)}
      {...(task === undefined ? {} : { chosen: task })}
    />
  );
}

function Side({ spec, kind }: { spec: Readonly<Record<string, unknown>>; kind: string }): ReactNode {
  return (
    <div className="definition-side" role="region" aria-label="What it declares" tabIndex={0}>
      <Params rows={paramRows(spec['params'])} />
      {kind !== 'StepAction' && (
        <Declared title="Workspaces" rows={workspaceRows(spec['workspaces'])} none="It needs no workspaces." />
      )}
      <Declared title="Results" rows={resultRows(spec['results'])} none="It has no results." />
      {kind === 'Task' && <Steps rows={stepRows(spec['steps'])} />}
      {kind === 'StepAction' && <Steps rows={stepRows([{ name: 'step', ...spec }])} />}
    </div>
  );
}
