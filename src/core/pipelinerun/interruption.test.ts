import { describe, expect, it } from 'vitest';
import type { PipelineRunSpec } from '../../api/pipeline/v1/pipelinerun.ts';
import { pipelineRun, settings, Simulation, task } from './simulation.fake.ts';

const cancelled = { status: 'False', reason: 'TaskRunCancelled' } as const;
const simulate = (spec: PipelineRunSpec) => new Simulation(pipelineRun(spec));
const chain = { pipelineSpec: { tasks: [task('a'), task('b', { runAfter: ['a'] })], finally: [task('f')] } };
const messageOf = (simulation: Simulation, name: string) => simulation.taskRuns.get(name)?.spec.statusMessage;

describe('on request', () => {
  it('Cancelled ends the run at once and asks the children to stop', () => {
    const simulation = simulate(chain);
    simulation.step();
    simulation.request('Cancelled');
    simulation.step();
    expect(simulation.condition).toBe('False Cancelled: PipelineRun "run" was cancelled');
    expect(messageOf(simulation, 'run-a')).toBe(
      'TaskRun cancelled as the PipelineRun it belongs to has been cancelled.',
    );
    expect(simulation.created).toEqual(['run-a']);
    expect(simulation.plan().effects).toEqual([]);
  });

  it('Cancelled leaves finished children alone and writes down those it never knew', () => {
    const simulation = simulate(chain);
    simulation.step();
    simulation.finish('a');
    simulation.step();
    simulation.run = {
      ...simulation.run,
      status: { ...simulation.run.status, childReferences: simulation.run.status?.childReferences?.slice(0, 1) },
    };
    simulation.request('Cancelled');
    expect(simulation.plan().effects.filter(({ type }) => type === 'cancelChild')).toEqual([
      { type: 'cancelChild', kind: 'TaskRun', name: 'run-b', cause: 'cancelled', scope: 'run', request: 'stop' },
    ]);
    simulation.step();
    expect(simulation.run.status?.childReferences?.map(({ name }) => name)).toEqual(['run-a', 'run-b']);
  });

  it('PipelineRunPending holds nothing back that has begun', () => {
    const simulation = simulate(chain);
    simulation.step();
    simulation.request('PipelineRunPending');
    simulation.step();
    expect(simulation.condition).toMatch(/^Unknown Running/);
  });

  it('Cancelled before the start', () => {
    const simulation = simulate({ ...chain, status: 'Cancelled' });
    simulation.step();
    expect(simulation.condition).toBe('False Cancelled: PipelineRun "run" was cancelled');
    expect(simulation.created).toEqual([]);
  });

  it('CancelledRunFinally cancels the tasks, then runs the final ones', () => {
    const simulation = simulate(chain);
    simulation.step();
    simulation.request('CancelledRunFinally');
    simulation.step();
    expect(simulation.condition).toBe(
      'Unknown CancelledRunningFinally: Tasks Completed: 0 (Failed: 0, Cancelled 0), Incomplete: 2, Skipped: 1',
    );
    expect(simulation.plan().effects).toEqual([]);
    simulation.finish('a', cancelled);
    simulation.step();
    expect(simulation.created).toEqual(['run-a', 'run-f']);
    simulation.finish('f');
    simulation.step();
    expect(simulation.condition).toBe('False Cancelled: PipelineRun "run" was cancelled');
    expect(simulation.skipped).toEqual({ b: 'PipelineRun was stopping' });
  });

  it('StoppedRunFinally lets running tasks end, starts no others, and runs the final ones', () => {
    const simulation = simulate(chain);
    simulation.step();
    simulation.request('StoppedRunFinally');
    simulation.step();
    expect(simulation.condition).toMatch(/^Unknown StoppedRunningFinally:/);
    expect(messageOf(simulation, 'run-a')).toBeUndefined();
    simulation.finish('a');
    simulation.step();
    simulation.finish('f');
    simulation.step();
    expect(simulation.condition).toBe('False Cancelled: PipelineRun "run" was cancelled');
    expect(simulation.skipped).toEqual({ b: 'PipelineRun was gracefully stopped' });
  });

  it('PipelineRunPending starts nothing until it is taken away', () => {
    const simulation = simulate({ ...chain, status: 'PipelineRunPending' });
    simulation.step();
    expect(simulation.condition).toBe('Unknown PipelineRunPending: PipelineRun "run" is pending');
    expect(simulation.run.status?.startTime).toBeUndefined();
    expect(simulation.plan()).toMatchObject({ effects: [] });
    simulation.pass(7200);
    simulation.request('');
    simulation.step();
    expect(simulation.run.status?.startTime).toBe('2026-01-01T02:00:01Z');
    expect(simulation.created).toEqual(['run-a']);
    expect(simulation.events.map((event) => event.split(' ').slice(0, 2).join(' '))).toEqual([
      'Normal PipelineRunPending',
      'Normal Started',
      'Normal Running',
    ]);
  });
});

describe('when time is up', () => {
  it("the pipeline's: everything is cancelled and the run fails", () => {
    const simulation = simulate({ ...chain, timeouts: { pipeline: '30s' } });
    simulation.step();
    expect(simulation.plan().requeueAfterMs).toBe(30_001);
    simulation.pass(30);
    expect(simulation.plan().effects).toEqual([]);
    simulation.pass(1);
    simulation.step();
    expect(simulation.condition).toBe('False PipelineRunTimeout: PipelineRun "run" failed to finish within "30s"');
    expect(messageOf(simulation, 'run-a')).toBe('TaskRun cancelled as the PipelineRun it belongs to has timed out.');
    expect(simulation.created).toEqual(['run-a']);
    expect(simulation.events.at(-1)).toBe('Warning Failed PipelineRun "run" failed to finish within "30s"');
  });

  it("the pipeline's between two tasks: the next is not started", () => {
    const simulation = simulate({ ...chain, timeouts: { pipeline: '30s' } });
    simulation.step();
    simulation.finish('a');
    simulation.pass(31);
    simulation.step();
    expect(simulation.created).toEqual(['run-a']);
    expect(simulation.skipped).toEqual({
      b: 'PipelineRun timeout has been reached',
      f: 'PipelineRun timeout has been reached',
    });
    expect(simulation.condition).toBe('False PipelineRunTimeout: PipelineRun "run" failed to finish within "30s"');
  });

  it("the default limit is the operator's", () => {
    const simulation = simulate(chain);
    simulation.step();
    simulation.pass(3601);
    simulation.step();
    expect(simulation.condition).toBe('False PipelineRunTimeout: PipelineRun "run" failed to finish within "1h0m0s"');
  });

  it('no limit', () => {
    const simulation = simulate({ ...chain, timeouts: { pipeline: '0' } });
    simulation.step();
    simulation.pass(1e7);
    expect(simulation.plan()).toEqual({ status: simulation.run.status, effects: [] });
  });

  it('a run that is far over its limit fails before anything else is looked at', () => {
    const simulation = simulate({ pipelineRef: { name: 'gone' }, timeouts: { pipeline: '10s' } });
    simulation.run = { ...simulation.run, status: { startTime: '2026-01-01T00:00:00Z' } };
    simulation.pass(30);
    simulation.step();
    expect(simulation.condition).toBe('False PipelineRunTimeout: PipelineRun "run" failed to finish within "10s"');
  });

  it("the tasks': they are cancelled, final tasks run, the run fails", () => {
    const simulation = simulate({ ...chain, timeouts: { pipeline: '60s', tasks: '20s' } });
    simulation.step();
    simulation.pass(21);
    simulation.step();
    expect(messageOf(simulation, 'run-a')).toBe('TaskRun cancelled as the PipelineRun it belongs to has timed out.');
    simulation.finish('a', cancelled);
    simulation.step();
    expect(simulation.condition).toBe(
      'Unknown PipelineRunTimeoutRunningFinally: Tasks Completed: 1 (Failed: 1, Cancelled 0), Incomplete: 1, Skipped: 1',
    );
    expect(simulation.created).toEqual(['run-a', 'run-f']);
    simulation.finish('f');
    simulation.step();
    expect(simulation.condition).toBe(
      'False PipelineRunTimeout: PipelineRun "run" failed due to tasks failed to finish within "20s"',
    );
  });

  it("the tasks' between two tasks: the second is not started", () => {
    const simulation = simulate({ ...chain, timeouts: { pipeline: '60s', finally: '40s' } });
    simulation.step();
    simulation.pass(21);
    simulation.finish('a');
    simulation.step();
    expect(simulation.skipped).toEqual({ b: 'PipelineRun Tasks timeout has been reached' });
    expect(simulation.running).toEqual(['f']);
  });

  it("the tasks' while only final tasks run: no failure", () => {
    const simulation = simulate({ ...chain, timeouts: { pipeline: '60s', tasks: '20s' } });
    for (const name of ['a', 'b']) {
      simulation.step();
      simulation.finish(name);
    }
    simulation.step();
    expect(simulation.plan().requeueAfterMs).toBe(40_001);
    simulation.pass(30);
    simulation.step();
    expect(simulation.condition).toMatch(/^Unknown Running:/);
    simulation.finish('f');
    simulation.step();
    expect(simulation.condition).toBe('True Succeeded: Tasks Completed: 3 (Failed: 0, Cancelled 0), Skipped: 0');
  });

  it("the final tasks': they are cancelled and count as failed", () => {
    const simulation = simulate({
      pipelineSpec: { tasks: [task('a')], finally: [task('f')] },
      timeouts: { pipeline: '60s', tasks: '40s' },
    });
    simulation.step();
    simulation.finish('a');
    simulation.step();
    expect(simulation.plan().requeueAfterMs).toBe(20_001);
    simulation.pass(21);
    simulation.step();
    expect(messageOf(simulation, 'run-f')).toBe('TaskRun cancelled as the PipelineRun it belongs to has timed out.');
    simulation.finish('f', cancelled);
    simulation.step();
    expect(simulation.condition).toBe('False Failed: Tasks Completed: 2 (Failed: 1, Cancelled 0), Skipped: 0');
  });
});

it('a final task that could not be created in time is skipped, and the run fails', () => {
  const simulation = simulate({
    pipelineSpec: { tasks: [task('a')], finally: [task('f')] },
    timeouts: { pipeline: '60s', tasks: '40s' },
  });
  simulation.step();
  simulation.finish('a');
  simulation.run = {
    ...simulation.run,
    status: { ...simulation.run.status, finallyStartTime: '2026-01-01T00:00:01Z' },
  };
  simulation.pass(21);
  simulation.step();
  expect(simulation.skipped).toEqual({ f: 'PipelineRun Finally timeout has been reached' });
  expect(simulation.condition).toBe('False Failed: Tasks Completed: 1 (Failed: 0, Cancelled 0), Skipped: 1');
});

describe('beginning and end', () => {
  it('the start is not before the creation', () => {
    const simulation = new Simulation(pipelineRun(chain, { creationTimestamp: '2026-01-01T00:05:00Z' }));
    simulation.step();
    expect(simulation.run.status?.startTime).toBe('2026-01-01T00:05:00Z');
  });

  it('a status that was lost is found again from the children', () => {
    const simulation = simulate(chain);
    simulation.step();
    const { status: _status, ...lost } = simulation.run;
    simulation.run = lost;
    simulation.pass(60);
    simulation.step();
    expect(simulation.created).toEqual(['run-a']);
    expect(simulation.run.status).toMatchObject({
      startTime: '2026-01-01T00:00:01Z',
      childReferences: [{ name: 'run-a', pipelineTaskName: 'a' }],
    });
  });

  it.each([
    ['workspaces', undefined, 1],
    ['workspaces', 'true', 0],
    ['workspaces', 'yes', 1],
    ['pipelineruns', undefined, 0],
    ['isolate-pipelinerun', undefined, 0],
    ['disabled', undefined, 1],
    ['disabled', 'true', 1],
  ] as const)('coschedule %s, asked to clean up: %s: %i claims are left at the end', (coschedule, asked, left) => {
    const simulation = new Simulation(
      pipelineRun(
        {
          pipelineSpec: { workspaces: [{ name: 'w' }], tasks: [task('a')] },
          workspaces: [{ name: 'w', volumeClaimTemplate: { spec: {} } }],
        },
        asked === undefined ? {} : { annotations: { 'tekton.dev/auto-cleanup-pvc': asked } },
      ),
    );
    simulation.settings = { ...settings, flags: { ...settings.flags, coschedule } };
    simulation.step();
    expect([...simulation.claims.keys()]).toEqual([expect.stringMatching(/^pvc-[0-9a-f]{10}$/)]);
    simulation.finish('a');
    simulation.step();
    expect(simulation.claims.size).toBe(left);
  });
});

describe('fail fast', () => {
  const both = { pipelineSpec: { tasks: [task('a'), task('b')], finally: [task('f')] } };
  const begun = (value?: string): Simulation => {
    const annotations = value === undefined ? {} : { annotations: { 'tektite.dev/fail-fast': value } };
    const simulation = new Simulation(pipelineRun(both, annotations));
    simulation.step();
    return simulation;
  };

  it.each([
    ['true', 'TaskRunCancelled'],
    ['false', undefined],
    [undefined, undefined],
  ])('%s: a failure asks the others to stop with %s', (value, expected) => {
    const simulation = begun(value);
    simulation.finish('a', { status: 'False' });
    simulation.step();
    expect(simulation.taskRuns.get('run-b')?.spec.status).toBe(expected);
  });

  it('the run fails after its final tasks', () => {
    const simulation = begun('true');
    simulation.finish('a', { status: 'False' });
    simulation.step();
    expect(simulation.taskRuns.get('run-b')?.spec.statusMessage).toBe(
      'TaskRun cancelled as the PipelineRun it belongs to has failed.',
    );
    simulation.finish('b', { status: 'False', reason: 'TaskRunCancelled' });
    simulation.step();
    expect(simulation.condition).toBe(
      'Unknown PipelineRunStopping: Tasks Completed: 2 (Failed: 1, Cancelled 1), Incomplete: 1, Skipped: 0',
    );
    simulation.finish('f');
    simulation.step();
    expect(simulation.condition).toBe('False Failed: Tasks Completed: 3 (Failed: 1, Cancelled 1), Skipped: 0');
  });

  it('refuses what is neither yes nor no', () =>
    expect(begun('yes').condition).toBe(
      'False PipelineValidationFailed: PipelineRun ns/run can\'t be Run: [User error] metadata.annotations[tektite.dev/fail-fast]: "yes": use "true" or "false"',
    ));
});
