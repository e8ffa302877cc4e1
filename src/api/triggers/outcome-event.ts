/** What became of an event at one trigger. */
export type TriggerResult = 'created' | 'repeated' | 'stopped' | 'failed';

/** What a Kubernetes event on an EventListener tells of one trigger. */
export interface ToldOutcome {
  outcome: TriggerResult;
  /** Empty: the listener gives it no name. */
  trigger: string;
  namespace: string;
  /** Of `stopped`: who stopped it. */
  interceptor?: string;
  /** Names of what was created, why it was stopped, or what failed. */
  text: string;
}

/** Annotation of such a Kubernetes event: the event of the sink that it tells of; of several like it the last. */
export const toldEventId = 'triggers.tekton.dev/triggers-eventid';

/** Annotation of an EventListener: `outcome` has its sink tell what became of each event, in its answer as well. */
export const answerAnnotation = 'triggers.tektite.dev/answer';

const reasons: Readonly<Record<TriggerResult, string>> = {
  created: 'TriggerCreated',
  repeated: 'TriggerRepeated',
  stopped: 'TriggerStopped',
  failed: 'TriggerFailed',
};

/** Reason and message of the Kubernetes event that tells of an outcome. */
export function outcomeEvent({ outcome, trigger, namespace, interceptor = '', text }: ToldOutcome): {
  reason: string;
  message: string;
} {
  const why = outcome === 'stopped' ? `${interceptor}: ${text}` : text;
  return { reason: reasons[outcome], message: `trigger ${namespace}/${trigger}: ${why}` };
}

/** The recorder says so before the last of many. */
const form = /^(?:\(combined from similar events\): )?trigger ([^\s/]{0,63})\/([^\s:]{0,253}): ([^]*)$/;

/** What a Kubernetes event on a listener tells; undefined: of no trigger. Anybody who may write events wrote it. */
export function readOutcomeEvent({
  reason = '',
  message = '',
}: {
  reason?: string;
  message?: string;
}): ToldOutcome | undefined {
  const outcome = (Object.keys(reasons) as TriggerResult[]).find((each) => reasons[each] === reason);
  const [, namespace, trigger, why = ''] = form.exec(message) ?? [];
  if (outcome === undefined || namespace === undefined || trigger === undefined) return undefined;
  const told = { outcome, trigger, namespace, text: why };
  if (outcome !== 'stopped') return told;
  const end = why.indexOf(': ');
  return end < 0 ? told : { ...told, interceptor: why.slice(0, end), text: why.slice(end + 2) };
}
