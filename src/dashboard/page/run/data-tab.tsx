import type { ReactNode } from 'react';
import type { PipelineRun } from '../../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../../api/pipeline/v1/taskrun.ts';
import { TabBody } from '../parts/tab-body.tsx';
import { Values } from '../parts/values.tsx';
import type { RunName } from './use-run.ts';

/** What went in and what came out. */
export default function DataTab({ name, run }: { name: RunName; run: PipelineRun | TaskRun }): ReactNode {
  const { spec, status } = run;
  const skipped = name.kind === 'PipelineRun' ? ((run as PipelineRun).status?.skippedTasks ?? []) : [];
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
