import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import { isDone } from '../condition.ts';
import { taskDependencies } from '../graph/dependencies.ts';
import { decideAtOnce } from '../need.ts';
import { planPipelineRun } from './plan.ts';
import { pipelineRun, Simulation, task, type Outcome } from './simulation.fake.ts';

interface Shape {
  parents: number[];
  viaResult: boolean;
  guard: 'in' | 'notin' | undefined;
  ignored: boolean;
  fanOut: number;
  outcome: 'succeeds' | 'fails' | 'cancelled' | 'no result';
}

const shape = fc.record<Shape>({
  parents: fc.array(fc.nat(11), { maxLength: 3 }),
  viaResult: fc.boolean(),
  guard: fc.constantFrom(undefined, undefined, 'in', 'notin'),
  ignored: fc.boolean(),
  fanOut: fc.constantFrom(0, 0, 0, 2),
  outcome: fc.constantFrom('succeeds', 'succeeds', 'succeeds', 'fails', 'cancelled', 'no result'),
});

/** Random pipelines: any task may depend on earlier ones, by runAfter or by a result, be guarded by a result, fail … */
const pipeline = fc.record({
  tasks: fc.array(shape, { minLength: 1, maxLength: 12 }),
  finals: fc.nat(2),
  request: fc.constantFrom(undefined, undefined, 'Cancelled', 'CancelledRunFinally', 'StoppedRunFinally'),
  requestAfter: fc.nat(6),
  secondsPerStep: fc.constantFrom(0, 1, 20),
  order: fc.infiniteStream(fc.nat()),
});

function taskOf(
  { parents, viaResult, guard, ignored, fanOut }: Shape,
  index: number,
  all: readonly Shape[],
): PipelineTask {
  const earlier = [...new Set(parents.filter((parent) => parent < index))];
  const single = earlier.filter((parent) => all[parent]?.fanOut === 0);
  return task(
    `t${index}`,
    {
      ...(viaResult && single.length > 0
        ? { params: single.map((parent) => ({ name: `p${parent}`, value: `$(tasks.t${parent}.results.r)` })) }
        : { runAfter: earlier.map((parent) => `t${parent}`) }),
      ...(guard
        ? {
            when: [
              { input: single.length > 0 ? `$(tasks.t${single[0]}.results.r)` : 'x', operator: guard, values: ['x'] },
            ],
          }
        : {}),
      ...(ignored ? { onError: 'continue' } : {}),
      ...(fanOut > 0 ? { matrix: { params: [{ name: 'm', value: Array.from({ length: fanOut }, String) }] } } : {}),
    },
    'r',
  );
}

function outcomeOf({ outcome }: Shape, cancelled: boolean): Outcome {
  if (cancelled || outcome === 'cancelled') return { status: 'False', reason: 'TaskRunCancelled' };
  if (outcome === 'fails') return { status: 'False' };
  return outcome === 'no result' ? {} : { results: { r: 'x' } };
}

it('every run ends; every task runs at most once and never before its parents are done; the end is final', () => {
  fc.assert(
    fc.property(pipeline, ({ tasks: shapes, finals, request, requestAfter, secondsPerStep, order }) => {
      const tasks = shapes.map(taskOf);
      const names = new Set(tasks.map((one) => one.name ?? ''));
      const parents = new Map(tasks.map((one) => [one.name ?? '', taskDependencies(one, names)]));
      const final = Array.from({ length: finals }, (_, index) =>
        task(`f${index}`, { params: [{ name: 's', value: '$(tasks.t0.status)' }] }),
      );
      const simulation = new Simulation(
        pipelineRun({ pipelineSpec: { tasks, finally: final }, timeouts: { pipeline: '2m' } }),
      );
      const unfinished = () => [...simulation.taskRuns.values()].filter((taskRun) => !isDone(taskRun.status));
      for (let round = 0; !isDone(simulation.run.status); round++) {
        expect(round, 'the run does not end').toBeLessThan(60);
        if (round === requestAfter && request) simulation.request(request);
        const before = new Set(simulation.created);
        const skipped = Object.keys(simulation.skipped);
        simulation.step();
        // Who was skipped stays so: what comes after it has acted on that.
        expect(Object.keys(simulation.skipped)).toEqual(expect.arrayContaining(skipped));
        for (const name of simulation.created.filter((one) => !before.has(one))) {
          const owner = name.replace(/^run-/, '').replace(/-\d+$/, '');
          const waitsFor = owner.startsWith('f') ? [...names] : (parents.get(owner) ?? []);
          const busy = unfinished()
            .map((taskRun) => taskRun.metadata.labels?.['tekton.dev/pipelineTask'] ?? '')
            .filter((one) => waitsFor.includes(one));
          expect(busy, `${name} started before ${busy.join()}`).toEqual([]);
        }
        // Deciding twice on the same facts changes nothing.
        const again = simulation.plan();
        expect(again.effects.filter(({ type }) => type !== 'event')).toEqual([]);
        // Nor the status, or the controller would have to look again after each of its own writes.
        expect(JSON.parse(JSON.stringify(again.status))).toEqual(simulation.run.status);
        const open = unfinished();
        const chosen = open[order.next().value % Math.max(1, open.length)];
        if (chosen) {
          const [owner, index] = /^run-(\w+?)(?:-(\d+))?$/.exec(chosen.metadata.name ?? '')?.slice(1) ?? [];
          const asShape = shapes[Number(owner?.slice(1))];
          const outcome =
            owner?.startsWith('t') && asShape ? outcomeOf(asShape, chosen.spec.status === 'TaskRunCancelled') : {};
          simulation.finish(owner ?? '', outcome, index === undefined ? undefined : Number(index));
        }
        simulation.pass(secondsPerStep);
      }
      expect(new Set(simulation.created).size).toBe(simulation.created.length);
      expect(simulation.run.status?.completionTime).toBeDefined();
      expect(simulation.run.status?.childReferences?.length ?? 0).toBe(simulation.created.length);
      expect(
        decideAtOnce(planPipelineRun(simulation.facts(), new Date('2030-01-01T00:00:00Z')), (need) =>
          simulation.answerTo(need),
        ),
      ).toEqual({
        status: simulation.run.status,
        effects: [],
      });
    }),
    { numRuns: 150 },
  );
});
