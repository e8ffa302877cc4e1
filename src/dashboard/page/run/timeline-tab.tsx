import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { spanText } from '../../view/span.ts';
import { timelineOf, type Timeline, type TimelineBar, type TimelineRow } from '../../view/timeline.ts';
import { StatusIcon, wordOf } from '../parts/status.tsx';
import { TabBody } from '../parts/tab-body.tsx';
import { Text } from '../parts/text.tsx';
import { runHref } from './address.ts';
import type { RunName, RunView } from './use-run.ts';
import '../style/timeline.css';

/** Where the time went: each task's, from its start over its steps to its end. */
export default function TimelineTab({ name, view, now }: { name: RunName; view: RunView; now: number }): ReactNode {
  const timeline = timelineOf(view.graph, view.taskRuns, now);
  return (
    <TabBody label="Timeline">
      {timeline === undefined ? (
        <p className="muted">{view.isLoaded ? 'Nothing of it has begun.' : 'Loading...'}</p>
      ) : (
        <>
          <ul className="legend muted">
            <li>
              <span className="bar before" /> a node is found, images are pulled
            </li>
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
            <span>0 s</span>
            <span>{spanText((timeline.to - timeline.from) / 2)}</span>
            <span>{spanText(timeline.to - timeline.from)}</span>
          </p>
        </>
      )}
    </TabBody>
  );
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
            title={titleOf(bar)}
            role="img"
            aria-label={titleOf(bar)}
          />
        ))}
      </div>
      <span className="number muted">{spanText(row.to - row.from)}</span>
    </li>
  );
}

function titleOf({ kind, name, status, from, to }: TimelineBar): string {
  const what = kind === 'before' ? 'before the first step' : `${name}: ${wordOf(status)}`;
  return `${what}, ${spanText(to - from)}`.slice(0, 300);
}
