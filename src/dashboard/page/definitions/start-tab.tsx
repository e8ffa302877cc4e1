import { lazy, Suspense, useMemo, useState, type ReactNode } from 'react';
import { useLocation } from 'wouter';
import type { KubeObject } from '../../../resource.ts';
import {
  firstInput,
  startForm,
  startRequest,
  type StartForm,
  type StartInput,
  type StartProblem,
} from '../../view/start.ts';
import { textOf } from '../api/request.ts';
import { useProperties } from '../api/use-properties.ts';
import { createObject } from '../api/write.ts';
import type { ObjectName } from '../objects/address.ts';
import { Problem } from '../parts/problem.tsx';
import { runHref } from '../run/address.ts';
import { runsPath } from '../run/use-run.ts';
import { ParamInput } from './param-input.tsx';
import { TextInput } from './text-input.tsx';
import { WorkspaceFields } from './workspace-fields.tsx';
import '../style/form.css';

const Preview = lazy(() => import('./preview.tsx'));

interface StartTabProps {
  name: ObjectName;
  object: KubeObject;
  /** By the API server's word; false until it has said so. */
  mayStart: boolean;
}

/** A run of the definition, put together: what it is given on the left, what will be created on the right. */
export function StartTab({ name, object, mayStart }: StartTabProps): ReactNode {
  const isReadOnly = useProperties()?.isReadOnly === true;
  const { kind, namespace = '' } = name;
  const { spec } = object as { spec?: unknown };
  const form = useMemo(
    () => startForm({ kind: kind === 'Task' ? 'Task' : 'Pipeline', namespace, name: name.name }, spec),
    [kind, namespace, name.name, spec],
  );
  if (!mayStart)
    return (
      <p className="empty">
        {isReadOnly
          ? 'This dashboard is read-only: start it with tektite or kubectl.'
          : `By the API server's word you may not create ${kind}Runs in ${namespace}: ask for the right, or sign in as somebody else.`}
      </p>
    );
  return <Form form={form} />;
}

function Form({ form }: { form: StartForm }): ReactNode {
  const [changed, setChanged] = useState<StartInput>(() => firstInput(form));
  const [isTried, setTried] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<string>();
  const [, navigate] = useLocation();
  // Params that came since the form was opened have their defaults.
  const input = useMemo(() => merged(firstInput(form), changed), [form, changed]);
  const request = startRequest(form, input);
  const problems = 'problems' in request ? request.problems : [];
  const start = async () => {
    setTried(true);
    setRefusal(undefined);
    if (!('body' in request)) return;
    setBusy(true);
    try {
      const kind = form.kind === 'Task' ? 'TaskRun' : 'PipelineRun';
      const made = await createObject(runsPath(kind, form.namespace), request.body);
      navigate(runHref({ kind, namespace: form.namespace, name: made.metadata.name ?? '' }));
    } catch (error) {
      setRefusal(textOf(error));
      setBusy(false);
    }
  };
  return (
    <div className="run-body start">
      <form
        className="definition-side"
        aria-label="Start a run"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <Fields form={form} input={input} problems={isTried ? problems : []} onInput={setChanged} />
        {isTried && problems.length > 0 && (
          <p className="bad" role="alert">
            {problems.length === 1 ? 'One field has' : `${problems.length} fields have`} to be put right first.
          </p>
        )}
        {refusal !== undefined && <Problem title="The run was not created" text={refusal} />}
        <button type="submit" className="tool main-tool" disabled={isBusy}>
          Start
        </button>
      </form>
      <div className="definition-side" role="region" aria-label="What will be created" tabIndex={0}>
        {'body' in request ? (
          <Suspense fallback={null}>
            <Preview of={request.body} />
          </Suspense>
        ) : (
          <p className="muted">The run shows here once it has all that it needs.</p>
        )}
      </div>
    </div>
  );
}

interface FieldsProps {
  form: StartForm;
  input: StartInput;
  problems: readonly StartProblem[];
  onInput: (input: StartInput) => void;
}

function Fields({ form, input, problems, onInput }: FieldsProps): ReactNode {
  const wrong = (field: string) => {
    const text = problems.find((problem) => problem.field === field)?.text;
    return text === undefined ? {} : { problem: text };
  };
  return (
    <>
      {form.params.map((field) => (
        <ParamInput
          key={field.name}
          field={field}
          value={input.params.get(field.name) ?? ''}
          {...wrong(`params.${field.name}`)}
          onValue={(value) => onInput({ ...input, params: new Map(input.params).set(field.name, value) })}
        />
      ))}
      {form.workspaces.map((field) => (
        <WorkspaceFields
          key={field.name}
          field={field}
          input={input.workspaces.get(field.name)}
          {...wrong(`workspaces.${field.name}`)}
          onInput={(each) => onInput({ ...input, workspaces: new Map(input.workspaces).set(field.name, each) })}
        />
      ))}
      <TextInput
        label="Service account"
        hint="of the settings"
        value={input.serviceAccount}
        {...wrong('serviceAccount')}
        onValue={(serviceAccount) => onInput({ ...input, serviceAccount: serviceAccount.trim() })}
      />
      <TextInput
        label="Timeout"
        hint="of the settings, such as 1h30m"
        value={input.timeout}
        {...wrong('timeout')}
        onValue={(timeout) => onInput({ ...input, timeout: timeout.trim() })}
      />
    </>
  );
}

function merged(first: StartInput, changed: StartInput): StartInput {
  return {
    ...changed,
    params: new Map([...first.params, ...changed.params]),
    workspaces: new Map([...first.workspaces, ...changed.workspaces]),
  };
}
