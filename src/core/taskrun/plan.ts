import type { TaskRunStatus } from '../../api/pipeline/v1/taskrun.ts';
import { statusTooLarge } from '../budget.ts';
import { isDone, isFailed, succeededCondition } from '../condition.ts';
import { soonest } from '../decision.ts';
import { ownManagedBy } from '../labels.ts';
import type { Planning } from '../need.ts';
import { apart } from './apart.ts';
import { conclude, transitionEvents } from './conclude.ts';
import { failed, leastStatus, planContext, type AskingPhase, type Phase, type PlanContext } from './context.ts';
import { done } from './done.ts';
import type { TaskRunDecision, TaskRunFacts } from './facts.ts';
import { cancelled, cannotStart, heldBack, stuck, timedOut } from './interrupted.ts';
import { withIdentity } from './identity.ts';
import { reasons } from './reasons.ts';
import { withViolations } from './record.ts';
import { running, withPodWarning } from './running.ts';
import { start } from './start.ts';
import { timeLeftMs } from './timeout.ts';

/** spec.managedBy names another controller. */
const notOurs: Phase = ({ facts, status }) => {
  const { managedBy } = facts.taskRun.spec;
  return managedBy && managedBy !== ownManagedBy ? { status, effects: [] } : undefined;
};

/** Asked in this order; the first that has something to say decides. */
const phases: readonly (Phase | AskingPhase)[] = [
  notOurs, // another controller's run is not touched
  done, // an outcome never changes
  cancelled, // the user's wish comes before everything that could still happen
  timedOut, // from startTime, whatever the run is waiting for
  heldBack, // spec.status TaskRunPending
  cannotStart, // no image, broken configuration
  stuck, // a step ended without letting the next one know
  apart, // its pod waits where it would not find the others of its group any more
  start, // no pod yet, or not any more
  running, // the status follows the pod
];

/**
 * What to do next for a TaskRun. Pure: facts, answers and time in, decision out. Events of the change of condition are
 * among the effects; the caller carries effects out, then asks `settle` for the status to write.
 */
export function* planTaskRun(facts: TaskRunFacts, now: Date): Planning<TaskRunDecision> {
  const context = yield* withPodWarning(planContext(facts, now));
  for (const phase of phases) {
    const said = phase(context);
    const decision = said && Symbol.iterator in said ? yield* said : said;
    if (decision) return finish(context, withIdentity(context, withViolations(context, decision)));
  }
  return { status: context.status, effects: [] };
}

/** Retries, events and the time to look again, for whatever was decided. */
export function finish(context: PlanContext, decision: TaskRunDecision): TaskRunDecision {
  const { given, now } = context;
  const before = given.status;
  if (decision.status === before || (before === undefined && Object.keys(decision.status).length === 0))
    return withRequeue(context, decision);
  const { status, effects } = fitting(context, { ...decision, status: conclude(given, decision.status, now) });
  const events = transitionEvents(succeededCondition(before), succeededCondition(status));
  return withRequeue(context, { ...decision, status, effects: [...effects, ...events] });
}

/** What is written in the place of a status that the cluster refused for its size: the run ends with it. */
export function statusInstead(status: TaskRunStatus, refusal: string, now: Date): TaskRunStatus {
  const message = `the cluster refused the status of the run for its size: ${refusal}; give the run smaller params and results, or split it`;
  return leastStatus(isFailed(status) ? status : failed(status, reasons.statusTooLarge, message, now));
}

/** A run whose status cannot be stored with it ends, and says so in a status that can. */
function fitting({ given, pod, now }: PlanContext, decision: TaskRunDecision): TaskRunDecision {
  const { metadata, spec } = given;
  const problem = statusTooLarge('TaskRun', { metadata, spec, status: decision.status });
  if (problem === undefined) return decision;
  const { status } = decision;
  if (isFailed(status)) return { ...decision, status: leastStatus(status) };
  const { name = '', namespace = '', uid } = pod?.metadata ?? {};
  return {
    status: leastStatus(failed(status, reasons.statusTooLarge, problem, now)),
    effects: pod === undefined ? [] : [{ type: 'deletePod', namespace, name, ...(uid ? { uid } : {}) }],
  };
}

function withRequeue(context: PlanContext, decision: TaskRunDecision): TaskRunDecision {
  const { status } = decision;
  if (notOurs(context) || isDone(status)) return { status, effects: decision.effects };
  const left = timeLeftMs(context.facts.taskRun, status, context.now);
  const again = succeededCondition(status)?.reason === reasons.toBeRetried ? 0 : undefined;
  // A time that is over has had its say: it does not hurry what waits for something else.
  const end = left !== undefined && (left > 0 || decision.requeueAfterMs === undefined) ? Math.max(0, left) : undefined;
  const requeueAfterMs = soonest(decision.requeueAfterMs, again, end);
  return { status, effects: decision.effects, ...(requeueAfterMs === undefined ? {} : { requeueAfterMs }) };
}
