import { describe, expect, it } from 'vitest';
import { formatChildren } from '../digest/children.ts';
import { recordAnnotations } from '../digest/record.ts';
import { annotations } from '../labels.ts';
import type { Turn } from '../need.ts';
import { pipelineRun, Simulation, task } from './simulation.fake.ts';

const queue = 'the queue of its annotations (namespace=ns, pipeline=run)';
const waiting: Turn = {
  kind: 'wait',
  standing: { place: 1, waiting: [pipelineRun({}, { name: 'run' })], running: [], mayGo: false },
  superseded: [],
};

/** A run that stands in a queue of one, with what becomes of its turn. */
function queued(turn: Turn, limit = '1'): Simulation {
  const simulation = new Simulation(
    pipelineRun({ pipelineSpec: { tasks: [task('a')] } }, { annotations: { [annotations.concurrencyLimit]: limit } }),
  );
  simulation.turn = turn;
  return simulation;
}

describe('a run that has to stand in a queue', () => {
  it('begins when its turn has come', () => {
    const simulation = queued({ kind: 'go' });
    simulation.step();
    expect(simulation.asked).toEqual([queue]);
    expect(simulation.running).toEqual(['a']);
  });

  it.each<[string, Turn, RegExp]>([
    ['waits for its turn', waiting, /is pending: place 1 of 1 in the queue of its annotations .*, limit 1; running: /],
    [
      'waits when nobody knows its place',
      { kind: 'unknown', message: 'no leases' },
      /cannot be found out: no leases; it/,
    ],
  ])('%s: it makes nothing, says so, and looks again', (_name, turn, message) => {
    const simulation = queued(turn);
    const { requeueAfterMs } = simulation.step();
    expect(simulation.condition).toMatch(message);
    expect([simulation.running, simulation.run.status?.startTime, requeueAfterMs]).toEqual([[], undefined, 10_000]);
    simulation.turn = { kind: 'go' };
    simulation.step();
    expect(simulation.running).toEqual(['a']);
  });

  it('keeps its turn once it has begun, whoever stands in it since', () => {
    const simulation = queued({ kind: 'go' });
    simulation.step();
    simulation.turn = waiting;
    simulation.finish('a');
    simulation.step();
    simulation.step();
    expect(simulation.asked).toEqual([queue]);
    expect(simulation.condition).toMatch(/^True Succeeded/);
  });

  it('needs none to be cancelled', () => {
    const simulation = queued(waiting);
    simulation.step();
    simulation.request('Cancelled');
    simulation.step();
    expect(simulation.condition).toMatch(/^False Cancelled/);
    expect(simulation.asked).toEqual([queue]);
  });

  it.each<[string, string, string[]]>([
    ['that made it needs no turn of its own', 'uid-run', []],
    ['of which it only says that it is part stands in the queue', 'uid-of-another', [queue]],
  ])('within another %s', (_name, recordedUid, asked) => {
    const simulation = queued(waiting);
    simulation.run.metadata.ownerReferences = [
      { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', name: 'outer', uid: 'uid-outer', controller: true },
    ];
    const record = formatChildren([{ name: 'run', uid: recordedUid, spec: 'digest' }]);
    const outer = pipelineRun({}, { name: 'outer', uid: 'uid-outer' });
    simulation.ancestors = [{ ...outer, status: { annotations: { [recordAnnotations.children]: record } } }];
    simulation.step();
    expect(simulation.asked).toEqual(asked);
    expect(simulation.running).toEqual(asked.length > 0 ? [] : ['a']);
  });

  it('stops the runs whose place it takes', () => {
    const superseded = [{ name: 'older', uid: 'uid-older', status: 'Cancelled' as const }];
    const simulation = queued({ ...waiting, superseded });
    const stopped = simulation.plan().effects.filter(({ type }) => type === 'supersede');
    expect(stopped).toEqual([
      {
        type: 'supersede',
        ...superseded[0],
        message: `PipelineRun cancelled as PipelineRun run takes its place in ${queue} (2026-01-01T00:00:01Z).`,
      },
    ]);
  });

  it('fails when its annotations make no queue', () => {
    const simulation = queued(waiting, 'many');
    simulation.step();
    expect(simulation.condition).toMatch(/^False PipelineValidationFailed: PipelineRun ns\/run can't be Run: /);
    expect(simulation.asked).toEqual([]);
  });
});
