import { useId, type ReactNode } from 'react';
import type { TaskRun } from '../../../api/pipeline/v1/taskrun.ts';
import { attemptsOf, stepToShow, type AttemptView, type StepView } from '../../view/attempts.ts';
import type { RunGraphNode } from '../../view/run-graph.ts';
import { attemptSentence } from '../../view/sentence.ts';
import { Status, StatusIcon, wordOf } from '../parts/status.tsx';
import { Text } from '../parts/text.tsx';
import { Span, spanTitle } from '../parts/time.tsx';
import type { RunPlace } from './address.ts';
import { NoTaskRun } from './no-task-run.tsx';
import { StepLog } from './step-log.tsx';
import type { RunView } from './use-run.ts';

interface PanelProps {
  node: RunGraphNode;
  namespace: string;
  view: RunView;
  place: RunPlace;
  now: number;
  onPlace: (some: Partial<RunPlace>) => void;
  hrefOf: (some: Partial<RunPlace>) => string;
}

/** What one task of the run did: its runs, their attempts, their steps, and the log of one. */
export function TaskPanel({ node, namespace, view, place, now, onPlace, hrefOf }: PanelProps): ReactNode {
  const child = node.children.find(({ name }) => name === place.child) ?? node.children[0];
  const taskRun = child && view.taskRuns.get(child.name);
  return (
    <section className="panel" aria-label={`Task ${node.name}`}>
      <div className="panel-head">
        <h2>
          <Text of={node.name} most={253} />
        </h2>
        <Status status={child?.status ?? node.state} />
        {node.children.length > 1 && (
          <Choice
            label="Run of the matrix"
            value={child?.name ?? ''}
            options={node.children.map(({ name, status }) => ({
              value: name,
              text: `${name} - ${status === undefined ? 'gone' : wordOf(status)}`,
            }))}
            onChange={(name) => onPlace({ child: name })}
          />
        )}
      </div>
      {taskRun !== undefined ? (
        <Attempts taskRun={taskRun} hrefOf={hrefOf} namespace={namespace} place={place} now={now} onPlace={onPlace} />
      ) : (
        <NoTaskRun node={node} namespace={namespace} view={view} />
      )}
    </section>
  );
}

interface AttemptsProps {
  taskRun: TaskRun;
  namespace: string;
  place: RunPlace;
  now: number;
  onPlace: (some: Partial<RunPlace>) => void;
  hrefOf: (some: Partial<RunPlace>) => string;
}

function Attempts({ taskRun, namespace, place, now, onPlace, hrefOf }: AttemptsProps): ReactNode {
  const attempts = attemptsOf(taskRun);
  const number = Math.min(place.attempt ?? attempts.length, attempts.length);
  const attempt = attempts[number - 1];
  if (attempt === undefined) return null;
  const containers = [...attempt.steps, ...attempt.sidecars];
  const step = containers.find(({ name }) => name === place.step) ?? stepToShow(attempt);
  const childPart = place.child === undefined ? {} : { child: place.child };
  const attemptPart = place.attempt === undefined ? {} : { attempt: place.attempt };
  return (
    <>
      <div className="attempt">
        {attempts.length > 1 && (
          <Choice
            label="Attempt"
            value={number.toString()}
            options={attempts.map(({ status }, at) => ({
              value: (at + 1).toString(),
              text: `Attempt ${at + 1} of ${attempts.length} - ${wordOf(status)}`,
            }))}
            onChange={(value) => onPlace({ ...childPart, attempt: Number(value) })}
          />
        )}
        <p className="attempt-sentence" title={spanTitle(attempt.started, attempt.finished)}>
          <Text of={attemptSentence(attempt, now)} />
        </p>
      </div>
      <Steps
        attempt={attempt}
        chosen={step}
        now={now}
        onChoose={(name) => onPlace({ ...childPart, ...attemptPart, step: name })}
      />
      {step !== undefined && (
        <StepLog
          key={`${attempt.pod} ${step.container}`}
          namespace={namespace}
          attempt={attempt}
          step={step}
          href={hrefOf({
            ...childPart,
            ...(attempts.length > 1 ? { attempt: number } : {}),
            step: step.name,
          })}
        />
      )}
    </>
  );
}

interface StepsProps {
  attempt: AttemptView;
  chosen: StepView | undefined;
  now: number;
  onChoose: (step: string) => void;
}

function Steps({ attempt, chosen, now, onChoose }: StepsProps): ReactNode {
  return (
    <ol className="steps" aria-label="Steps">
      {[...attempt.steps, ...attempt.sidecars].map((step, at) => (
        <li key={step.container}>
          <button
            type="button"
            className="step"
            aria-current={step.container === chosen?.container ? 'true' : undefined}
            title={[wordOf(step.status), step.reason, step.message].filter(Boolean).join(': ').slice(0, 500)}
            onClick={() => onChoose(step.name)}
          >
            <StatusIcon status={step.status} />
            <Text of={step.name || `step ${at + 1}`} most={63} />
            <span className="sr-only">
              {at < attempt.steps.length ? '' : 'sidecar, '}
              {wordOf(step.status)}
            </span>
            {step.status === 'failed' && <span className="bad">exit {step.exitCode}</span>}
            <span className="muted">
              <Span started={step.started} finished={step.finished} now={now} />
            </span>
          </button>
        </li>
      ))}
    </ol>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  options: readonly { value: string; text: string }[];
  onChange: (value: string) => void;
}

function Choice({ label, value, options, onChange }: ChoiceProps): ReactNode {
  const id = useId();
  return (
    <>
      <label className="sr-only" htmlFor={id}>
        {label}
      </label>
      <select id={id} value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </>
  );
}
