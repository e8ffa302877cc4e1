import { describe, expect, it } from 'vitest';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import type { PipelineRun, PipelineRunSpec } from '../../api/pipeline/v1/pipelinerun.ts';
import { parseFeatureFlags } from '../../api/config/feature-flags.ts';
import { recorded } from '../digest/record.ts';
import { pipelineRun, settings, Simulation, task } from './simulation.fake.ts';

const template = { spec: { accessModes: ['ReadWriteOnce'] } };
const spec = (rest: Partial<PipelineRunSpec> = {}): PipelineRunSpec => ({
  pipelineSpec: { tasks: [task('a'), task('b', { runAfter: ['a'] })], finally: [task('last')] },
  ...rest,
});

/** A run of the same spec in which `a` succeeded and `b` failed. */
function failedRun(rest: Partial<PipelineRunSpec> = {}): Simulation {
  const simulation = new Simulation(pipelineRun(spec(rest), { name: 'first', uid: 'uid-first' }));
  simulation.step();
  simulation.finish('a');
  simulation.step();
  simulation.finish('b', { status: 'False' });
  simulation.step();
  simulation.finish('last');
  simulation.step();
  expect(simulation.condition).toContain('False Failed');
  return simulation;
}

function rerun(first: Simulation, rest: Partial<PipelineRunSpec> = {}, annotation = 'first'): Simulation {
  const metadata = { name: 'second', uid: 'uid-second', annotations: { 'tektite.dev/rerun-from-failure': annotation } };
  const simulation = new Simulation(pipelineRun(spec(rest), metadata));
  simulation.earlier.set('first', first.run);
  for (const [name, claim] of first.claims) simulation.claims.set(name, claim);
  return simulation;
}

const marksOf = (simulation: Simulation) =>
  Object.fromEntries(
    [...simulation.taskRuns].map(([name, { metadata }]) => [name, metadata.annotations?.['tektite.dev/inherit-from']]),
  );

describe('a PipelineRun that reruns from a failure', () => {
  it('tells each TaskRun where its work may have been done, final ones nothing, and records the earlier run', () => {
    const second = rerun(failedRun());
    second.step();
    second.finish('a');
    second.step();
    second.finish('b');
    second.step();
    second.finish('last');
    second.step();
    expect(second.condition).toContain('True Succeeded');
    expect(marksOf(second)).toEqual({
      'second-a': 'first-a uid-first',
      'second-b': 'first-b uid-first',
      'second-last': undefined,
    });
    expect(recorded(second.run.status, 'inheritance')).toBe('run first uid-first');
  });

  it('asks for the earlier run once: it may be pruned after that', () => {
    const second = rerun(failedRun());
    second.step();
    second.earlier.clear();
    second.finish('a');
    second.step();
    expect(marksOf(second)['second-b']).toBe('first-b uid-first');
  });

  it('names the run of a fan-out that had the same place', () => {
    const fanned: PipelineTask = task('m', { matrix: { params: [{ name: 'p', value: ['1', '2'] }] } });
    const pipelineSpec = { tasks: [fanned] };
    const first = new Simulation(pipelineRun({ pipelineSpec }, { name: 'first', uid: 'uid-first' }));
    first.step();
    first.finish('m', {}, 0);
    first.finish('m', { status: 'False' }, 1);
    first.step();
    const second = rerun(first, { pipelineSpec });
    second.step();
    expect(marksOf(second)).toEqual({ 'second-m-0': 'first-m-0 uid-first', 'second-m-1': 'first-m-1 uid-first' });
  });

  it('hands the rerun on to pipelines in the pipeline', () => {
    const pipelineSpec = {
      tasks: [{ name: 'inner', pipelineSpec: { tasks: [task('t')] } as Record<string, unknown> }],
    };
    const flags = parseFeatureFlags({ 'enable-api-fields': 'alpha' }).flags;
    const first = new Simulation(pipelineRun({ pipelineSpec }, { name: 'first', uid: 'uid-first' }));
    first.settings = { ...settings, flags };
    first.step();
    first.finish('inner', { status: 'False' });
    first.step();
    const second = rerun(first, { pipelineSpec });
    second.settings = first.settings;
    second.step();
    const inner = second.pipelineRuns.get('second-inner');
    expect(inner?.metadata.annotations?.['tektite.dev/rerun-from-failure']).toBe('first-inner');
  });

  it('within a rerun begins from nothing when there is nothing to begin with', () => {
    const metadata = {
      name: 'second-inner',
      annotations: { 'tektite.dev/rerun-from-failure': 'first-inner' },
      ownerReferences: [
        { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', name: 'second', uid: 'u', controller: true },
      ],
    };
    const inner = new Simulation(pipelineRun(spec(), metadata));
    inner.step();
    expect(marksOf(inner)).toEqual({ 'second-inner-a': undefined });
  });

  const refused: { name: string; annotation: string; change?: (run: PipelineRun) => PipelineRun; why: string }[] = [
    { name: 'is not there', annotation: 'other', why: 'PipelineRun "other" is not in the namespace' },
    {
      name: 'still runs',
      annotation: 'first',
      change: (run) => ({ ...run, status: { conditions: [{ type: 'Succeeded', status: 'Unknown' }] } }),
      why: 'PipelineRun "first" has not ended',
    },
  ];
  it.each(refused)('fails when the earlier run $name', ({ annotation, change = (same) => same, why }) => {
    const first = failedRun();
    first.run = change(first.run);
    const second = rerun(first, {}, annotation);
    second.step();
    expect(second.condition).toBe(
      `False PipelineValidationFailed: PipelineRun ns/second can't be Run: [User error] metadata.annotations[tektite.dev/rerun-from-failure]: ${why}; run it without the annotation`,
    );
    expect(second.created).toEqual([]);
  });

  it('that is cancelled before it begins is cancelled, whatever it names', () => {
    const second = rerun(failedRun(), { status: 'Cancelled' }, 'other');
    second.step();
    expect(second.condition).toContain('Cancelled');
  });
});

describe('the volumes of a rerun', () => {
  const workspaces = [{ name: 'source', volumeClaimTemplate: template }];
  const shared = { workspaces, pipelineSpec: { workspaces: [{ name: 'source' }], tasks: [uses('a'), uses('b')] } };

  function uses(name: string): PipelineTask {
    return {
      name,
      workspaces: [{ name: 'w', workspace: 'source' }],
      taskSpec: { workspaces: [{ name: 'w' }], steps: [{ name: 's', image: 'i' }] },
      ...(name === 'b' ? { runAfter: ['a'] } : {}),
    };
  }
  const claimOf = (simulation: Simulation, name: string) =>
    simulation.taskRuns.get(name)?.spec.workspaces?.[0]?.persistentVolumeClaim?.claimName;

  function failedWithVolume(): Simulation {
    const first = new Simulation(pipelineRun(spec(shared), { name: 'first', uid: 'uid-first' }));
    first.step();
    first.finish('a');
    first.step();
    first.finish('b', { status: 'False' });
    first.step();
    return first;
  }

  it('are those of the earlier run, which stay as long as both', () => {
    const first = failedWithVolume();
    const [claim] = [...first.claims.keys()];
    const second = rerun(first, shared);
    second.step();
    expect(claimOf(second, 'second-a')).toBe(claim);
    expect([...second.claims.keys()]).toEqual([claim]);
    expect(second.claims.get(claim ?? '')?.metadata.ownerReferences?.map(({ uid }) => uid)).toEqual([
      'uid-first',
      'uid-second',
    ]);
    expect(recorded(second.run.status, 'inheritance')).toBe(`run first uid-first\nclaim source ${claim}`);
  });

  it('go on to the rerun of the rerun', () => {
    const first = failedWithVolume();
    const [claim] = [...first.claims.keys()];
    const second = rerun(first, shared);
    second.step();
    second.finish('a', { status: 'False' });
    second.step();
    const metadata = { name: 'third', uid: 'uid-third', annotations: { 'tektite.dev/rerun-from-failure': 'second' } };
    const third = new Simulation(pipelineRun(spec(shared), metadata));
    third.earlier.set('second', second.run);
    for (const [name, object] of second.claims) third.claims.set(name, object);
    third.step();
    expect(claimOf(third, 'third-a')).toBe(claim);
  });

  const lost: { name: string; lose: (first: Simulation) => void }[] = [
    { name: 'was deleted', lose: (first) => first.claims.clear() },
    {
      name: 'is being deleted',
      lose: (first) => eachClaim(first, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    { name: 'belongs to somebody else', lose: (first) => eachClaim(first, { ownerReferences: [] }) },
  ];
  function eachClaim(first: Simulation, change: object): void {
    for (const [name, claim] of first.claims)
      first.claims.set(name, { ...claim, metadata: { ...claim.metadata, ...change } });
  }
  it.each(lost)('are new when the earlier claim $name', ({ lose }) => {
    const first = failedWithVolume();
    const [claim] = [...first.claims.keys()];
    lose(first);
    const second = rerun(first, shared);
    second.step();
    expect(claimOf(second, 'second-a')).not.toBe(claim);
    expect(recorded(second.run.status, 'inheritance')).toBe('run first uid-first');
  });
});
