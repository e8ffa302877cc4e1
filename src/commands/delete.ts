import type { PipelineRun } from '../api/pipeline/v1/pipelinerun.ts';
import { pipelineRuns } from '../api/resources.ts';
import { messageOf } from '../errors.ts';
import { isNotFound } from '../kube/api-error.ts';
import type { Resource } from '../kube/object.ts';
import { command, CommandError, repeated } from './command.ts';
import type { Command, Context } from './command.ts';
import {
  confirmationQuestion,
  deletionReport,
  keptReport,
  quoted,
  quotedList,
  requestFault,
  selectDoomed,
} from './deletion.ts';
import type { DeletionRequest, Selection } from './deletion.ts';
import { text, toggle, whole } from './flags.ts';
import { isFinished, taskRunKind } from './kinds.ts';
import type { Run, RunKind } from './kinds.ts';

/** Requests under way at once; the client's own rate limit holds as well. */
const AT_ONCE = 8;

/** `pipelinerun delete` and `taskrun delete`. */
export function deleteCommand<T extends Run>(kind: RunKind<T>): Command {
  const { title, parent } = kind;
  const group = title.toLowerCase();
  const isTaskRun = title === taskRunKind.title;
  return command({
    names: ['delete', 'rm'],
    summary: `Delete ${title}s in a namespace`,
    usage: '[NAME...]',
    examples: `Delete ${title}s with names 'foo' and 'bar' in namespace 'quux':\n\n    tektite ${group} delete foo bar -n quux`,
    arguments: { least: 0, most: Infinity },
    offers: repeated({ objects: kind.resource }),
    flags: {
      force: toggle('Whether to force deletion (default: false)', { short: 'f' }),
      [parent.flag]: text(
        `The name of a ${parent.title} whose ${title}s should be deleted (does not delete the ${isTaskRun ? 'task' : parent.title})`,
        { short: parent.flag.slice(0, 1), offer: { objects: parent.resource } },
      ),
      keep: whole(`Keep n most recent number of ${title}s`),
      'keep-since': whole(`When deleting all ${title}s keep the ones that has been completed since n minutes`),
      'ignore-running': toggle(`ignore running ${title}`, { short: 'i', initial: true }),
      ...(isTaskRun
        ? {
            'ignore-running-pipelinerun': toggle('ignore deleting taskruns of a running PipelineRun', {
              initial: true,
            }),
          }
        : {}),
      all: toggle(`Delete all ${title}s in a namespace (default: false)`),
      label: text("A selector (label query) to filter on when running with --all, supports '=', '==', and '!='", {
        short: 'l',
      }),
    },
    async run(context, flags, names) {
      const values: Record<string, unknown> = flags;
      const request: DeletionRequest = {
        names,
        all: flags.all,
        label: flags.label,
        force: flags.force,
        keep: flags.keep,
        keepSinceMinutes: flags['keep-since'],
        ignoreRunning: flags['ignore-running'],
        parentName: String(values[parent.flag]),
      };
      const fault = requestFault(request, kind);
      if (fault) throw new CommandError(fault);
      const answers = context.terminal.lines(context.signal)[Symbol.asyncIterator]();
      if (names.length > 0) return deleteNamed(context, kind, request, answers);
      await confirm(context, answers, {
        force: request.force,
        question: confirmationQuestion(request, kind, context.namespace),
        refusal: `canceled deleting ${title}(s) `,
      });
      return deleteSelected(context, kind, request, values['ignore-running-pipelinerun'] === true);
    },
  });
}

async function deleteNamed<T extends Run>(
  context: Context,
  kind: RunKind<T>,
  request: DeletionRequest,
  answers: AsyncIterator<string>,
): Promise<number> {
  const found = await Promise.allSettled(
    request.names.map((name) =>
      context.cluster.get(kind.resource, context.namespace, name, { signal: context.signal }),
    ),
  );
  context.signal.throwIfAborted();
  const runs = found.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const missing = found.flatMap((result) => (result.status === 'rejected' ? [messageOf(result.reason)] : []));
  if (runs.length === 0) throw new CommandError(missing.join('; '));
  const known = { ...request, names: runs.map((run) => run.metadata.name ?? '') };
  await confirm(context, answers, {
    force: request.force,
    question: confirmationQuestion(known, kind, context.namespace),
    refusal: `canceled deleting ${kind.title}(s) ${quotedList(known.names)}`,
  });
  const agreed =
    kind.title === taskRunKind.title ? await withoutRefused(context, runs, request.force, answers) : known.names;
  const failures = await deleteAll(context, kind, agreed, { goneIsFailure: true });
  if (failures.length > 0) throw new CommandError([...failures, ...missing].join('; '));
  if (agreed.length > 0) context.terminal.out(`${kind.title}s deleted: ${quotedList(agreed)}\n`);
  if (missing.length > 0) throw new CommandError(missing.join('; '));
  return 0;
}

async function deleteSelected<T extends Run>(
  context: Context,
  kind: RunKind<T>,
  request: DeletionRequest,
  spareRunningOwners: boolean,
): Promise<number> {
  const { namespace, signal } = context;
  const labelSelector = request.parentName ? `${kind.parent.label}=${request.parentName}` : request.label || undefined;
  const { items } = await context.cluster.list(kind.resource, { namespace, labelSelector, signal });
  const ofParent = request.parentName ? items.filter(kind.isOfParent) : items;
  const running = spareRunningOwners ? await runningPipelineRuns(context) : new Set<string>();
  const candidates = ofParent.filter((run) => !running.has(ownerName(run) ?? ''));
  const selection: Selection = selectDoomed(candidates, request, context.environment.clock.now());
  const kept = request.parentName ? keptReport(request, kind, selection) : undefined;
  if (kept !== undefined) {
    context.terminal.out(`${kept}\n`);
    return 0;
  }
  if (request.parentName && selection.doomed.length === 0)
    throw new CommandError(`no ${kind.title}s associated with ${kind.parent.title} ${quoted(request.parentName)}`);
  const failures = await deleteAll(context, kind, selection.doomed, { goneIsFailure: false });
  if (failures.length > 0) throw new CommandError(failures.join('; '));
  context.terminal.out(`${deletionReport(request, kind, namespace, selection)}\n`);
  return 0;
}

/**
 * Deletes, and says what went wrong with which. One that went between our look and our request is a failure only for
 * who named it.
 */
export async function deleteAll(
  context: Context,
  kind: { title: string; resource: Resource },
  names: readonly string[],
  options: { goneIsFailure: boolean; onDeleted?: (name: string) => void },
): Promise<string[]> {
  const failures: string[] = [];
  const queue = [...names];
  const work = async (): Promise<void> => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      try {
        await context.cluster.delete(kind.resource, context.namespace, name, { signal: context.signal });
        options.onDeleted?.(name);
      } catch (error) {
        context.signal.throwIfAborted();
        if (options.goneIsFailure || !isNotFound(error))
          failures.push(`failed to delete ${kind.title} ${quoted(name)}: ${messageOf(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return failures;
}

function ownerName(run: Run): string | undefined {
  return run.metadata.ownerReferences?.find((owner) => owner.kind === pipelineRuns.kind)?.name;
}

async function runningPipelineRuns(context: Context): Promise<Set<string>> {
  const { items } = await context.cluster.list(pipelineRuns, { namespace: context.namespace, signal: context.signal });
  return new Set(items.filter((run: PipelineRun) => !isFinished(run)).map((run) => run.metadata.name ?? ''));
}

/** A running PipelineRun makes a deleted TaskRun again: asked about one by one, or only warned of with --force. */
async function withoutRefused(
  context: Context,
  runs: readonly Run[],
  force: boolean,
  answers: AsyncIterator<string>,
): Promise<string[]> {
  const owned = runs.some((run) => ownerName(run) !== undefined);
  const running = owned ? await runningPipelineRuns(context) : new Set<string>();
  const agreed: string[] = [];
  for (const run of runs) {
    const name = run.metadata.name ?? '';
    const ownerRuns = running.has(ownerName(run) ?? '');
    if (ownerRuns && force) context.terminal.out(`warning: Taskrun ${name} related pipelinerun still running.\n`);
    const question = `TaskRun(s): ${name} attached to PipelineRun is still running deleting will restart the completed taskrun. Proceed (y/n): `;
    if (!ownerRuns || force || (await isAgreed(context, answers, question))) agreed.push(name);
  }
  return agreed;
}

/** What is asked before a deletion. */
export interface Confirmation {
  /** Nothing is asked. */
  force: boolean;
  question: string;
  /** What is said to a no. */
  refusal: string;
}

export async function confirm(
  context: Context,
  answers: AsyncIterator<string>,
  { force, question, refusal }: Confirmation,
): Promise<void> {
  if (!force && !(await isAgreed(context, answers, question))) throw new CommandError(refusal.trimEnd());
}

/** Asks until the answer is y or n. The end of the input is a no: nothing is deleted because nobody answered. */
async function isAgreed(context: Context, answers: AsyncIterator<string>, question: string): Promise<boolean> {
  context.terminal.out(question);
  for (let answer = await answers.next(); !answer.done; answer = await answers.next()) {
    const word = answer.value.trim();
    if (word === 'y') return true;
    if (word === 'n') return false;
    context.terminal.out('Please enter (y/n): ');
  }
  context.signal.throwIfAborted();
  context.terminal.out('\n');
  return false;
}
