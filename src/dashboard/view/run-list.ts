import type { RunChange, RunPage, RunStatus, RunSummary } from '../contract.ts';

/** A list of runs as somebody reads it. Nothing that comes moves what is shown: new runs wait to be asked for. */
export interface RunList {
  /** Newest first. */
  shown: readonly RunSummary[];
  /** Runs that came since, newest first. */
  fresh: readonly RunSummary[];
  /** Of shown ones: deleted, or no longer what was asked for. */
  gone: ReadonlySet<string>;
  next?: string;
  total: number;
  counts: Readonly<Record<RunStatus, number>>;
}

/** The first page, before anything is shown. */
export function listOf(page: RunPage): RunList {
  const { items, next, total, counts } = page;
  return { shown: items, fresh: [], gone: new Set(), ...(next === undefined ? {} : { next }), total, counts };
}

/** The next page. */
export function withMore(list: RunList, { items, next, total, counts }: RunPage): RunList {
  const { next: _before, ...rest } = list;
  const known = new Set(list.shown.map(({ uid }) => uid));
  const shown = [...list.shown, ...items.filter(({ uid }) => !known.has(uid))];
  return { ...rest, shown, total, counts, ...(next === undefined ? {} : { next }) };
}

/** A first page again, after the stream of changes was interrupted: what is new waits, what is known is renewed. */
export function withFirstPage(list: RunList, page: RunPage): RunList {
  const changed = page.items.reduce((now, run) => withChange(now, { type: 'changed', run }), list);
  return { ...changed, total: page.total, counts: page.counts };
}

export function withChange(list: RunList, change: RunChange): RunList {
  if (change.type === 'removed') {
    if (list.fresh.some(({ uid }) => uid === change.uid))
      return { ...list, fresh: list.fresh.filter(({ uid }) => uid !== change.uid) };
    const isShown = list.shown.some(({ uid }) => uid === change.uid);
    return isShown ? { ...list, gone: new Set([...list.gone, change.uid]) } : list;
  }
  const { run } = change;
  const at = list.shown.findIndex(({ uid }) => uid === run.uid);
  if (at >= 0) {
    const gone = list.gone.has(run.uid) ? new Set([...list.gone].filter((uid) => uid !== run.uid)) : list.gone;
    return { ...list, gone, shown: list.shown.with(at, run) };
  }
  // Older than what is shown: it comes with its page.
  const last = list.shown.at(-1);
  if (list.next !== undefined && last !== undefined && comesBefore(last, run)) return list;
  return { ...list, fresh: [run, ...list.fresh.filter(({ uid }) => uid !== run.uid)].toSorted(order) };
}

/** What waited is shown, and what is gone no longer. */
export function withFreshShown(list: RunList): RunList {
  const shown = [...list.fresh, ...list.shown.filter(({ uid }) => !list.gone.has(uid))].toSorted(order);
  return { ...list, shown, fresh: [], gone: new Set() };
}

function order(left: RunSummary, right: RunSummary): number {
  if (left.uid === right.uid) return 0;
  return comesBefore(left, right) ? -1 : 1;
}

/** As the server sorts: newest first, then by uid. */
function comesBefore(left: RunSummary, right: RunSummary): boolean {
  return left.created === right.created ? left.uid < right.uid : left.created > right.created;
}
