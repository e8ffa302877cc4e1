import { toParamValue, type ParamValue } from '../../api/pipeline/v1/param-value.ts';
import { typeOfParamSpec } from '../../api/pipeline/v1/param-type.ts';
import type { ParamSpec, ParamType } from '../../api/pipeline/v1/params.ts';
import type { KubeObject } from '../../resource.ts';
import { parseDuration } from '../../duration.ts';
import { paramRows, workspaceRows } from './definition.ts';
import { workspaceFrom, workspaceProblem, workspaceSource, type WorkspaceInput } from './start-workspace.ts';
import { itemsOf } from './untyped.ts';
import { fieldsOf } from '../../json-object.ts';

/** A param as the form asks for it. */
export interface ParamField {
  name: string;
  type: ParamType;
  description: string;
  /** Undefined: a run has to give a value. */
  default: ParamValue | undefined;
  allowed: readonly string[];
  /** Of an object: those that are declared, and those of the default. */
  keys: readonly string[];
}

export interface WorkspaceField {
  name: string;
  description: string;
  isOptional: boolean;
}

/** What a run of a definition can be given. */
export interface StartForm {
  kind: 'Pipeline' | 'Task';
  namespace: string;
  name: string;
  params: readonly ParamField[];
  workspaces: readonly WorkspaceField[];
}

/** What somebody has put in. By name in maps: a param may be called `__proto__`. */
export interface StartInput {
  params: ReadonlyMap<string, ParamValue>;
  workspaces: ReadonlyMap<string, WorkspaceInput>;
  serviceAccount: string;
  /** As Go writes time spans: `1h30m`; empty: that of the settings. */
  timeout: string;
}

/** What is wrong with a field, and the way out. */
export interface StartProblem {
  /** `params.NAME`, `workspaces.NAME`, `serviceAccount` or `timeout`. */
  field: string;
  text: string;
}

/** The run to create, or why there is none yet. */
export type StartRequest =
  { body: KubeObject; problems?: undefined } | { problems: readonly StartProblem[]; body?: undefined };

type Named = Pick<StartForm, 'kind' | 'namespace' | 'name'>;

export function startForm(named: Named, spec: unknown): StartForm {
  const { params, workspaces } = fieldsOf(spec);
  const specs = itemsOf(params) as unknown as readonly ParamSpec[];
  return {
    ...named,
    params: paramRows(params).map(({ name, description, allowed, keys }, at) => {
      const { default: value } = specs[at] ?? {};
      const ofDefault = value === undefined ? undefined : toParamValue(value);
      return {
        name,
        description,
        allowed,
        type: specs[at] === undefined ? 'string' : typeOfParamSpec(specs[at]),
        default: ofDefault,
        keys: [...new Set([...keys, ...Object.keys(fieldsOf(ofDefault))])],
      };
    }),
    workspaces: workspaceRows(workspaces).map(({ name, description, marks }) => ({
      name,
      description,
      isOptional: marks.includes('optional'),
    })),
  };
}

/**
 * What a form holds before anybody has typed. Tasks of a pipeline share files through a volume: a directory of a pod is
 * of one task.
 */
export function firstInput({ kind, params, workspaces }: StartForm): StartInput {
  const source = kind === 'Pipeline' ? 'template' : 'emptyDir';
  return {
    params: new Map(params.map((field) => [field.name, firstValue(field)])),
    workspaces: new Map(workspaces.map(({ name, isOptional }) => [name, workspaceFrom(isOptional ? 'none' : source)])),
    serviceAccount: '',
    timeout: '',
  };
}

function firstValue({ type, default: value, allowed, keys }: ParamField): ParamValue {
  if (value !== undefined && type !== 'object') return value;
  if (type === 'array') return [];
  if (type === 'string') return allowed[0] ?? '';
  const given = fieldsOf(value) as Record<string, string>;
  return Object.fromEntries(keys.map((key) => [key, given[key] ?? '']));
}

const LONGEST_BASE = 50;

/** The run that a form asks for. Params that have their default are left out, as if nobody had touched them. */
export function startRequest(form: StartForm, input: StartInput): StartRequest {
  const problems = [
    ...form.params.flatMap((field) => paramProblems(field, input.params.get(field.name))),
    ...form.workspaces.flatMap(({ name, isOptional }) => {
      const text = workspaceProblem(input.workspaces.get(name), isOptional);
      return text === undefined ? [] : [{ field: `workspaces.${name}`, text }];
    }),
    ...accountProblems(input.serviceAccount),
    ...timeoutProblems(input.timeout),
  ];
  if (problems.length > 0) return { problems };
  const { kind, namespace, name } = form;
  const body = {
    apiVersion: 'tekton.dev/v1',
    kind: kind === 'Task' ? 'TaskRun' : 'PipelineRun',
    metadata: { namespace, generateName: `${name.slice(0, LONGEST_BASE)}-run-` },
    spec: {
      ...reference(form),
      ...given('params', paramsOf(form, input)),
      ...workspacesOf(form, input),
      ...rest(form, input),
    },
  };
  return { body };
}

function reference({ kind, name }: Named): object {
  return kind === 'Task' ? { taskRef: { name, kind: 'Task' } } : { pipelineRef: { name } };
}

function rest({ kind }: Named, { serviceAccount, timeout }: StartInput): object {
  const account = serviceAccount === '' ? {} : { serviceAccountName: serviceAccount };
  if (kind === 'Task') return { ...account, ...(timeout === '' ? {} : { timeout }) };
  return {
    ...(serviceAccount === '' ? {} : { taskRunTemplate: account }),
    ...(timeout === '' ? {} : { timeouts: { pipeline: timeout } }),
  };
}

function paramsOf({ params }: StartForm, input: StartInput): object[] {
  return params.flatMap(({ name, default: of }) => {
    const value = input.params.get(name);
    return value === undefined || sameValue(value, of) ? [] : [{ name, value }];
  });
}

function workspacesOf({ workspaces }: StartForm, input: StartInput): object {
  const bound = workspaces.flatMap(({ name }) => {
    const source = workspaceSource(input.workspaces.get(name));
    return source === undefined ? [] : [{ name, ...source }];
  });
  return given('workspaces', bound);
}

function given(name: string, values: readonly object[]): object {
  return values.length === 0 ? {} : { [name]: values };
}

function sameValue(one: ParamValue, other: ParamValue | undefined): boolean {
  if (typeof one === 'string' || Array.isArray(one) || typeof other !== 'object' || Array.isArray(other))
    return JSON.stringify(one) === JSON.stringify(other);
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].every((key) => one[key] === other[key]);
}

function paramProblems(
  { name, default: of, allowed, keys }: ParamField,
  value: ParamValue | undefined,
): StartProblem[] {
  const problem = (text: string) => [{ field: `params.${name}`, text }];
  if (value === undefined || (value === '' && of === undefined && !allowed.includes('')))
    return problem('has to be given: the definition has no default for it');
  if (typeof value === 'string')
    return allowed.length === 0 || allowed.includes(value) ? [] : problem(`has to be one of: ${allowed.join(', ')}`);
  if (Array.isArray(value)) return [];
  const needed = keys.filter((key) => !Object.hasOwn(fieldsOf(of), key) && (value[key] ?? '') === '');
  return needed.length === 0 ? [] : problem(`needs a value for: ${needed.join(', ')}`);
}

const accountName = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/;

function accountProblems(name: string): StartProblem[] {
  if (name === '' || accountName.test(name)) return [];
  return [{ field: 'serviceAccount', text: 'is no name of a service account: small letters, digits and "-"' }];
}

function timeoutProblems(text: string): StartProblem[] {
  const problem = (why: string) => [{ field: 'timeout', text: why }];
  if (text === '') return [];
  try {
    return parseDuration(text) < 0 ? problem('is below zero: write 1h30m, or 0 for no end') : [];
  } catch (error) {
    return problem(`${(error as Error).message}: write 1h30m, or 0 for no end`);
  }
}
