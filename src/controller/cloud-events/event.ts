import { createHash } from 'node:crypto';
import type { Condition } from '../../api/meta.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { pipelineRunConversion, taskRunConversion } from '../../api/pipeline/v1beta1/convert.ts';
import type { CustomRun } from '../../api/pipeline/v1beta1/customrun.ts';
import { succeededCondition } from '../../core/condition.ts';
import type { KubeObject } from '../../kube/object.ts';

export type ToldKind = 'TaskRun' | 'PipelineRun' | 'CustomRun';
export type ToldRun = TaskRun | PipelineRun | CustomRun;

type Stage = 'queued' | 'started' | 'running' | 'unknown' | 'successful' | 'failed';

/** How far a run is, as CloudEvents tell it. */
export interface RunState {
  /** `dev.tekton.event.taskrun.started.v1` */
  type: string;
  /** The same for the same state of the same run, whoever tells it and how often: receivers know what they had. */
  id: string;
  isEnd: boolean;
}

/**
 * The event that tells of a run's condition. Types are upstream's: of a CustomRun every condition that is no end is
 * `running`, as other controllers choose its reasons. Undefined for a condition that is no condition.
 */
export function stateOf(kind: ToldKind, run: ToldRun): RunState | undefined {
  const stage = stageOf(kind, run);
  if (stage === undefined) return undefined;
  const { reason = '', message = '' } = succeededCondition(run.status) ?? {};
  // Every stage is told once; only `unknown` is many.
  const details = stage === 'unknown' ? [reason, message] : [];
  return {
    type: `dev.tekton.event.${kind.toLowerCase()}.${stage}.v1`,
    id: idOf([run.metadata.uid ?? '', kind, stage, ...details]),
    isEnd: stage === 'successful' || stage === 'failed',
  };
}

function stageOf(kind: ToldKind, run: ToldRun): Stage | undefined {
  const condition = succeededCondition(run.status);
  switch (condition?.status) {
    case undefined:
      return kind === 'CustomRun' ? 'started' : 'queued';
    case 'True':
      return 'successful';
    case 'False':
      return 'failed';
    case 'Unknown':
      return kind === 'CustomRun' ? 'running' : stageUnderWay(condition);
    default:
      return undefined;
  }
}

function stageUnderWay(condition: Condition | undefined): Stage {
  if (condition?.reason === 'Running') return 'running';
  return condition?.reason === 'Started' ? 'started' : 'unknown';
}

/** A hash in the form of a UUID (version 8: made by a rule of one's own): receivers of upstream's events expect one. */
function idOf(parts: readonly string[]): string {
  const hex = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  const groups = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`];
  return [...groups, hex.slice(20, 32)].join('-');
}

/** One HTTP request in the binary mode of CloudEvents 1.0, which is what upstream's SDK sends. */
export interface CloudEventMessage {
  headers: Record<string, string>;
  body: string;
}

/**
 * @param time when the state was seen
 * @param run as it is to be shown: whole, in the version that is stored
 */
export function messageOf(kind: ToldKind, state: RunState, time: Date, run: ToldRun): CloudEventMessage {
  const { namespace = '', name = '' } = run.metadata;
  const version = kind === 'CustomRun' ? 'v1beta1' : 'v1';
  return {
    headers: {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': state.id,
      'ce-type': state.type,
      'ce-source': `/apis/tekton.dev/${version}/namespaces/${namespace}/${kind}/${name}`,
      'ce-subject': name,
      'ce-time': time.toISOString(),
    },
    body: JSON.stringify({ [roots[kind]]: shown(kind, run) }),
  };
}

/** Under which the run stands in the data, upstream's TektonCloudEventData. */
const roots: Readonly<Record<ToldKind, string>> = {
  TaskRun: 'taskRun',
  PipelineRun: 'pipelineRun',
  CustomRun: 'customRun',
};

/** Receivers of upstream's events read v1beta1. */
function shown(kind: ToldKind, run: ToldRun): KubeObject {
  const { managedFields: _managedFields, ...metadata } = run.metadata;
  const whole = { ...run, kind, metadata };
  switch (kind) {
    case 'TaskRun':
      return taskRunConversion.fromStored(whole);
    case 'PipelineRun':
      return pipelineRunConversion.fromStored(whole);
    case 'CustomRun':
      return { ...whole, apiVersion: 'tekton.dev/v1beta1' };
    default: {
      const never: never = kind;
      throw new Error(`unknown kind ${String(never)}`);
    }
  }
}
