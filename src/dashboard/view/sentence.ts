import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { RunStatus } from '../contract.ts';
import { attemptsOf, stepToShow, type AttemptView } from './attempts.ts';
import type { RunGraph } from './run-graph.ts';
import { spanBetween, spanText } from './span.ts';
import { isBad, messageOf, statusOf } from './status.ts';

const LONGEST_MESSAGE = 300;

/** Where a reader of a run looks first. */
export interface Place {
  task: string;
  /** Name of the run that was made for the task. */
  child?: string;
  step?: string;
}

/** The task to open a run at: what failed first, what runs, what waits for room, else the first. */
export function placeToShow({ nodes }: RunGraph, taskRuns: ReadonlyMap<string, TaskRun>): Place | undefined {
  const node =
    earliest(
      nodes.filter(({ state }) => state === 'failed' || state === 'timed-out'),
      taskRuns,
    ) ??
    nodes.find(({ state }) => state === 'running') ??
    nodes.find(({ state }) => state === 'pending' || state === 'queued') ??
    nodes.find(({ state }) => state === 'cancelled') ??
    nodes.find(({ children }) => children.length > 0) ??
    nodes[0];
  if (node === undefined) return undefined;
  const child = node.children.find(({ status }) => status !== undefined && isBad(status)) ?? node.children[0];
  const attempt = lastAttempt(child && taskRuns.get(child.name));
  const step = attempt && stepToShow(attempt);
  return { task: node.name, ...(child ? { child: child.name } : {}), ...(step ? { step: step.name } : {}) };
}

/** Several may have failed; what ended first is likely to have ended the others. */
function earliest(
  nodes: RunGraph['nodes'],
  taskRuns: ReadonlyMap<string, TaskRun>,
): RunGraph['nodes'][number] | undefined {
  const end = (node: RunGraph['nodes'][number]): string =>
    node.children
      .filter(({ status }) => status !== undefined && isBad(status))
      .map(({ name }) => taskRuns.get(name)?.status?.completionTime ?? '~')
      .toSorted()[0] ?? '~';
  return nodes.toSorted((left, right) => (end(left) < end(right) ? -1 : end(left) > end(right) ? 1 : 0))[0];
}

function lastAttempt(run: TaskRun | undefined): AttemptView | undefined {
  return run && attemptsOf(run).at(-1);
}

/** The state of a PipelineRun in one sentence: `failed in build / push: exit 1 after 12 s`. */
export function pipelineRunSentence(
  run: PipelineRun,
  graph: RunGraph,
  { taskRuns, now }: { taskRuns: ReadonlyMap<string, TaskRun>; now: number },
): string {
  const status = statusOf(run);
  const place = status === 'pending' || status === 'queued' ? undefined : placeToShow(graph, taskRuns);
  const taskRun = place?.child === undefined ? undefined : taskRuns.get(place.child);
  const span = spanText(spanBetween(run.status?.startTime, run.status?.completionTime, now));
  if (status === 'failed' && taskRun !== undefined && isBad(statusOf(taskRun)))
    return `failed in ${place?.task}${attemptWords(lastAttempt(taskRun), { now, isPart: true })}`;
  if (status === 'running' && place !== undefined && taskRun !== undefined)
    return `running for ${span}: ${whatRuns(place, lastAttempt(taskRun))}`;
  return sentence(status, { span, message: messageOf(run), isHeld: run.spec.status === 'PipelineRunPending' });
}

function whatRuns({ task, step }: Place, attempt: AttemptView | undefined): string {
  const wait = attempt && waitOf(attempt);
  if (wait !== undefined) return `${task} waits: ${wait}`;
  return [task, step].filter(Boolean).join(' / ');
}

/** Words of a condition that is no wait: what it tells, the steps tell better. */
const noWaits: ReadonlySet<string> = new Set(['', 'Started', 'Running']);

/** Why an attempt has no pod yet, such as a quota; undefined: it has one, or nothing is said. */
export function waitOf({ status, pod, reason, message }: AttemptView): string | undefined {
  const isUnderWay = status === 'running' || status === 'pending';
  return isUnderWay && pod === undefined && !noWaits.has(reason) && message !== '' ? firstLine(message) : undefined;
}

/** The state of a TaskRun in one sentence. */
export function taskRunSentence(run: TaskRun, now: number): string {
  return attemptSentence(lastAttempt(run), now);
}

/** The state of one try in one sentence. */
export function attemptSentence(attempt: AttemptView | undefined, now: number): string {
  if (attempt === undefined) return 'not begun';
  const { status, started, finished, message } = attempt;
  const span = spanText(spanBetween(started, finished, now));
  if (status === 'failed') return `failed${attemptWords(attempt, { now, isPart: false })}`;
  const wait = waitOf(attempt);
  if (wait !== undefined) return `waiting${span === '' ? '' : ` for ${span}`}: ${wait}`;
  const step = status === 'running' ? stepToShow(attempt) : undefined;
  if (step?.status === 'running') return `running for ${span}: ${step.name}`;
  if (step?.status === 'waiting' && step.reason)
    return `waiting for ${span}: ${step.reason}${step.message ? `, ${firstLine(step.message)}` : ''}`;
  return sentence(status, { span, message, isHeld: false });
}

function attemptWords(attempt: AttemptView | undefined, { now, isPart }: { now: number; isPart: boolean }): string {
  const step = attempt && stepToShow(attempt);
  if (step?.status !== 'failed' || step.isTolerated)
    return `${isPart ? '' : ' '}: ${[attempt?.reason, firstLine(attempt?.message ?? '')].filter(Boolean).join(': ')}`.replace(
      /^ :/,
      ':',
    );
  const span = spanText(spanBetween(step.started, step.finished, now));
  const how = step.reason && step.reason !== 'Error' && step.reason !== 'Completed' ? ` (${step.reason})` : '';
  return `${isPart ? ' /' : ' in'} ${step.name}: exit ${step.exitCode}${how}${span === '' ? '' : ` after ${span}`}`;
}

interface Details {
  span: string;
  message: string;
  isHeld: boolean;
}

function sentence(status: RunStatus, { span, message, isHeld }: Details): string {
  const why = message === '' ? '' : `: ${firstLine(message)}`;
  switch (status) {
    case 'succeeded':
      return span === '' ? 'succeeded' : `succeeded in ${span}`;
    case 'failed':
      return `failed${why}`;
    case 'timed-out':
      return `timed out after ${span}${why}`;
    case 'cancelled':
      return span === '' ? `cancelled${why}` : `cancelled after ${span}`;
    case 'running':
      return `running for ${span}`;
    case 'queued':
      return `waits in a queue${why}`;
    case 'pending':
      return isHeld ? 'held back by its spec.status, PipelineRunPending' : `not begun${why}`;
    default:
      return status satisfies never;
  }
}

function firstLine(text: string): string {
  const [line = ''] = text.trim().split('\n', 1);
  return line.length > LONGEST_MESSAGE ? `${line.slice(0, LONGEST_MESSAGE)}...` : line;
}
