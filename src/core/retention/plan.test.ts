import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GlobalPruning, NamespacePruning } from '../../api/config/pruner-limits.ts';
import { planPruning, protectionText, reasonText, type PruneFacts } from './plan.ts';
import { byAge, protectionOf, type FinishedRun } from './run.ts';
import type { SchedulePolicy } from './schedule.ts';

const now = new Date('2026-03-01T12:00:00Z');
const rules = { waitForSignatureMs: 0, finalizersOnDeletion: [] as string[] };
const minutesAgo = (minutes: number) => new Date(now.getTime() - minutes * 60_000).toISOString().replace('.000', '');

interface Given extends Partial<Omit<FinishedRun['metadata'], 'name'>> {
  kind?: FinishedRun['kind'];
  ended?: number;
  state?: 'True' | 'False' | 'Unknown';
}
/** Ended so many minutes ago, made five minutes before. */
function run(name: string, { kind = 'pipelinerun', ended = 10, state = 'True', ...metadata }: Given = {}): FinishedRun {
  return {
    kind,
    metadata: { name, namespace: 'ns', uid: name, creationTimestamp: minutesAgo(ended + 5), ...metadata },
    status: {
      conditions: [{ type: 'Succeeded', status: state }],
      ...(state === 'Unknown' ? {} : { completionTime: minutesAgo(ended) }),
    },
  };
}
function plan(runs: FinishedRun[], facts: Partial<PruneFacts>) {
  return planPruning({ namespace: 'ns', runs, maps: {}, rules, now, ...facts });
}
const doomed = (runs: FinishedRun[], facts: Partial<PruneFacts>) =>
  plan(runs, facts).doomed.map((one) => `${one.run.metadata.name}: ${reasonText(one.reason)}`);
const names = (runs: FinishedRun[], facts: Partial<PruneFacts>) =>
  plan(runs, facts).doomed.map((one) => one.run.metadata.name);

describe('where a limit is looked for', () => {
  const labelled = { labels: { 'tekton.dev/pipeline': 'build', app: 'x' }, annotations: { team: 'y' } };
  const runs = [run('r', labelled)];
  const ttl = (ttlSecondsAfterFinished: number) => ({ ttlSecondsAfterFinished });
  const own: NamespacePruning = {
    ...ttl(3),
    pipelineRuns: [
      { selector: [{ matchLabels: { app: 'x' }, matchAnnotations: { team: 'z' } }], ...ttl(7) },
      { selector: [{ matchLabels: { app: 'x' }, matchAnnotations: { team: 'y' } }], ...ttl(2) },
      { name: 'build', ...ttl(1) },
    ],
  };
  const at = (global: GlobalPruning, namespace?: NamespacePruning) =>
    doomed(runs, { maps: { global, namespace } }).map((text) => text.replace(/.*\((.*)\)/, '$1'));
  const withNamespace = (level: 'global' | 'namespace' | 'resource', entry?: NamespacePruning): GlobalPruning => ({
    enforcedConfigLevel: level,
    ...ttl(5),
    ...(entry ? { namespaces: { ns: entry } } : {}),
  });

  it.each<[string, string[], string[]]>([
    ['global: the root alone', at(withNamespace('global', ttl(4)), own), ['global-config']],
    ['namespace: the name before selectors', at(withNamespace('namespace'), own), ['ns-config.pipelineRuns[2]']],
    [
      'namespace: the first selector that fits, labels and annotations',
      at(withNamespace('namespace'), { ...own, pipelineRuns: own.pipelineRuns?.slice(0, 2) }),
      ['ns-config.pipelineRuns[1]'],
    ],
    ['namespace: then its root', at(withNamespace('namespace'), ttl(3)), ['ns-config']],
    [
      "namespace: then the operator's entry",
      at(withNamespace('namespace', ttl(4)), {}),
      ['global-config.namespaces.ns'],
    ],
    ['namespace: an entry that says nothing hides the root', at(withNamespace('namespace', {}), {}), []],
    ['namespace: then the root', at(withNamespace('namespace'), {}), ['global-config']],
    [
      "resource: the name in the operator's entry, never the namespace's map",
      at(withNamespace('resource', { pipelineRuns: [{ name: 'build', ...ttl(4) }] }), own),
      ['global-config.namespaces.ns.pipelineRuns[0]'],
    ],
    ['nothing without the operator', doomed(runs, { maps: { namespace: own } }), []],
    [
      'the level of a namespace comes before that of all',
      at({ ...withNamespace('global'), namespaces: { ns: { enforcedConfigLevel: 'namespace' } } }, ttl(3)),
      ['ns-config'],
    ],
  ])('%s', (_name, found, wanted) => expect(found).toEqual(wanted));
});

describe('history limits', () => {
  it('keep the newest of each outcome; what was cancelled is failed', () => {
    const runs = [1, 2, 3].flatMap((n) => [
      run(`ok-${n}`, { ended: n }),
      run(`bad-${n}`, { ended: n, state: 'False' }),
    ]);
    expect(doomed(runs, { maps: { global: { successfulHistoryLimit: 1, failedHistoryLimit: 2 } } })).toEqual([
      'bad-3: 2 newer failed runs are kept (global-config)',
      'ok-3: 1 newer successful runs are kept (global-config)',
      'ok-2: 1 newer successful runs are kept (global-config)',
    ]);
  });

  it('count all Pipelines of a namespace together, and a named one by itself', () => {
    const of = (pipeline: string) => ({ labels: { 'tekton.dev/pipeline': pipeline } });
    const runs = [run('a-1', of('a')), run('a-2', of('a')), run('b-1', of('b')), run('none', {})];
    const maps = {
      global: { enforcedConfigLevel: 'namespace' as const, historyLimit: 1 },
      namespace: { pipelineRuns: [{ name: 'a', successfulHistoryLimit: 1 }] },
    };
    expect(names(runs, { maps }).sort()).toEqual(['a-1', 'b-1']);
  });

  it('of a name does not take historyLimit, of a selector does', () => {
    const runs = [run('a', { labels: { 'tekton.dev/pipeline': 'p', app: 'x' } })];
    const maps = (entry: object) => ({
      global: { enforcedConfigLevel: 'namespace' as const },
      namespace: { pipelineRuns: [{ ...entry, historyLimit: 0 }] },
    });
    expect(names(runs, { maps: maps({ name: 'p' }) })).toEqual([]);
    expect(names(runs, { maps: maps({ selector: [{ matchLabels: { app: 'x' } }] }) })).toEqual(['a']);
  });
});

describe('the time limit', () => {
  const maps = { global: { enforcedConfigLevel: 'resource' as const, ttlSecondsAfterFinished: 1_200 } };
  const own = (value: string) => run('r', { annotations: { 'pruner.tekton.dev/ttlSecondsAfterFinished': value } });

  it('counts from the end, and says when to look again', () => {
    expect(plan([run('r', { ended: 10 })], { maps })).toMatchObject({ doomed: [], nextMs: 600_000 });
    expect(names([run('r', { ended: 20 })], { maps })).toEqual(['r']);
  });

  it.each([
    ['60', ['r']],
    ['3600', []],
    ['-1', []],
    ['0', ['r']],
    ['soon', []],
    ['1e3', []],
    ['9'.repeat(50), []],
  ])('of a run itself, %s', (value, wanted) => expect(names([own(value)], { maps })).toEqual(wanted));

  it('of a run itself counts only where the operator lets it', () => {
    const global = { ...maps.global, enforcedConfigLevel: 'global' as const };
    expect(names([own('0')], { maps: { global } })).toEqual([]);
    expect(names([own('0')], { maps: {} })).toEqual([]);
  });

  it('of a run that cannot be is told', () => {
    expect(plan([own('soon')], { maps }).problems.map(({ message }) => message)).toEqual([
      'pruner.tekton.dev/ttlSecondsAfterFinished is "soon"; use seconds, or -1 for never: until then no time limit deletes the run',
    ]);
  });
});

describe('a schedule', () => {
  const policy: SchedulePolicy = {
    schedule: '0 * * * *',
    resources: ['pipelinerun'],
    kept: { kind: 'keep', runs: 1 },
    perResource: false,
  };
  const firing = new Date(now.getTime() - 30 * 60_000);
  const at = (given: Partial<SchedulePolicy>) => ({ scheduled: { policy: { ...policy, ...given }, firing } });
  const of = (pipeline: string, ended: number) => ({ ended, labels: { 'tekton.dev/pipeline': pipeline } });

  it('sees what had ended by then, and nothing later', () => {
    const runs = [run('after', { ended: 29 }), run('new', { ended: 31 }), run('old', { ended: 60 })];
    expect(doomed(runs, at({}))).toEqual(['old: 1 newer runs are kept (schedule of 2026-03-01T11:30:00.000Z)']);
  });
  it('does nothing before it fires, and says when it will', () => {
    const given = plan([run('old', { ended: 60 })], { scheduled: { policy, firing: undefined } });
    expect(given).toEqual({ doomed: [], held: [], problems: [], nextMs: 3_600_000 });
  });
  it('keeps for each Pipeline, and of runs without one too', () => {
    const runs = [
      run('a-1', of('a', 40)),
      run('a-2', of('a', 50)),
      run('b-1', of('b', 60)),
      run('none-1', { ended: 70 }),
      run('none-2', { ended: 80 }),
    ];
    expect(names(runs, at({ perResource: true }))).toEqual(['none-2', 'a-2']);
  });
  it('keeps by time', () => {
    const runs = [run('a', { ended: 89 }), run('b', { ended: 91 })];
    expect(doomed(runs, at({ kept: { kind: 'since', minutes: 60 } }))).toEqual([
      'b: it ended more than 60 minutes before 2026-03-01T11:30:00.000Z (schedule)',
    ]);
  });
  it('leaves other kinds alone', () => {
    const runs = [run('t-1', { kind: 'taskrun', ended: 40 }), run('t-2', { kind: 'taskrun', ended: 50 })];
    expect(names(runs, at({}))).toEqual([]);
    expect(names(runs, at({ resources: ['taskrun'] }))).toEqual(['t-2']);
  });
});

describe('what must stay', () => {
  const owners = (kind: string, controller = true) => [
    { apiVersion: 'tekton.dev/v1', kind, name: 'p', uid: 'u', controller },
  ];
  const everything = { maps: { global: { historyLimit: 0, ttlSecondsAfterFinished: 0 } } };
  const signing = { ...rules, waitForSignatureMs: 3_600_000 };

  it.each<[string, Given, string | undefined, Partial<PruneFacts>?]>([
    ['a run that is going on', { state: 'Unknown' }, undefined],
    ['a child of a PipelineRun', { ownerReferences: owners('PipelineRun') }, undefined],
    ['a child by reference alone', { ownerReferences: owners('PipelineRun', false) }, undefined],
    ['a child of anything else', { ownerReferences: owners('CustomRun') }, undefined],
    ['a child by its label', { labels: { 'tekton.dev/pipelineRun': 'p' } }, undefined],
    ['a run that goes already', { deletionTimestamp: minutesAgo(1) }, undefined],
    [
      'a run that Chains holds',
      { finalizers: ['chains.tekton.dev/pipelinerun'] },
      'Chains holds it until it is signed (chains.tekton.dev/pipelinerun); where Chains was taken away, run: tektite chains release',
    ],
    [
      'a run of which Results has nothing yet',
      { finalizers: ['results.tekton.dev/pipelinerun'] },
      'finalizer results.tekton.dev/pipelinerun holds it; name it in finalizers-on-deletion if its owner waits for the deletion',
    ],
    [
      'a run that is not signed yet',
      {},
      'Chains may still sign it, for 3000 s more (wait-for-signature)',
      { rules: signing },
    ],
  ])('%s', (_name, given, text, facts = {}) => {
    const { doomed: gone, held } = plan([run('r', given)], { ...everything, ...facts });
    expect(gone).toEqual([]);
    expect(held.map(({ protection }) => protectionText(protection))).toEqual(text === undefined ? [] : [text]);
  });

  it.each<[string, Given, Partial<PruneFacts>?]>([
    ['what Chains has signed', { annotations: { 'chains.tekton.dev/signed': 'true' } }, { rules: signing }],
    ['what nobody signed in all that time', { ended: 61 }, { rules: signing }],
    [
      'what Results has stored',
      { finalizers: ['results.tekton.dev/taskrun'], annotations: { 'results.tekton.dev/stored': 'true' } },
    ],
    ['what waits for its deletion', { finalizers: ['x/y'] }, { rules: { ...rules, finalizersOnDeletion: ['x/y'] } }],
  ])('but not %s', (_name, given, facts = {}) => {
    expect(names([run('r', given)], { ...everything, ...facts })).toEqual(['r']);
  });

  it('a run that waits for its signature is looked at when the wait is over', () => {
    expect(plan([run('r')], { ...everything, rules: signing }).nextMs).toBe(3_000_000);
  });
});

describe('for any runs', () => {
  const anyRun = fc.record({
    name: fc.nat(10_000),
    ended: fc.nat(200),
    state: fc.constantFrom<'True' | 'False' | 'Unknown'>('True', 'False', 'Unknown'),
    finalizer: fc.constantFrom(undefined, 'chains.tekton.dev/pipelinerun', 'x/y'),
    owned: fc.boolean(),
    deleting: fc.boolean(),
  });
  const anyRuns = fc.uniqueArray(anyRun, { selector: ({ name }) => name, maxLength: 60 }).map((all) =>
    all.map(({ name, finalizer, owned, deleting, ...rest }) =>
      run(String(name), {
        ...rest,
        ...(finalizer === undefined ? {} : { finalizers: [finalizer] }),
        ...(owned ? { labels: { 'tekton.dev/pipelineRun': 'p' } } : {}),
        ...(deleting ? { deletionTimestamp: minutesAgo(1) } : {}),
      }),
    ),
  );
  const limits = fc.record({
    historyLimit: fc.nat(20),
    ttlSecondsAfterFinished: fc.option(fc.nat(10_000), { nil: undefined }),
  });

  it('never deletes what is protected', () => {
    fc.assert(
      fc.property(anyRuns, limits, (runs, global) => {
        for (const one of plan(runs, { maps: { global } }).doomed)
          expect(protectionOf(one.run, rules, now)).toBeUndefined();
      }),
    );
  });

  it('keeps exactly the newest, and what is held', () => {
    fc.assert(
      fc.property(anyRuns, fc.nat(20), (runs, historyLimit) => {
        const given = plan(runs, { maps: { global: { historyLimit } } });
        const gone = new Set([...given.doomed, ...given.held].map((one) => one.run));
        for (const state of ['True', 'False']) {
          const counted = runs.filter(
            (one) =>
              one.status?.conditions?.[0]?.status === state && !one.metadata.labels && !one.metadata.deletionTimestamp,
          );
          expect(counted.filter((one) => !gone.has(one))).toEqual(
            counted.filter((one) => [...counted].sort(byAge).indexOf(one) < historyLimit),
          );
        }
      }),
    );
  });

  it('comes to the same end when it is broken off anywhere', () => {
    const policy: SchedulePolicy = {
      schedule: '0 * * * *',
      resources: ['pipelinerun'],
      kept: { kind: 'keep', runs: 3 },
      perResource: false,
    };
    const facts = { scheduled: { policy, firing: now }, maps: { global: { historyLimit: 5 } } };
    fc.assert(
      fc.property(anyRuns, fc.nat(60), (runs, done) => {
        const first = plan(runs, facts).doomed.map((one) => one.run);
        const rest = runs.filter((one) => !first.slice(0, done).includes(one));
        expect(plan(rest, facts).doomed.map((one) => one.run)).toEqual(first.slice(done));
      }),
    );
  });
});
