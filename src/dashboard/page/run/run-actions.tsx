import { useState, type ReactNode } from 'react';
import { useLocation } from 'wouter';
import type { PipelineRun } from '../../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../../api/pipeline/v1/taskrun.ts';
import { actionsOf, requestOf, type RunAction } from '../../view/actions.ts';
import { textOf } from '../api/request.ts';
import { useRights } from '../api/use-rights.ts';
import { createObject, deleteObject, patchObject } from '../api/write.ts';
import { Confirm } from '../parts/confirm.tsx';
import { Text } from '../parts/text.tsx';
import { runHref } from './address.ts';
import { runsPath, type RunName } from './use-run.ts';

const words: Readonly<Record<RunAction, { button: string; title: string; asks?: string }>> = {
  start: { button: 'Start', title: 'Let it begin: its spec.status holds it back' },
  cancel: {
    button: 'Cancel',
    title: 'End it now, without its final tasks',
    asks: 'What runs is ended now. The final tasks of the pipeline do not run.',
  },
  'cancel-run-finally': {
    button: 'Cancel, run finally',
    title: 'End what runs now, then run the final tasks',
    asks: 'What runs is ended now. Then the final tasks of the pipeline run.',
  },
  'stop-run-finally': {
    button: 'Stop, run finally',
    title: 'Begin no other task; when those that run have ended, run the final tasks',
    asks: 'What runs goes on to its end, and no other task begins. Then the final tasks of the pipeline run.',
  },
  rerun: { button: 'Rerun', title: 'Start a new run of the same spec' },
  'rerun-from-failure': {
    button: 'Rerun from failure',
    title: 'Start a new run of the same spec that takes over what succeeded here',
  },
  delete: {
    button: 'Delete',
    title: 'Delete the run, with its TaskRuns, pods and logs',
    asks: 'The run goes for good, with its TaskRuns, their pods and their logs. What runs is ended.',
  },
};
const verbs: Readonly<Record<RunAction, string>> = {
  start: 'patch',
  cancel: 'patch',
  'cancel-run-finally': 'patch',
  'stop-run-finally': 'patch',
  rerun: 'create',
  'rerun-from-failure': 'create',
  delete: 'delete',
};

/** What one may do with the run: what makes sense now, and what the API server would let one do. */
export function RunActions({ name, run }: { name: RunName; run: PipelineRun | TaskRun }): ReactNode {
  const resource = name.kind === 'TaskRun' ? 'taskruns' : 'pipelineruns';
  const rights = useRights(['patch', 'create', 'delete'], 'tekton.dev', resource, name.namespace);
  const [asked, setAsked] = useState<RunAction>();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const [, navigate] = useLocation();
  const actions = actionsOf({ kind: name.kind, ...run }).filter((action) => rights.has(verbs[action]));
  const act = async (action: RunAction) => {
    setAsked(undefined);
    setProblem(undefined);
    setBusy(true);
    try {
      const made = await send(name, run, action);
      if (action === 'delete') navigate('/runs');
      if (made !== undefined) navigate(runHref({ ...name, name: made }));
    } catch (error) {
      setProblem(textOf(error));
    } finally {
      setBusy(false);
    }
  };
  const question = asked && words[asked].asks;
  if (actions.length === 0) return null;
  return (
    <div className="actions">
      {actions.map((action) => (
        <button
          key={action}
          type="button"
          className="tool"
          title={words[action].title}
          disabled={isBusy}
          onClick={() => (words[action].asks === undefined ? void act(action) : setAsked(action))}
        >
          {words[action].button}
        </button>
      ))}
      {problem !== undefined && (
        <p className="bad" role="alert">
          <Text of={problem} />
        </p>
      )}
      {asked !== undefined && question !== undefined && (
        <Confirm
          title={`${words[asked].button}?`}
          action={words[asked].button}
          onConfirm={() => void act(asked)}
          onCancel={() => setAsked(undefined)}
        >
          <p>
            <Text of={name.name} most={253} />
          </p>
          <p>{question}</p>
        </Confirm>
      )}
    </div>
  );
}

/** Returns the name of a run that was made. */
async function send(name: RunName, run: PipelineRun | TaskRun, action: RunAction): Promise<string | undefined> {
  const path = runsPath(name.kind, name.namespace);
  const own = `${path}/${encodeURIComponent(name.name)}`;
  const request = requestOf({ kind: name.kind, ...run }, action);
  switch (request.verb) {
    case 'create':
      return (await createObject(path, request.body)).metadata.name;
    case 'patch':
      await patchObject(own, request.body);
      return undefined;
    case 'delete':
      await deleteObject(own);
      return undefined;
    default:
      return request satisfies never;
  }
}
