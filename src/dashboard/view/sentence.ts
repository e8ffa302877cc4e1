import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import type { RunStatus } from '../contract.ts';
import { attemptsOf, stepToShow, type AttemptView, type StepView } from './attempts.ts';
import type { RunGraph, RunGraphNode } from './run-graph.ts';
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
export function placeToShow(graph: RunGraph, taskRuns: ReadonlyMap<string, TaskRun>): Place | undefined {
  const node = nodeToShow(graph, taskRuns);
  if (node === undefined) return undefined;
  const child = node.children.find(({ status }) => status !== undefined && isBad(status)) ?? node.children[0];
  const attempt = lastAttempt(child && taskRuns.get(child.name));
  const step = attempt && stepToShow(attempt);
  return { task: node.name, ...(child ? { child: child.name } : {}), ...(step ? { step: step.name } : {}) };
}

function nodeToShow({ nodes }: RunGraph, taskRuns: ReadonlyMap<string, TaskRun>): RunGraphNode | undefined {
  const failed = nodes.filter(({ state }) => state === 'failed' || state === 'timed-out');
  return (
    earliest(failed, taskRuns) ??
    nodes.find(({ state }) => state === 'running') ??
    nodes.find(({ state }) => state === 'pending' || state === 'queued') ??
    nodes.find(({ state }) => state === 'cancelled') ??
    nodes.find(({ children }) => children.length > 0) ??
    nodes[0]
  );
}

/** Several may have failed; what ended first is likely to have ended the others. */
function earliest(nodes: readonly RunGraphNode[], taskRuns: ReadonlyMap<string, TaskRun>): RunGraphNode | undefined {
  const end = (node: RunGraphNode): string =>
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
  const span = spanOf(run, now);
  const place = status === 'failed' || status === 'running' ? placeToShow(graph, taskRuns) : undefined;
  const taskRun = place?.child === undefined ? undefined : taskRuns.get(place.child);
  if (place !== undefined && taskRun !== undefined) {
    if (status === 'running') return `running for ${span}: ${whatRuns(place, lastAttempt(taskRun))}`;
    if (isBad(statusOf(taskRun)))
      return `failed in ${place.task}${attemptWords(lastAttempt(taskRun), { now, isPart: true })}`;
  }
  return sentence(status, { span, message: messageOf(run), isHeld: run.spec.status === 'PipelineRunPending' });
}

function spanOf({ status }: PipelineRun, now: number): string {
  return spanText(spanBetween(status?.startTime, status?.completionTime, now));
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
  if (wait !== undefined) return `waiting${lasting('for', span)}: ${wait}`;
  const ofStep = status === 'running' ? stepSentence(stepToShow(attempt), span) : undefined;
  return ofStep ?? sentence(status, { span, message, isHeld: false });
}

/** What an attempt that runs is at; undefined where the step does not tell. */
function stepSentence(step: StepView | undefined, span: string): string | undefined {
  if (step?.status === 'running') return `running for ${span}: ${step.name}`;
  if (step?.status !== 'waiting' || !step.reason) return undefined;
  return `waiting for ${span}: ${step.reason}${step.message ? `, ${firstLine(step.message)}` : ''}`;
}

function attemptWords(attempt: AttemptView | undefined, { now, isPart }: { now: number; isPart: boolean }): string {
  const step = attempt && stepToShow(attempt);
  if (step?.status === 'failed' && !step.isTolerated) return `${isPart ? ' /' : ' in'} ${failedStepWords(step, now)}`;
  return `: ${[attempt?.reason, firstLine(attempt?.message ?? '')].filter(Boolean).join(': ')}`;
}

function failedStepWords({ name, started, finished, reason, exitCode }: StepView, now: number): string {
  const span = spanText(spanBetween(started, finished, now));
  const how = reason && reason !== 'Error' && reason !== 'Completed' ? ` (${reason})` : '';
  return `${name}: exit ${exitCode}${how}${lasting('after', span)}`;
}

function lasting(word: 'in' | 'for' | 'after', span: string): string {
  return span === '' ? '' : ` ${word} ${span}`;
}

interface Details {
  span: string;
  message: string;
  isHeld: boolean;
}

function sentence(status: RunStatus, { span, message, isHeld }: Details): string {
  const why = because(message);
  switch (status) {
    case 'succeeded':
      return `succeeded${lasting('in', span)}`;
    case 'failed':
      return `failed${why}`;
    case 'timed-out':
      return `timed out after ${span}${why}`;
    case 'cancelled':
      return `cancelled${lasting('after', span) || why}`;
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

function because(message: string): string {
  return message === '' ? '' : `: ${firstLine(message)}`;
}

function firstLine(text: string): string {
  const [line = ''] = text.trim().split('\n', 1);
  return line.length > LONGEST_MESSAGE ? `${line.slice(0, LONGEST_MESSAGE)}...` : line;
}
