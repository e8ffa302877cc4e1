import { memo, useEffect, useRef, type ReactNode } from 'react';
import { Link } from 'wouter';
import type { RunSummary, StartedBy } from '../../contract.ts';
import { shown } from '../../view/shown.ts';
import { isOver } from '../../view/status.ts';
import { spanText } from '../../view/span.ts';
import { Status } from '../parts/status.tsx';
import { Text } from '../parts/text.tsx';
import { absolute, Ago, At, Span } from '../parts/time.tsx';
import { runHref } from '../run/address.ts';

interface RowProps {
  run: RunSummary;
  index: number;
  place: { start: number; size: number };
  now: number;
  isGone: boolean;
  isCurrent: boolean;
  onFocus: () => void;
  /** Undefined: runs cannot be chosen. */
  isChosen: boolean | undefined;
  onChoose: (uid: string, isChosen: boolean) => void;
}

export const RunRow = memo(
  function RunRow({ run, index, place, now, isGone, isCurrent, onFocus, isChosen, onChoose }: RowProps): ReactNode {
    const link = useRef<HTMLAnchorElement>(null);
    useEffect(() => {
      if (isCurrent) link.current?.focus({ preventScroll: true });
    }, [isCurrent]);
    return (
      <div
        role="row"
        aria-rowindex={index + 2}
        className={`run-row${isGone ? ' gone' : ''}`}
        style={{ transform: `translateY(${place.start}px)`, height: place.size }}
      >
        {isChosen !== undefined && (
          <span role="cell" className="cell-choice">
            <input
              type="checkbox"
              aria-label={`Choose ${run.name}`}
              checked={isChosen}
              onChange={({ target }) => onChoose(run.uid, target.checked)}
            />
          </span>
        )}
        <span role="cell" className="cell-status">
          <Status status={run.status} />
        </span>
        <span role="cell" className="cell-name">
          <Link href={runHref(run)} ref={link} onFocus={onFocus} title={run.message}>
            <Text of={run.name} most={253} />
          </Link>
          <span className="muted">
            <Text of={isGone ? `${run.namespace} - deleted, or no longer what was asked for` : run.namespace} />
          </span>
        </span>
        <span role="cell" className="cell-definition">
          {run.definition === undefined ? (
            <span className="muted">written in place</span>
          ) : (
            <Text of={run.definition} />
          )}
          {run.kind === 'TaskRun' && <span className="muted"> task</span>}
        </span>
        <span role="cell" className="cell-by" title={allOf(run.startedBy)}>
          <Starter by={run.startedBy} />
        </span>
        <span role="cell" className="cell-started">
          <Ago time={run.started ?? run.created} now={now} />
        </span>
        <span role="cell" className="cell-duration number">
          <Duration run={run} now={now} />
        </span>
        <span role="cell" className="cell-signed">
          <Signed signed={run.signed} />
        </span>
      </div>
    );
  },
  (before, after) =>
    before.run === after.run &&
    before.index === after.index &&
    before.place.start === after.place.start &&
    before.place.size === after.place.size &&
    before.now === after.now &&
    before.isGone === after.isGone &&
    before.isCurrent === after.isCurrent &&
    before.isChosen === after.isChosen,
);

function Duration({ run, now }: { run: RunSummary; now: number }): ReactNode {
  const { started, finished, usualMilliseconds, status } = run;
  const end = isOver(status) ? (finished ?? started) : finished;
  return (
    <>
      <Span started={started} finished={end} now={now} />
      {usualMilliseconds !== undefined && (
        <span className="muted" title="The median of the last runs of this pipeline that succeeded">
          usually {spanText(usualMilliseconds)}
        </span>
      )}
    </>
  );
}

function Starter({ by }: { by: StartedBy }): ReactNode {
  const who = [by.person ?? by.trigger, by.event].filter((part) => part !== undefined).join(', ');
  const first = who !== '' ? who : by.rerunOf === undefined ? undefined : `rerun of ${by.rerunOf}`;
  const second = [by.branch, by.commit?.slice(0, 8)].filter(Boolean).join(' at ');
  const { scheduledTime } = by;
  return (
    <>
      {first !== undefined && <Text of={first} />}
      {second !== '' && (
        <span className={first === undefined ? '' : 'muted'}>
          <Text of={second} />
        </span>
      )}
      {scheduledTime !== undefined && (
        <span className="muted" title={`for ${absolute(scheduledTime)}`}>
          for <At time={scheduledTime} />
        </span>
      )}
    </>
  );
}

/** All that is known of it: a line has room for a part. */
function allOf({ person, trigger, event, repository, branch, commit, rerunOf }: StartedBy): string | undefined {
  const parts = [person, trigger, event, repository, branch, commit, rerunOf && `rerun of ${rerunOf}`];
  return (
    parts
      .filter(Boolean)
      .map((part) => shown(part ?? ''))
      .join(', ') || undefined
  );
}

function Signed({ signed }: { signed: RunSummary['signed'] }): ReactNode {
  if (signed === 'no') return <span className="sr-only">not signed</span>;
  return (
    <span
      className={signed === 'yes' ? 'badge' : 'badge bad'}
      title="What Chains says; verified on the page of the run"
    >
      {signed === 'yes' ? 'signed' : 'signing failed'}
    </span>
  );
}
