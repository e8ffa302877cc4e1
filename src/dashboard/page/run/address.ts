/** Where in a run somebody looks: what of its address is not its name. */
export interface RunPlace {
  kind: 'PipelineRun' | 'TaskRun';
  /** Name of a task of the pipeline. */
  task?: string;
  /** Name of the run of that task, where there are several. */
  child?: string;
  step?: string;
  /** Counted from 1; the last when it is missing. */
  attempt?: number;
}

export const tabs = ['log', 'timeline', 'data', 'events', 'provenance', 'yaml'] as const;
export type Tab = (typeof tabs)[number];

interface Names {
  kind: string;
  namespace: string;
  name: string;
}

/** The address of a run's page. */
export function runHref({ kind, namespace, name }: Names, tab: Tab = 'log', place: Partial<RunPlace> = {}): string {
  const query = new URLSearchParams();
  if (kind === 'TaskRun') query.set('kind', 'TaskRun');
  for (const part of ['task', 'child', 'step', 'attempt'] as const) {
    const value = place[part];
    if (value !== undefined) query.set(part, value.toString());
  }
  const path = ['/runs', encodeURIComponent(namespace), encodeURIComponent(name), ...(tab === 'log' ? [] : [tab])].join(
    '/',
  );
  return query.size === 0 ? path : `${path}?${query}`;
}

export function placeIn(search: string): RunPlace {
  const query = new URLSearchParams(search);
  const attempt = Number(query.get('attempt'));
  const texts = (['task', 'child', 'step'] as const).flatMap((part) => {
    const value = query.get(part);
    return value === null ? [] : [[part, value]];
  });
  return {
    kind: query.get('kind') === 'TaskRun' ? 'TaskRun' : 'PipelineRun',
    ...(Object.fromEntries(texts) as Pick<RunPlace, 'task' | 'child' | 'step'>),
    ...(Number.isInteger(attempt) && attempt > 0 ? { attempt } : {}),
  };
}
