import type { KubeObject, Resource } from '../../resource.ts';
import { customRuns, pipelines, stepActions, tasks } from '../../api/resources.ts';
import type { HasStatus } from './status.ts';
import { itemsOf, textOf } from './untyped.ts';
import { fieldsOf } from '../../json-object.ts';

/** A kind as a list of the page shows it. */
export interface ListedKind {
  resource: Resource;
  /** What it is called where it is listed; missing: the kind, as of many. */
  title?: string;
  /** Heads of what `cells` tells, beside name, namespace and age. */
  columns: readonly string[];
  cells: (object: KubeObject) => readonly string[];
  /** The condition Succeeded of each is shown. */
  hasStatus?: boolean;
  /** Runs of each are counted. */
  hasRuns?: boolean;
  /** Objects have no pages of their own. */
  hasNoPages?: boolean;
  /** The command that brings the first one. */
  bringFirst: string;
}

/** What runs are made of, and runs of custom tasks. */
export const definitionKinds: readonly ListedKind[] = [
  {
    resource: pipelines,
    columns: ['Tasks', 'Params', 'Description'],
    cells: (object) => {
      const { tasks: own, finally: last, params, description } = specOf(object);
      return [count(itemsOf(own).length + itemsOf(last).length), count(itemsOf(params).length), textOf(description)];
    },
    hasRuns: true,
    bringFirst: 'kubectl apply -f pipeline.yaml',
  },
  {
    resource: tasks,
    columns: ['Steps', 'Params', 'Description'],
    cells: (object) => {
      const { steps, params, description } = specOf(object);
      return [count(itemsOf(steps).length), count(itemsOf(params).length), textOf(description)];
    },
    hasRuns: true,
    bringFirst: 'kubectl apply -f task.yaml, or tektite hub install task NAME',
  },
  {
    resource: stepActions,
    columns: ['Image', 'Params', 'Description'],
    cells: (object) => {
      const { image, params, description } = specOf(object);
      return [textOf(image), count(itemsOf(params).length), textOf(description)];
    },
    bringFirst: 'kubectl apply -f stepaction.yaml',
  },
  {
    resource: customRuns,
    columns: ['Of', 'Message'],
    cells: (object) => {
      const { customRef, customSpec } = specOf(object);
      const { apiVersion, kind, name } = { ...fieldsOf(customSpec), ...fieldsOf(customRef) };
      const [condition] = itemsOf(fieldsOf((object as HasStatus).status)['conditions']);
      const of = [kind, name].map(textOf).filter((part) => part !== '');
      return [`${of.join(' ')} (${textOf(apiVersion)})`, textOf(condition?.['message'])];
    },
    hasStatus: true,
    bringFirst: 'a task of a pipeline with a taskRef of another apiVersion',
  },
];

/** What a kind is called where it is listed. */
export function titleOf({ title, resource }: ListedKind): string {
  return title ?? `${resource.kind}s`;
}

/** The listed kind of a name, such as `Pipeline`. */
export function listedKind(kinds: readonly ListedKind[], kind: string | undefined): ListedKind | undefined {
  return kinds.find(({ resource }) => resource.kind === kind);
}

/** Objects with a text in their name, namespace or cells, by name. Case does not matter. */
export function objectsWith(
  objects: Iterable<KubeObject>,
  { cells }: Pick<ListedKind, 'cells'>,
  text: string,
): KubeObject[] {
  const wanted = text.toLowerCase();
  const has = (object: KubeObject) =>
    wanted === '' ||
    [object.metadata.name ?? '', object.metadata.namespace ?? '', ...cells(object)].some((each) =>
      each.toLowerCase().includes(wanted),
    );
  return [...objects].filter(has).sort(byName);
}

function byName({ metadata: left }: KubeObject, { metadata: right }: KubeObject): number {
  const [one, other] = [left, right].map(({ name = '', namespace = '' }) => `${name}\u0000${namespace}`);
  return (one ?? '') < (other ?? '') ? -1 : 1;
}

function specOf(object: KubeObject): Readonly<Record<string, unknown>> {
  return fieldsOf((object as { spec?: unknown }).spec);
}

function count(number: number): string {
  return number.toLocaleString('en');
}
