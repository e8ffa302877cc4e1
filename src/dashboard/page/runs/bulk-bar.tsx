import { useState, type ReactNode } from 'react';
import { Link } from 'wouter';
import {
  bulkBody,
  bulkPlan,
  bulkScopes,
  bulkSentence,
  type BulkAction,
  type BulkOutcome,
  type BulkPlan,
  type BulkRun,
} from '../../view/bulk.ts';
import { RefusedError, textOf } from '../api/request.ts';
import { deleteObject, patchObject } from '../api/write.ts';
import { Confirm } from '../parts/confirm.tsx';
import { Text } from '../parts/text.tsx';
import { runHref } from '../run/address.ts';
import { runsPath } from '../run/use-run.ts';
import { useBulkRights } from './use-bulk-rights.ts';

interface BulkBarProps {
  /** As the list shows them now. */
  runs: readonly BulkRun[];
  /** Takes runs from those that are chosen. */
  onDone: (uids: readonly string[]) => void;
}

const words: Readonly<Record<BulkAction, { button: string; asks: string }>> = {
  cancel: {
    button: 'Cancel',
    asks: 'What runs is ended now. The final tasks of the pipelines do not run.',
  },
  delete: {
    button: 'Delete',
    asks: 'The runs go for good, with their TaskRuns, pods and logs. What runs is ended.',
  },
};
const actions: readonly BulkAction[] = ['cancel', 'delete'];
const NAMED = 8;

interface Result {
  action: BulkAction;
  outcomes: readonly BulkOutcome[];
}

/** What one may do with all the chosen runs, and what became of each when one did. */
export function BulkBar({ runs, onDone }: BulkBarProps): ReactNode {
  const { isKnown, may } = useBulkRights(bulkScopes(runs));
  const [asked, setAsked] = useState<BulkAction>();
  const [isBusy, setBusy] = useState(false);
  const [result, setResult] = useState<Result>();
  const plans = actions.map((action) => ({ action, plan: bulkPlan(action, runs, may) }));
  const offered = plans.filter(({ plan }) => plan.runs.length > 0);
  const planned = offered.find(({ action }) => action === asked)?.plan;
  const act = async (action: BulkAction, plan: BulkPlan) => {
    setAsked(undefined);
    setBusy(true);
    const outcomes = await sendAll(action, plan.runs);
    onDone(outcomes.filter(({ problem }) => problem === undefined).map(({ run }) => run.uid));
    setResult({ action, outcomes: [...outcomes, ...plan.left] });
    setBusy(false);
  };
  if (runs.length === 0 && result === undefined) return null;
  return (
    <section className="bulk" aria-label="Chosen runs">
      {runs.length > 0 && (
        <div className="bulk-tools">
          <strong>{runs.length.toLocaleString('en')} chosen</strong>
          <Offered offered={offered} isKnown={isKnown} isBusy={isBusy} onAsk={setAsked} />
          <button type="button" className="tool" disabled={isBusy} onClick={() => onDone(runs.map(({ uid }) => uid))}>
            Choose none
          </button>
        </div>
      )}
      {result !== undefined && <Outcome result={result} onClose={() => setResult(undefined)} />}
      {asked !== undefined && planned !== undefined && (
        <Confirm
          title={`${words[asked].button} ${planned.runs.length.toLocaleString('en')} ${planned.runs.length === 1 ? 'run' : 'runs'}?`}
          action={words[asked].button}
          onConfirm={() => void act(asked, planned)}
          onCancel={() => setAsked(undefined)}
        >
          <Planned plan={planned} asks={words[asked].asks} />
        </Confirm>
      )}
    </section>
  );
}

interface OfferedProps {
  offered: readonly { action: BulkAction; plan: BulkPlan }[];
  /** What one may do has been asked for and answered. */
  isKnown: boolean;
  isBusy: boolean;
  onAsk: (action: BulkAction) => void;
}

/** A button for each action, with the number of runs that it is for. */
function Offered({ offered, isKnown, isBusy, onAsk }: OfferedProps): ReactNode {
  if (isKnown && offered.length === 0)
    return <span className="muted">There is nothing that you may do with them.</span>;
  return offered.map(({ action, plan }) => (
    <button
      key={action}
      type="button"
      className={action === 'delete' ? 'tool danger' : 'tool'}
      disabled={isBusy}
      onClick={() => onAsk(action)}
    >
      {words[action].button} {plan.runs.length.toLocaleString('en')}
    </button>
  ));
}

function Planned({ plan: { runs, left }, asks }: { plan: BulkPlan; asks: string }): ReactNode {
  return (
    <>
      <ul>
        {runs.slice(0, NAMED).map(({ uid, namespace, name }) => (
          <li key={uid}>
            <Text of={`${namespace}/${name}`} most={320} />
          </li>
        ))}
        {runs.length > NAMED && <li>and {(runs.length - NAMED).toLocaleString('en')} more</li>}
      </ul>
      {left.length > 0 && <p>{left.length.toLocaleString('en')} of the chosen are left alone.</p>}
      <p>{asks}</p>
    </>
  );
}

function Outcome({ result: { action, outcomes }, onClose }: { result: Result; onClose: () => void }): ReactNode {
  const failed = outcomes.filter(({ problem }) => problem !== undefined);
  return (
    <div className="bulk-outcome" role="status">
      <p className={failed.length > 0 ? 'bad' : ''}>{bulkSentence(action, outcomes)}</p>
      {failed.length > 0 && (
        <ul className="bulk-failed" tabIndex={0} aria-label="Not done">
          {failed.map(({ run, problem = '' }) => (
            <li key={run.uid}>
              <Link href={runHref(run)}>
                <Text of={`${run.namespace}/${run.name}`} most={320} />
              </Link>
              : <Text of={problem} />
            </li>
          ))}
        </ul>
      )}
      <button type="button" className="tool" onClick={onClose}>
        Close
      </button>
    </div>
  );
}

/** A browser sends no more to one server at once. */
const AT_ONCE = 6;

async function sendAll(action: BulkAction, runs: readonly BulkRun[]): Promise<BulkOutcome[]> {
  const waiting = [...runs];
  const outcomes: BulkOutcome[] = [];
  const work = async () => {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) outcomes.push(await send(action, run));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return outcomes;
}

async function send(action: BulkAction, run: BulkRun): Promise<BulkOutcome> {
  const path = `${runsPath(run.kind, run.namespace)}/${encodeURIComponent(run.name)}`;
  try {
    if (action === 'delete') await deleteObject(path, bulkBody(action, run));
    else await patchObject(path, bulkBody(action, run));
    return { run };
  } catch (error) {
    // Somebody was faster.
    if (action === 'delete' && error instanceof RefusedError && error.status === 404) return { run };
    return { run, problem: textOf(error) };
  }
}
