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
  type StartRequest,
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
  const [written, setWritten] = useState<string>();
  const [, navigate] = useLocation();
  // Params that came since the form was opened have their defaults.
  const input = useMemo(() => merged(firstInput(form), changed), [form, changed]);
  const request = startRequest(form, input);
  const problems = isTried && written === undefined ? (request.problems ?? []) : [];
  const start = async () => {
    setTried(true);
    setRefusal(undefined);
    const body = written === undefined ? request.body : writtenBody(form, written);
    if (body === undefined) return;
    setBusy(true);
    try {
      const kind = form.kind === 'Task' ? 'TaskRun' : 'PipelineRun';
      const made = await createObject(runsPath(kind, form.namespace), await body);
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
        <fieldset className="form-fields" disabled={written !== undefined}>
          <Fields form={form} input={input} problems={problems} onInput={setChanged} />
        </fieldset>
        {problems.length > 0 && (
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
        {written === undefined ? (
          <Planned request={request} onEdit={setWritten} />
        ) : (
          <Written text={written} onText={setWritten} />
        )}
      </div>
    </div>
  );
}

/** What somebody wrote in place of the form. @throws Error that says what is wrong with it */
async function writtenBody(form: StartForm, text: string): Promise<KubeObject> {
  const { writtenRun } = await import('./written-run.ts');
  const found = writtenRun(form, text);
  if ('problem' in found) throw new Error(found.problem);
  return found.body;
}

function Planned({ request, onEdit }: { request: StartRequest; onEdit: (text: string) => void }): ReactNode {
  if (request.body === undefined) return <p className="muted">The run shows here once it has all that it needs.</p>;
  return (
    <Suspense fallback={null}>
      <Preview of={request.body} onEdit={onEdit} />
    </Suspense>
  );
}

function Written({ text, onText }: { text: string; onText: (text: string | undefined) => void }): ReactNode {
  return (
    <>
      <div className="tab-tools">
        <span className="muted">What is written here is created; the form waits.</span>
        <button type="button" className="tool" onClick={() => onText(undefined)}>
          Back to the form
        </button>
      </div>
      <textarea
        className="yaml-input"
        aria-label="The run as YAML"
        spellCheck={false}
        value={text}
        onChange={({ target }) => onText(target.value)}
      />
    </>
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
