import { byStartTime, isFinished } from './kinds.ts';
import type { Run } from './kinds.ts';

/** What `delete` was asked to spare. */
export interface Sparing {
  /** The newest so many; 0 for none. */
  keep: number;
  /** Those that completed within so many minutes; 0 for none. */
  keepSinceMinutes: number;
  ignoreRunning: boolean;
}

export interface Selection {
  doomed: string[];
  kept: string[];
}

/**
 * Which of these runs go. Running ones are left out of both lists when they are ignored. With both limits the age
 * decides only when it happens to keep exactly `keep` runs, and the count decides otherwise (tkn's rule).
 */
export function selectDoomed(runs: readonly Run[], sparing: Sparing, now: Date): Selection {
  const { keep, keepSinceMinutes, ignoreRunning } = sparing;
  const candidates = ignoreRunning ? runs.filter(isFinished) : runs;
  if (keepSinceMinutes === 0) return byNumber(candidates, keep);
  const aged = byAge(candidates, keepSinceMinutes, now);
  return keep > 0 && aged.kept.length !== keep ? byNumber(candidates, keep) : aged;
}

function byNumber(runs: readonly Run[], keep: number): Selection {
  const names = (keep > 0 ? [...runs].sort(byStartTime) : runs).map(nameOf);
  return { kept: names.slice(0, keep), doomed: names.slice(keep) };
}

function byAge(runs: readonly Run[], minutes: number, now: Date): Selection {
  const selection: Selection = { doomed: [], kept: [] };
  for (const run of runs) {
    const completed = run.status?.completionTime;
    const young = completed !== undefined && now.getTime() - Date.parse(completed) <= minutes * 60_000;
    (young ? selection.kept : selection.doomed).push(nameOf(run));
  }
  return selection;
}

function nameOf(run: Run): string {
  return run.metadata.name ?? '';
}

/** A whole `delete` command line, checked. */
export interface DeletionRequest extends Sparing {
  names: string[];
  all: boolean;
  parentName: string;
  force: boolean;
  label: string;
}

interface Titles {
  title: string;
  parent: { title: string; flag: string };
}

/** The first thing wrong with a request, in tkn's words; undefined when nothing is. */
export function requestFault(request: DeletionRequest, titles: Titles): string | undefined {
  return (
    numbersFault(request, titles) ??
    parentFault(request, titles) ??
    namesFault(request, titles) ??
    aimFault(request, titles)
  );
}

/** Where the wording differs from kind to kind, it does so in tkn. */
function numbersFault({ keep, keepSinceMinutes }: Sparing, { title }: Titles): string | undefined {
  if (keep < 0 && keepSinceMinutes < 0) return 'keep and keep-since option should not be lower than 0';
  if (keep < 0) return 'keep option should not be lower than 0';
  return keepSinceMinutes < 0
    ? `${title === 'TaskRun' ? 'since' : 'keep-since'} option should not be lower than 0`
    : undefined;
}

function parentFault(request: DeletionRequest, { parent }: Titles): string | undefined {
  if (!request.all || !request.parentName) return undefined;
  return `${spares(request) ? '--keep or --keep-since, --all' : '--all'} and --${parent.flag} cannot be used together`;
}

/** Names are all that a command line may have. */
function namesFault(request: DeletionRequest, { parent }: Titles): string | undefined {
  if (request.names.length === 0) return undefined;
  if (request.keep > 0) return '--keep flag should not have any arguments specified with it';
  if (isEveryRun(request)) return '--all flag should not have any arguments or flags specified with it';
  return request.parentName ? `--${parent.flag} flag should not have any arguments specified with it` : undefined;
}

/** Something must say which runs are meant. */
function aimFault(request: DeletionRequest, { title, parent }: Titles): string | undefined {
  const everyRun = isEveryRun(request);
  if (request.label && !everyRun) return '--label is a filter for --all: give both';
  if (request.names.length > 0 || request.parentName || everyRun) return undefined;
  const ways = title === 'TaskRun' ? '--all flag with delete' : `--${parent.flag} flag or --all flag to use delete`;
  return `must provide ${title} name(s) or use ${ways}`;
}

function spares({ keep, keepSinceMinutes }: Sparing): boolean {
  return keep > 0 || keepSinceMinutes > 0;
}

/** --keep and --keep-since without a parent mean all runs of the namespace. */
export function isEveryRun(request: DeletionRequest): boolean {
  return request.all || (spares(request) && !request.parentName);
}

/** The question that is asked before anything is deleted. */
export function confirmationQuestion(request: DeletionRequest, { title, parent }: Titles, namespace: string): string {
  const spared = sparedText(request, title);
  const what = isEveryRun(request)
    ? `all ${title}s in namespace ${quoted(namespace)}${spared}`
    : request.parentName
      ? `all ${title}s related to ${parent.title} ${quoted(request.parentName)}${spared}`
      : `${title}(s) ${quotedList(request.names)}`;
  return `Are you sure you want to delete ${what} (y/n): `;
}

function sparedText({ keep, keepSinceMinutes }: Sparing, title: string): string {
  const young = ` except for ones created in last ${keepSinceMinutes} minutes`;
  if (keep > 0 && keepSinceMinutes > 0) return `${young} and keeping ${keep} ${title}s`;
  if (keepSinceMinutes > 0) return young;
  return keep > 0 ? ` keeping ${keep} ${title}s` : '';
}

/**
 * What is said when all that a Pipeline or Task has stays because so many were to be kept; undefined when `keep` is not
 * the reason.
 */
export function keptReport(
  { keep, parentName }: DeletionRequest,
  { title, parent }: Titles,
  { doomed, kept }: Selection,
): string | undefined {
  if (doomed.length > 0 || keep === 0) return undefined;
  return keep > kept.length
    ? `There is/are only ${kept.length} ${title}(s) associated for ${parent.title}: ${parentName} `
    : `Associated ${title} (${kept.length}) for ${parent.title}:${parentName} is/are equal to keep (${keep}) `;
}

/** What is said once all of a selection is deleted. The wording differs from kind to kind as tkn's does. */
export function deletionReport(
  request: DeletionRequest,
  titles: Titles,
  namespace: string,
  { doomed, kept }: Selection,
): string {
  const { keep, keepSinceMinutes, parentName } = request;
  const runs = `${titles.title}s${completedWord(request)}`;
  const where = `in namespace ${quoted(namespace)}`;
  const of = parentName ? ` associated with ${titles.parent.title} ${quoted(parentName)}` : '';
  if (keep > 0 && keepSinceMinutes > 0)
    return `${doomed.length} ${runs}${of} has been deleted ${where}${of ? '' : `, kept ${kept.length}`}`;
  if (keep > 0) return `All but ${keep} ${runs}${of} deleted ${where}`;
  if (keepSinceMinutes === 0) {
    const total = titles.title === 'TaskRun' ? `${doomed.length} ` : '';
    return `All ${total}${runs}${of} deleted ${where}`;
  }
  const expired = expiredRuns(request, titles);
  return of
    ? `All but ${doomed.length} expired ${expired} deleted ${where}`
    : `${doomed.length} expired ${expired} has been deleted ${where}, kept ${kept.length}`;
}

function completedWord({ ignoreRunning }: Sparing): string {
  return ignoreRunning ? '(Completed)' : '';
}

/** Runs of which only the age decided. */
function expiredRuns(request: DeletionRequest, { title, parent }: Titles): string {
  const isTaskRun = title === 'TaskRun';
  const completed = completedWord(request);
  if (!request.parentName) return `${isTaskRun ? 'Taskruns' : `${title}s`}${completed}`;
  const name = quoted(request.parentName);
  return isTaskRun
    ? `TaskRuns associated with ${quoted(parent.title)} ${name}`
    : `${title}s${completed} associated with ${parent.title} ${name}`;
}

export function quoted(text: string): string {
  return JSON.stringify(text);
}

export function quotedList(names: readonly string[]): string {
  return names.map(quoted).join(', ');
}
