import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { succeededCondition } from '../../core/condition.ts';
import { priorityOf } from '../../core/queue/standing.ts';
import { waitingIn, type Waiting } from '../../core/queue/waiting-message.ts';
import type { KubeObject } from '../../resource.ts';
import type { RunSummary, StartedBy } from '../contract.ts';
import { startedByOf } from '../view/started-by.ts';
import { statusOf } from '../view/status.ts';
import { cut } from './cut.ts';

/** No object of the API server's can have it. */
const isIndexed = Symbol('indexed');

/** A run as the index keeps it: what lists show and filter by, and no more. */
export interface IndexedRun extends KubeObject {
  [isIndexed]: true;
  run: Omit<RunSummary, 'labels' | 'usualMilliseconds'>;
  /** All of them, within bounds: filters are answered from these. */
  labels: Readonly<Record<string, string>>;
  /** Of a run that waits in a queue: how it stands there, where its condition says so. */
  turn?: { priority: number; waiting: Waiting | undefined };
}

const LONGEST_TEXT = 200;
const LONGEST_NAME = 253;
const LONGEST_TITLE = 500;
const LONGEST_TIME = 40;
/** An object may have as many as it has room for; each that is kept is kept for as long as the run is. */
const MOST_LABELS = 100;
const SHOWN_LABELS = 20;
const LONGEST_LABEL = 63;
const LONGEST_LABEL_KEY = 317;

/**
 * Cuts a run down. What it holds was written by anybody who may create runs: every text has a bound. One that is cut
 * down already stays as it is: stores cut what a list brings when it is read, and when it is put in.
 */
export function indexed(object: PipelineRun | TaskRun | IndexedRun): IndexedRun {
  if (isIndexed in object) return object;
  const metadata = identityOf(object);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  const { labels = {}, annotations = {} } = object.metadata;
  const status = statusOf(object);
  return {
    [isIndexed]: true,
    metadata,
    run: {
      kind: object.kind === 'TaskRun' ? 'TaskRun' : 'PipelineRun',
      namespace,
      name,
      uid,
      resourceVersion,
      status,
      ...conditionOf(object),
      ...given('definition', definitionOf(object)),
      startedBy: startedBy(object),
      created: creationTimestamp,
      ...given('started', cut(object.status?.startTime, LONGEST_TIME)),
      ...given('finished', cut(object.status?.completionTime, LONGEST_TIME)),
      signed: signedOf(annotations['chains.tekton.dev/signed']),
    },
    labels: Object.fromEntries(
      Object.entries(labels)
        .slice(0, MOST_LABELS)
        .map(([key, value]) => [cut(key, LONGEST_LABEL_KEY), cut(value, LONGEST_LABEL)]),
    ),
    ...(status === 'queued' ? { turn: { priority: priorityOf(object), waiting: waitingOf(object) } } : {}),
  };
}

type Identity = Record<'name' | 'namespace' | 'uid' | 'resourceVersion' | 'creationTimestamp', string>;

function identityOf({ metadata }: PipelineRun | TaskRun): Identity {
  const { name = '', namespace = '', uid = '', resourceVersion = '', creationTimestamp = '' } = metadata;
  return { name, namespace, uid, resourceVersion, creationTimestamp };
}

/** Copies of the parts, for a part of a text keeps the whole of it. */
function waitingOf({ status }: PipelineRun | TaskRun): Waiting | undefined {
  const read = waitingIn(succeededCondition(status)?.message ?? '');
  return read && (JSON.parse(JSON.stringify({ ...read, queue: cut(read.queue, LONGEST_TITLE) })) as Waiting);
}

function conditionOf({ status }: PipelineRun | TaskRun): { reason: string; message: string } {
  const condition = succeededCondition(status);
  return { reason: cut(condition?.reason, LONGEST_TEXT), message: cut(condition?.message, LONGEST_TEXT) };
}

function given<Key extends string>(key: Key, value: string): Partial<Record<Key, string>> {
  return value === '' ? {} : ({ [key]: value } as Partial<Record<Key, string>>);
}

/** What a list shows of a run. */
export function summaryOf({ run, labels }: IndexedRun, usualMilliseconds: number | undefined): RunSummary {
  const shown = Object.entries(labels)
    .slice(0, SHOWN_LABELS)
    .map(([key, value]) => [cut(key, LONGEST_LABEL), value]);
  return {
    ...run,
    ...(usualMilliseconds === undefined ? {} : { usualMilliseconds }),
    labels: Object.fromEntries(shown) as Record<string, string>,
  };
}

function definitionOf({ kind, metadata, spec }: PipelineRun | TaskRun): string {
  const of = spec as { pipelineRef?: { name?: string }; taskRef?: { name?: string } } | undefined;
  const reference = kind === 'TaskRun' ? of?.taskRef : of?.pipelineRef;
  const label = metadata.labels?.[kind === 'TaskRun' ? 'tekton.dev/task' : 'tekton.dev/pipeline'];
  // For an embedded spec the label has the run's own name.
  const named = reference?.name ?? (label === metadata.name ? undefined : label);
  return cut(named, LONGEST_NAME);
}

function signedOf(mark: string | undefined): RunSummary['signed'] {
  if (mark === 'true') return 'yes';
  return mark === 'failed' ? 'failed' : 'no';
}

function startedBy({ metadata }: PipelineRun | TaskRun): StartedBy {
  return Object.fromEntries(
    Object.entries(startedByOf(metadata)).map(([part, value]) => [part, cut(value, LONGEST_TEXT)]),
  );
}
