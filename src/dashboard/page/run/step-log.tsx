import type { ReactNode } from 'react';
import type { AttemptView, StepView } from '../../view/attempts.ts';
import { waitOf } from '../../view/sentence.ts';
import { addressOf, basePath, pathOf } from '../api/request.ts';
import { useProperties } from '../api/use-properties.ts';
import { LogView } from '../log/log-view.tsx';
import { Text } from '../parts/text.tsx';

interface StepLogProps {
  namespace: string;
  attempt: AttemptView;
  step: StepView;
  /** Where this log is, whatever becomes of the run: what a link to a line begins with. */
  href: string;
}

/** The log of one step, once its container has begun. */
export function StepLog({ namespace, attempt, step, href }: StepLogProps): ReactNode {
  const properties = useProperties();
  const { pod, started, finished } = attempt;
  if (step.status === 'waiting' || pod === undefined) return <NoLogYet attempt={attempt} step={step} />;
  if (step.status === 'skipped')
    return <p className="empty">Skipped: a step before it failed, or its condition did not hold.</p>;
  const { container } = step;
  const log = addressOf(
    `${pathOf('api/v1', 'namespaces', namespace, 'pods', pod, 'log')}?container=${encodeURIComponent(container)}`,
  );
  const isOver = step.status !== 'running';
  const old =
    properties?.externalLogsURL === undefined
      ? undefined
      : oldAddress([namespace, pod, container], { startTime: started, completionTime: finished });
  return (
    <LogView
      // Asked for with the end in mind: a step that ends meanwhile ends its stream by itself.
      source={{ address: `${log}&follow=true&timestamps=true`, ...(old === undefined ? {} : { fallback: old }) }}
      isOver={isOver}
      isEndFirst={step.status !== 'succeeded'}
      whole={{ address: log, ...(old === undefined ? {} : { fallback: old }), fileName: `${pod}-${container}.log` }}
      href={`${basePath}${href}`}
    />
  );
}

function NoLogYet({ attempt, step }: Pick<StepLogProps, 'attempt' | 'step'>): ReactNode {
  const why = waitOf(attempt) ?? [step.reason, step.message].filter(Boolean).join(', ');
  return <p className="empty">{why === '' ? 'It has not begun.' : <Text of={`It waits: ${why}`} />}</p>;
}

function oldAddress(names: readonly string[], times: Record<string, string | undefined>): string {
  const given = Object.entries(times).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return addressOf(`${pathOf('v1/logs-proxy', ...names)}?${new URLSearchParams(given)}`);
}
