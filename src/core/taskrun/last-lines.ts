import { ask, type ContainerLog, type ContainerLogNeed, type Planning } from '../need.ts';
import type { Pod } from '../pod/types.ts';
import type { Failure } from '../podstatus/failure.ts';
import type { PlanContext } from './context.ts';

/** Bytes of the log that are read at most: the last lines may be of any length. */
const mostRead = 262_144;
/** Characters that a condition quotes at most, from the end. */
const mostQuoted = 2_048;

const escapeSequences = /\u001b\[[0-9;:?<=>]*[ -/]*[@-~]/g;
/** All but the end of a line and the tab. */
const controlCharacters = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/**
 * The failure with the last lines of the container that it names, where the flag failed-step-log-lines asks for them:
 * who may see a run then sees them too. That they cannot be read is said in their place; nothing waits for them.
 */
export function* withLastLines(
  { facts }: PlanContext,
  pod: Pod,
  failure: Failure,
): Planning<Failure, ContainerLogNeed> {
  const lastLines = facts.settings.flags.failedStepLogLines;
  const { container } = failure;
  if (lastLines === 0 || container === undefined) return failure;
  const { namespace = '', name = '', uid: podUid = '' } = pod.metadata;
  const need: ContainerLogNeed = {
    type: 'containerLog',
    namespace,
    pod: name,
    podUid,
    container,
    lastLines,
    limit: mostRead,
  };
  const [log] = yield* ask<ContainerLogNeed>([need]);
  return log === undefined ? failure : { ...failure, message: `${failure.message}; ${quoted(log)}` };
}

function quoted(log: ContainerLog): string {
  if (log.kind === 'unreadable')
    return `its log could not be read: ${log.message} (the chart's rbac.podLogs gives the right to)`;
  const text = log.text.replace(escapeSequences, '').replace(controlCharacters, '').trim();
  if (text === '') return 'its log is empty';
  const isWhole = text.length <= mostQuoted && !log.isCut;
  const lines = isWhole ? text : `...${text.slice(-mostQuoted).toWellFormed()}`;
  return `the last lines of its log${log.isCut ? ', as far as it was read' : ''}:\n${lines}`;
}
