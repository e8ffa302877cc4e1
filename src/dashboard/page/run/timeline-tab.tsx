import { useMemo, type ReactNode } from 'react';
import { Link } from 'wouter';
import type { KubeObject } from '../../../resource.ts';
import { podTimesOf } from '../../view/pod-times.ts';
import { spanText } from '../../view/span.ts';
import {
  timelineOf,
  type Timeline,
  type TimelineBar,
  type TimelineKind,
  type TimelineRow,
} from '../../view/timeline.ts';
import { useObjects } from '../api/use-objects.ts';
import { StatusIcon, wordOf } from '../parts/status.tsx';
import { TabBody } from '../parts/tab-body.tsx';
import { Text } from '../parts/text.tsx';
import { absolute, periodTitle } from '../parts/time.tsx';
import { runHref } from './address.ts';
import { podsOf, type RunName, type RunView } from './use-run.ts';
import '../style/timeline.css';

const words: Readonly<Record<Exclude<TimelineKind, 'step'>, string>> = {
  predecessor: 'waited for other tasks',
  queue: 'waited in a queue or for a quota',
  node: 'waited for a node',
  pulling: 'images were pulled, containers made',
  before: 'before the first step',
};

const legend = [
  ['predecessor', 'waits for other tasks'],
  ['queue', 'waits in a queue or for a quota'],
  ['node', 'waits for a node'],
  ['pulling', 'images are pulled'],
] as const;

/** Where the time went: each task's, from the start of the run over its steps to its end. */
export default function TimelineTab({ name, view, now }: { name: RunName; view: RunView; now: number }): ReactNode {
  // Who may not read pods sees what the TaskRuns tell.
  const pods = useObjects<KubeObject>(podsOf(name)).byName;
  const times = useMemo(() => podTimesOf(pods.values()), [pods]);
  const created = view.run?.metadata.creationTimestamp;
  const timeline = timelineOf(view.graph, { taskRuns: view.taskRuns, pods: times, created, now });
  return (
    <TabBody label="Timeline">
      {timeline === undefined ? (
        <p className="muted">{view.isLoaded ? 'Nothing of it has begun.' : 'Loading...'}</p>
      ) : (
        <>
          <ul className="legend muted">
            {legend.map(([kind, text]) => (
              <li key={kind}>
                <span className={`bar ${kind}`} /> {text}
              </li>
            ))}
            <li>
              <span className="bar step" /> a step
            </li>
            <li>
              <span className="bar critical-mark" /> the end had to wait for it
            </li>
          </ul>
          <ol className="timeline">
            {timeline.rows.map((row) => (
              <Row key={row.child} row={row} timeline={timeline} name={name} />
            ))}
          </ol>
          <p className="timeline-scale muted number">
            {[0, 0.5, 1].map((part) => (
              <Mark key={part} from={timeline.from} after={(timeline.to - timeline.from) * part} />
            ))}
          </p>
        </>
      )}
    </TabBody>
  );
}

/** A time on the scale: how long after the beginning. */
function Mark({ from, after }: { from: number; after: number }): ReactNode {
  return <span title={absolute(new Date(from + after).toISOString())}>{spanText(after)}</span>;
}

function Row({ row, timeline, name }: { row: TimelineRow; timeline: Timeline; name: RunName }): ReactNode {
  const whole = Math.max(1, timeline.to - timeline.from);
  const part = (from: number, to: number) => ({
    left: `${((from - timeline.from) / whole) * 100}%`,
    width: `${((to - from) / whole) * 100}%`,
  });
  return (
    <li className={row.isCritical ? 'timeline-row critical' : 'timeline-row'}>
      <Link href={runHref(name, 'log', { task: row.task, child: row.child })} className="timeline-task">
        <StatusIcon status={row.state} />
        <span className="node-name">
          <Text of={row.task} most={253} />
        </span>
        <span className="sr-only">
          {wordOf(row.state)}
          {row.section === 'finally' ? ', of finally' : ''}
          {row.isCritical ? ', the end had to wait for it' : ''}
        </span>
      </Link>
      <div className="timeline-bars">
        <span className="timeline-span" style={part(row.from, row.to)} />
        {row.bars.map((bar, at) => (
          <span
            key={at}
            className={`bar ${bar.kind} bar-${bar.status}`}
            style={part(bar.from, bar.to)}
            title={`${titleOf(bar)}, ${periodTitle(bar.from, bar.to)}`}
            role="img"
            aria-label={titleOf(bar)}
          />
        ))}
      </div>
      <span className="number muted" title={periodTitle(row.from, row.to)}>
        {spanText(row.to - row.from)}
      </span>
    </li>
  );
}

function titleOf({ kind, name, status, from, to }: TimelineBar): string {
  const what = kind === 'step' ? `${name}: ${wordOf(status)}` : words[kind];
  return `${what}, ${spanText(to - from)}`.slice(0, 300);
}
