import type { ReactNode } from 'react';
import type { PipelineRun } from '../../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../../api/pipeline/v1/taskrun.ts';
import { Text } from '../parts/text.tsx';
import { TabBody } from '../parts/tab-body.tsx';
import type { RunName } from './use-run.ts';

interface Named {
  name: string;
  value: unknown;
}

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

const LONGEST = 4_000;

function Values({ title, values, none }: { title: string; values: readonly Named[]; none: string }): ReactNode {
  return (
    <section>
      <h2>{title}</h2>
      {values.length === 0 ? (
        <p className="muted">{none}</p>
      ) : (
        <dl className="values">
          {values.map(({ name, value }, at) => (
            <div key={`${name} ${at}`}>
              <dt>
                <Text of={name} most={253} />
              </dt>
              <dd>
                <Text of={typeof value === 'string' ? value : JSON.stringify(value, undefined, 2)} most={LONGEST} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}
