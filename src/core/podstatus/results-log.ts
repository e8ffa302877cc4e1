import type { TaskSpec } from '../../api/pipeline/v1/task.ts';
import { stepContainerName } from '../pod/names.ts';
import { quote } from './quote.ts';
import { entryType, type TerminationEntry } from './termination.ts';

/** What steps have left, as a termination message would have told it. */
export interface LoggedResults {
  /** Of the Task. */
  task: TerminationEntry[];
  /** Of its steps, by container. */
  steps: ReadonlyMap<string, TerminationEntry[]>;
}

/** What the log of the results sidecar says. */
export type ResultsReading =
  | { kind: 'results'; logged: LoggedResults }
  /** More than may be: `limit` bytes. `what` says which, and how much. */
  | { kind: 'tooLarge'; limit: number; what: string }
  | { kind: 'problem'; message: string };

interface Line {
  name: string;
  value: string;
  type: string;
  problem?: string;
  size?: number;
  limit?: number;
}

/**
 * The results in the log of a pod's results sidecar: one JSON line each, of which the last says how many there are, so
 * that a log that was cut, rotated or lost in part is never taken for all there is (src/entrypoint/CONTRACT.md). Only
 * what the Task declares counts.
 */
export function readResultsLog(text: string, spec: TaskSpec): ResultsReading {
  const { lines, stray } = linesOf(text);
  const end = lines.at(-1);
  const results = lines.slice(0, -1);
  if (end?.type !== 'end' || end.value !== String(results.length))
    return { kind: 'problem', message: `it is not complete${stray === undefined ? '' : `, and says ${quote(stray)}`}` };
  const excess = results.find(({ size }) => size !== undefined);
  if (excess) return { kind: 'tooLarge', limit: excess.limit ?? 0, what: `${named(excess)} ${excess.size} bytes` };
  const refused = results.find(({ problem }) => problem !== undefined);
  if (refused) return { kind: 'problem', message: `${nameOf(refused)}: ${refused.problem}` };
  return { kind: 'results', logged: sorted(results, spec) };
}

/** Characters of a line that is none of the sidecar's, as it goes into a message. */
const longestStray = 200;

function linesOf(text: string): { lines: Line[]; stray?: string } {
  const lines: Line[] = [];
  let stray: string | undefined;
  for (const part of text.split('\n')) {
    if (part === '') continue;
    const line = lineOf(part);
    if (line) lines.push(line);
    else stray ??= part.slice(0, longestStray);
  }
  return stray === undefined ? { lines } : { lines, stray };
}

function lineOf(text: string): Line | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // A complaint of the runtime or the kubelet, or half a line.
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { name, value, type, problem, size, limit } = parsed as Record<string, unknown>;
  if (typeof name !== 'string' || typeof value !== 'string' || typeof type !== 'string') return undefined;
  return {
    name,
    value,
    type,
    ...(typeof problem === 'string' ? { problem } : {}),
    ...(typeof size === 'number' ? { size } : {}),
    ...(typeof limit === 'number' ? { limit } : {}),
  };
}

function nameOf({ name, type }: Line): string {
  switch (type) {
    case 'task':
      return `task result ${quote(name)}`;
    case 'step':
      return `step result ${quote(name)}`;
    default:
      return `artifacts file of ${quote(name)}`;
  }
}

/** Whose size is told. */
function named(line: Line): string {
  return line.type === 'total' ? 'all results together have' : `${nameOf(line)} has`;
}

/** What a step declares, and what it has left. */
interface StepEntries {
  declared: ReadonlySet<string>;
  entries: TerminationEntry[];
}

/** The lines by whom they belong to. */
function sorted(lines: readonly Line[], spec: TaskSpec): LoggedResults {
  const task: TerminationEntry[] = [];
  const declared = namesOf(spec.results);
  const steps = stepsOf(spec);
  for (const { name, value, type } of lines) {
    switch (type) {
      case 'task':
        if (declared.has(name)) task.push({ key: name, value, type: entryType.taskResult });
        break;
      case 'step': {
        const [container, result] = splitName(name);
        const step = steps.get(container);
        if (step?.declared.has(result)) step.entries.push({ key: result, value, type: entryType.stepResult });
        break;
      }
      case 'stepArtifact':
        steps.get(name)?.entries.push({ key: name, value, type: entryType.stepArtifacts });
        break;
      case 'taskArtifact':
        task.push({ key: name, value, type: entryType.taskArtifacts });
        break;
    }
  }
  const byStep = Array.from(steps, ([name, { entries }]) => [name, entries.sort(byKey)] as const);
  return { task: task.sort(byKey), steps: new Map(byStep) };
}

/** By container. */
function stepsOf({ steps = [] }: TaskSpec): ReadonlyMap<string, StepEntries> {
  return new Map(
    steps.map(({ name, results }, index) => [
      stepContainerName(name, index),
      { declared: namesOf(results), entries: [] },
    ]),
  );
}

function namesOf(results: readonly { name: string }[] = []): ReadonlySet<string> {
  return new Set(results.map(({ name }) => name));
}

/** Container and result of `step-a.x`. A step's name has no dot, a result's may. */
function splitName(name: string): [container: string, result: string] {
  const dot = name.indexOf('.');
  return [name.slice(0, dot), name.slice(dot + 1)];
}

function byKey(a: TerminationEntry, b: TerminationEntry): number {
  if (a.key === b.key) return 0;
  return a.key < b.key ? -1 : 1;
}
