import type { ReactNode } from 'react';
import type { PipelineRun } from '../../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../../api/pipeline/v1/taskrun.ts';
import { artifactsOfTasks } from '../../view/run-artifacts.ts';
import { TabBody } from '../parts/tab-body.tsx';
import { Values } from '../parts/values.tsx';
import { Pods } from './pods.tsx';
import type { RunName, RunView } from './use-run.ts';

interface DataProps {
  name: RunName;
  run: PipelineRun | TaskRun;
  view: RunView;
}

type SkippedTasks = NonNullable<NonNullable<PipelineRun['status']>['skippedTasks']>;

function skippedTasks({ status }: PipelineRun): SkippedTasks {
  return status?.skippedTasks ?? [];
}

/** What went in and what came out. */
export default function DataTab({ name, run, view }: DataProps): ReactNode {
  const { spec, status } = run;
  const skipped = name.kind === 'PipelineRun' ? skippedTasks(run) : [];
  return (
    <TabBody label="Params and results">
      <Values title="Params" values={spec.params ?? []} none="The run was given no params." />
      <Values
        title="Results"
        values={status?.results ?? []}
        none={status?.completionTime === undefined ? 'There are no results yet.' : 'The run produced no results.'}
      />
      <Values
        title="Workspaces"
        values={(spec.workspaces ?? []).map(({ name: workspace, ...binding }) => ({ name: workspace, value: binding }))}
        none="The run has no workspaces."
      />
      <Values
        title="Artifacts"
        values={artifactsOfTasks(view.graph, view.taskRuns).map(({ task, value }) => ({
          name: value.name,
          value: `${value.direction === 'in' ? 'read' : 'written'} by ${task}\n${value.values.join('\n')}`,
        }))}
        none="No task told of files or images that it read or wrote."
      />
      <Pods name={name} view={view} />
      {skipped.length > 0 && (
        <Values
          title="Skipped tasks"
          values={skipped.map((task) => ({ name: task.name, value: task.reason }))}
          none=""
        />
      )}
    </TabBody>
  );
}
