import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import { timestamp } from '../condition.ts';
import { ask, type Planning, type Turn, type TurnNeed } from '../need.ts';
import { queueOf, isWithinAnother, type Queue } from '../queue/queue.ts';
import { lostMessage, waitingMessage } from '../queue/waiting-message.ts';
import type { Draft } from './draft.ts';
import { RunFailure, userError } from './failure.ts';
import { nameOf } from './names.ts';

/** A run that waits looks again so often: others end without its replica noticing, and operators change limits. */
const waitMs = 10_000;
/** Until the outer run has written down what it made. */
const recordMs = 1_000;

/**
 * Asks for a run's turn before anything is done for it. A run that has begun keeps its turn, and one that is cancelled
 * needs none.
 * @returns true when it may go on @throws RunFailure for annotations that make no queue
 */
export function* takeTurn(draft: Draft): Planning<boolean, TurnNeed> {
  const { run, facts, status } = draft;
  if (status.startTime !== undefined || run.spec.status === 'Cancelled') return true;
  const [outer] = facts.ancestors ?? [];
  if (isWithinAnother(facts.run, outer)) return true;
  const queue = queueToStandIn(draft);
  if (queue === undefined) return true;
  const [turn] = yield* ask([needOf(run, queue)]);
  if (turn === undefined || turn.kind === 'go') return true;
  waitInLine(draft, queue, turn);
  draft.lookAgainMs = outer === undefined ? waitMs : recordMs;
  return false;
}

/** Undefined for a run that needs no turn. @throws RunFailure for annotations that make no queue */
function queueToStandIn({ run, facts }: Draft): Queue | undefined {
  const found = queueOf(facts.run, facts.settings.concurrency ?? []);
  if (found.kind === 'problem')
    throw new RunFailure(
      'PipelineValidationFailed',
      `PipelineRun ${nameOf(run)} can't be Run: ${userError(found.message)}`,
    );
  return found.kind === 'queue' ? found.queue : undefined;
}

function needOf({ metadata: { namespace = '', name = '', uid = '' } }: PipelineRun, queue: Queue): TurnNeed {
  return { type: 'turn', namespace, name, uid, queue };
}

function waitInLine(draft: Draft, queue: Queue, turn: Exclude<Turn, { kind: 'go' }>): void {
  const mark = (message: string) => draft.mark({ status: 'Unknown', reason: 'PipelineRunPending', message });
  if (turn.kind === 'unknown') {
    mark(lostMessage(draft.name, queue, turn.message));
    return;
  }
  mark(waitingMessage(draft.name, queue, turn.standing));
  for (const { name, uid, status } of turn.superseded)
    draft.effects.push({
      type: 'supersede',
      name,
      uid,
      status,
      message: `PipelineRun cancelled as PipelineRun ${draft.name} takes its place in ${queue.title} (${timestamp(draft.now)}).`,
    });
}
