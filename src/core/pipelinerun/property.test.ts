import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ObjectMeta } from '../../api/meta.ts';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import { parseFeatureFlags } from '../../api/config/feature-flags.ts';
import { isDone } from '../condition.ts';
import { taskDependencies } from '../graph/dependencies.ts';
import { decideAtOnce } from '../need.ts';
import { planPipelineRun } from './plan.ts';
import { pipelineRun, settings, Simulation, task, type Outcome } from './simulation.fake.ts';

interface Shape {
  kind: 'TaskRun' | 'CustomRun' | 'PipelineRun';
  parents: number[];
  viaResult: boolean;
  guard: 'in' | 'notin' | undefined;
  ignored: boolean;
  fanOut: number;
  /** Tries after the first. */
  retries: number;
  outcome: 'succeeds' | 'fails' | 'fails first' | 'cancelled' | 'no result';
}

const shape = fc.record<Shape>({
  kind: fc.constantFrom('TaskRun', 'TaskRun', 'CustomRun', 'PipelineRun'),
  parents: fc.array(fc.nat(11), { maxLength: 3 }),
  viaResult: fc.boolean(),
  guard: fc.constantFrom(undefined, undefined, 'in', 'notin'),
  ignored: fc.boolean(),
  fanOut: fc.constantFrom(0, 0, 0, 2),
  retries: fc.constantFrom(0, 0, 1, 2),
  outcome: fc.constantFrom('succeeds', 'succeeds', 'succeeds', 'fails', 'fails first', 'cancelled', 'no result'),
});

/** Random pipelines: any task may depend on earlier ones, by runAfter or by a result, be guarded by a result, fail … */
const pipeline = fc.record({
  tasks: fc.array(shape, { minLength: 1, maxLength: 12 }),
  finals: fc.nat(2),
  request: fc.constantFrom(undefined, undefined, 'Cancelled', 'CancelledRunFinally', 'StoppedRunFinally'),
  requestAfter: fc.nat(6),
  failFast: fc.constantFrom(false, false, true),
  tasksTimeout: fc.constantFrom(undefined, undefined, '1m'),
  secondsPerStep: fc.constantFrom(0, 1, 20),
  order: fc.infiniteStream(fc.nat()),
});

/** What the task runs as. Only a TaskRun's results are declared by a StepAction, a Task or a pipeline at hand. */
function kindOf(kind: Shape['kind']): Partial<PipelineTask> {
  if (kind === 'CustomRun') return { taskRef: { apiVersion: 'example.dev/v1', kind: 'Wait' } };
  const results = [{ name: 'r', value: '$(tasks.x.results.r)' }];
  return kind === 'PipelineRun' ? { taskSpec: undefined, pipelineSpec: { tasks: [task('x', {}, 'r')], results } } : {};
}

function taskOf(
  { kind, retries, parents, viaResult, guard, ignored, fanOut }: Shape,
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
      ...kindOf(kind),
      ...(retries > 0 ? { retries } : {}),
      ...(ignored && retries === 0 && kind === 'TaskRun' ? { onError: 'continue' } : {}),
      ...(fanOut > 0 ? { matrix: { params: [{ name: 'm', value: Array.from({ length: fanOut }, String) }] } } : {}),
    },
    'r',
  );
}

const cancelledReason = { TaskRun: 'TaskRunCancelled', CustomRun: 'CustomRunCancelled', PipelineRun: 'Cancelled' };

function outcomeOf({ kind, outcome }: Shape, isAgain: boolean, isCancelled: boolean): Outcome {
  if (isCancelled || outcome === 'cancelled') return { status: 'False', reason: cancelledReason[kind] };
  if (outcome === 'fails' || (outcome === 'fails first' && !isAgain)) return { status: 'False' };
  return outcome === 'no result' ? {} : { results: { r: 'x' } };
}

const alpha = { ...settings, flags: parseFeatureFlags({ 'enable-api-fields': 'alpha' }).flags };
const retryName = /-retry-\d+$/;

it('every run ends; every task runs at most once and never before its parents are done; the end is final', () => {
  fc.assert(
    fc.property(pipeline, (given) => {
      const { tasks: shapes, finals, request, requestAfter, failFast, tasksTimeout, secondsPerStep, order } = given;
      const tasks = shapes.map(taskOf);
      const names = new Set(tasks.map((one) => one.name ?? ''));
      const parents = new Map(tasks.map((one) => [one.name ?? '', taskDependencies(one, names)]));
      const final = Array.from({ length: finals }, (_, index) =>
        task(`f${index}`, { params: [{ name: 's', value: '$(tasks.t0.status)' }] }),
      );
      const simulation = new Simulation(
        pipelineRun(
          {
            pipelineSpec: { tasks, finally: final },
            timeouts: { pipeline: '2m', ...(tasksTimeout ? { tasks: tasksTimeout } : {}) },
          },
          failFast ? { annotations: { 'tektite.dev/fail-fast': 'true' } } : {},
        ),
      );
      simulation.settings = alpha;
      const all = () =>
        [simulation.taskRuns, simulation.customRuns, simulation.pipelineRuns].flatMap((runs) => [...runs.values()]);
      const unfinished = () => all().filter(({ status }) => !isDone(status));
      const taskNameOf = ({ metadata }: { metadata: ObjectMeta }) => metadata.labels?.['tekton.dev/pipelineTask'] ?? '';
      for (let round = 0; !isDone(simulation.run.status); round++) {
        expect(round, 'the run does not end').toBeLessThan(90);
        if (round === requestAfter && request) simulation.request(request);
        const before = new Set(simulation.created);
        const skipped = Object.keys(simulation.skipped);
        simulation.step();
        // Who was skipped stays so: what comes after it has acted on that.
        expect(Object.keys(simulation.skipped)).toEqual(expect.arrayContaining(skipped));
        for (const child of all().filter(({ metadata: { name = '' } }) => !before.has(name))) {
          const owner = taskNameOf(child);
          const waitsFor = owner.startsWith('f') ? [...names] : (parents.get(owner) ?? []);
          const busy = unfinished()
            .map(taskNameOf)
            .filter((one) => waitsFor.includes(one));
          expect(busy, `${child.metadata.name} started before ${busy.join()}`).toEqual([]);
        }
        // Deciding twice on the same facts changes nothing.
        const again = simulation.plan();
        expect(again.effects.filter(({ type }) => type !== 'event')).toEqual([]);
        // Nor the status, or the controller would have to look again after each of its own writes.
        expect(JSON.parse(JSON.stringify(again.status))).toEqual(simulation.run.status);
        const open = unfinished();
        const chosen = open[order.next().value % Math.max(1, open.length)];
        if (chosen) {
          const name = chosen.metadata.name ?? '';
          const asShape = shapes[Number(/^t(\d+)$/.exec(taskNameOf(chosen))?.[1])];
          const isStopped = chosen.spec.status !== undefined && chosen.spec.status !== 'StoppedRunFinally';
          const outcome = asShape ? outcomeOf(asShape, retryName.test(name), isStopped) : {};
          simulation.finish(name.replace(/^run-/, ''), outcome);
        }
        simulation.pass(secondsPerStep);
      }
      expect(new Set(simulation.created).size).toBe(simulation.created.length);
      for (const [index, { kind, retries, fanOut }] of shapes.entries()) {
        const attempts = simulation.created.filter((name) => new RegExp(`^run-t${index}(-|$)`).test(name)).length;
        expect(attempts).toBeLessThanOrEqual(Math.max(1, fanOut) * (kind === 'PipelineRun' ? 1 + retries : 1));
      }
      const isCutShort = request === 'Cancelled' || /failed to finish/.test(simulation.condition);
      const begun = simulation.created.filter((name) => /^run-f\d+$/.test(name));
      if (!isCutShort) expect(begun, simulation.condition).toHaveLength(finals);
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
