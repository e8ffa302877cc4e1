import { typeOfParamSpec } from '../../api/pipeline/v1/param-type.ts';
import type { ParamSpec, ParamType } from '../../api/pipeline/v1/params.ts';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import { itemsOf, textOf } from './untyped.ts';
import { fieldsOf } from '../../json-object.ts';

/** A param as its definition declares it. */
export interface ParamRow {
  name: string;
  type: ParamType;
  description: string;
  /** As text; missing: a run has to give a value. */
  default?: string;
  allowed: readonly string[];
  /** Of an object. */
  keys: readonly string[];
}

/** A workspace or result as its definition declares it. */
export interface DeclaredRow {
  name: string;
  description: string;
  /** What is special about it: optional, read-only, the type, where a value comes from. */
  marks: readonly string[];
}

/** A step of a task, as it is written. */
export interface StepRow {
  name: string;
  /** Image, or the StepAction that it takes. */
  from: string;
  /** Script or command; empty: what the image runs. */
  run: string;
}

/** One thing that a definition says, in a line. */
export interface Fact {
  label: string;
  text: string;
  /** The definition that the text names. */
  definition?: { kind: 'Pipeline' | 'Task'; name: string };
}

export function paramRows(specs: unknown): ParamRow[] {
  return itemsOf(specs).map((each) => {
    const spec = each as unknown as ParamSpec;
    return {
      name: textOf(spec.name),
      type: typeOfParamSpec(spec),
      description: textOf(spec.description),
      ...(spec.default === undefined ? {} : { default: textOf(spec.default) }),
      allowed: Array.isArray(spec.enum) ? spec.enum.map(textOf) : [],
      keys: Object.keys(fieldsOf(spec.properties)),
    };
  });
}

export function workspaceRows(declared: unknown): DeclaredRow[] {
  return itemsOf(declared).map(({ name, description, optional, readOnly, mountPath }) => ({
    name: textOf(name),
    description: textOf(description),
    marks: [
      ...(optional === true ? ['optional'] : []),
      ...(readOnly === true ? ['read-only'] : []),
      ...(mountPath === undefined ? [] : [`at ${textOf(mountPath)}`]),
    ],
  }));
}

export function resultRows(declared: unknown): DeclaredRow[] {
  return itemsOf(declared).map(({ name, description, type = 'string', value }) => ({
    name: textOf(name),
    description: textOf(description),
    marks: [textOf(type), ...(value === undefined ? [] : [textOf(value)])],
  }));
}

export function stepRows(steps: unknown): StepRow[] {
  return itemsOf(steps).map(({ name, image, ref, script, command, args }, at) => {
    const { name: action, resolver } = fieldsOf(ref);
    const words = [command, args].flatMap((part) => (Array.isArray(part) ? part.map(textOf) : []));
    return {
      name: textOf(name) || `unnamed-${at}`,
      from: ref === undefined ? textOf(image) : `StepAction ${textOf(action) || `from ${textOf(resolver)}`}`,
      run: textOf(script) || words.join(' '),
    };
  });
}

/** What a pipeline says of one of its tasks. */
export function taskFacts(task: PipelineTask): Fact[] {
  const fact = (label: string, text: string): Fact[] => (text === '' ? [] : [{ label, text }]);
  return [
    ...fact('Description', textOf(task.description)),
    ...definitionFacts(task),
    ...fact('After', (task.runAfter ?? []).map(textOf).join(', ')),
    ...itemsOf(task.when).flatMap((when) => fact('Only when', whenText(when))),
    ...itemsOf(task.params).flatMap(({ name, value }) => fact(`Param ${textOf(name)}`, textOf(value))),
    ...matrixFacts(task.matrix),
    ...itemsOf(task.workspaces).flatMap(({ name, workspace = name, subPath }) =>
      fact(`Workspace ${textOf(name)}`, [workspace, subPath].map(textOf).filter(Boolean).join(' / ')),
    ),
    ...fact('Retries', textOf(task.retries)),
    ...fact('Timeout', textOf(task.timeout)),
    ...(task.onError === 'continue' ? fact('On error', 'the pipeline goes on') : []),
  ];
}

function definitionFacts({ taskRef, taskSpec, pipelineRef, pipelineSpec }: PipelineTask): Fact[] {
  const what = pipelineRef === undefined && pipelineSpec === undefined ? 'Task' : 'Pipeline';
  const reference = fieldsOf(taskRef ?? pipelineRef);
  if (taskSpec !== undefined || pipelineSpec !== undefined) {
    const { apiVersion, kind } = fieldsOf(taskSpec);
    const of = apiVersion === undefined ? '' : `, of ${textOf(kind)} (${textOf(apiVersion)})`;
    return [{ label: what, text: `written in place${of}` }];
  }
  const { resolver, name, apiVersion, kind } = reference;
  if (resolver !== undefined) {
    const from = itemsOf(reference['params']).map((param) => `${textOf(param['name'])}: ${textOf(param['value'])}`);
    return [{ label: what, text: [`from ${textOf(resolver)}`, ...from].join(', ') }];
  }
  const isOwn = apiVersion === undefined || textOf(apiVersion).startsWith('tekton.dev/');
  if (!isOwn) return [{ label: 'Custom task', text: `${textOf(kind)} ${textOf(name)} (${textOf(apiVersion)})` }];
  return [{ label: what, text: textOf(name), definition: { kind: what, name: textOf(name) } }];
}

function whenText({ input, operator, values, cel }: Readonly<Record<string, unknown>>): string {
  if (cel !== undefined) return textOf(cel);
  return `${textOf(input) || '""'} ${textOf(operator)} ${(Array.isArray(values) ? values : []).map(textOf).join(', ')}`;
}

function matrixFacts(matrix: unknown): Fact[] {
  const { params, include } = fieldsOf(matrix);
  return [
    ...itemsOf(params).map(({ name, value }) => ({ label: `Once for each ${textOf(name)}`, text: textOf(value) })),
    ...itemsOf(include).map(({ name, params: of }) => ({
      label: `Once more ${textOf(name)}`.trim(),
      text: itemsOf(of)
        .map((param) => `${textOf(param['name'])}: ${textOf(param['value'])}`)
        .join(', '),
    })),
  ];
}
