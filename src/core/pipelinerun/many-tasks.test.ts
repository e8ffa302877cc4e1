import { expect, it } from 'vitest';
import { isDone } from '../condition.ts';
import { pipelineRun, Simulation, task } from './simulation.fake.ts';

/** Tasks in a row, each with the result of the one before it. */
function row(length: number): Simulation {
  const tasks = Array.from({ length }, (_unused, index) =>
    task(`t${index}`, index === 0 ? {} : { params: [{ name: 'p', value: `$(tasks.t${index - 1}.results.r)` }] }, 'r'),
  );
  return new Simulation(pipelineRun({ pipelineSpec: { tasks }, timeouts: { pipeline: '0' } }));
}

/** Brings a run to its end, a task at a time. @returns how often the API server was asked to write. */
function writesOf(simulation: Simulation): { taskRuns: number; metadata: number; statuses: number } {
  let [metadata, statuses, told] = [0, 0, ''];
  while (!isDone(simulation.run.status)) {
    const before = simulation.run.metadata;
    simulation.step();
    if (simulation.run.metadata !== before) metadata++;
    const status = JSON.stringify(simulation.run.status);
    if (status !== told) statuses++;
    told = status;
    for (const name of simulation.running) simulation.finish(name, { results: { r: 'x' } });
    simulation.pass(1);
  }
  expect(simulation.condition).toMatch(/^True Succeeded/);
  return { taskRuns: simulation.created.length, metadata, statuses };
}

it.each([3, 300])('a run of %d tasks costs two writes for each, and two for itself', (length) => {
  // The creation, and the status that tells of it and of the end of the one before.
  expect(writesOf(row(length))).toEqual({ taskRuns: length, metadata: 1, statuses: length + 1 });
});
