import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { pipelineRun, Simulation, task } from './simulation.fake.ts';

/** What one reconcile did, for a person to read. */
function describeStep(title: string, simulation: Simulation): string {
  const { effects, requeueAfterMs } = simulation.plan();
  const actions = effects.map((effect) => {
    switch (effect.type) {
      case 'createChild':
        return {
          createTaskRun: {
            name: effect.child.metadata.name,
            labels: effect.child.metadata.labels,
            annotations: effect.child.metadata.annotations,
            spec: effect.child.spec,
          },
        };
      case 'event':
        return { event: `${effect.eventType} ${effect.reason}${effect.message && `: ${effect.message}`}` };
      case 'patchMetadata':
        return { patchMetadata: { labels: effect.labels, annotations: effect.annotations } };
      case 'createPersistentVolumeClaim':
        return { createPersistentVolumeClaim: effect.claim.metadata.name };
      default:
        return effect;
    }
  });
  const before: Record<string, unknown> = { ...simulation.run.status };
  simulation.step();
  const changed = Object.fromEntries(
    Object.entries(simulation.run.status ?? {}).filter(([key, value]) => !isDeepStrictEqual(value, before[key])),
  );
  return `# ${title}\n${stringify({ actions, changedStatus: changed, lookAgainAfterMs: requeueAfterMs ?? 'never' }, { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

it('a run of three tasks and a final one, step by step', async () => {
  const simulation = new Simulation(
    pipelineRun(
      {
        params: [{ name: 'who', value: 'world' }],
        workspaces: [
          {
            name: 'data',
            volumeClaimTemplate: {
              spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
            },
          },
        ],
        pipelineSpec: {
          params: [{ name: 'who' }],
          workspaces: [{ name: 'data' }],
          tasks: [
            task(
              'greet',
              { params: [{ name: 'text', value: 'hello $(params.who)' }], workspaces: [{ name: 'data' }] },
              'length',
            ),
            task('only-on-sunday', {
              when: [{ input: '$(tasks.greet.results.length)', operator: 'in', values: ['7'] }],
            }),
            task(
              'publish',
              {
                runAfter: ['only-on-sunday'],
                params: [{ name: 'length', value: '$(tasks.greet.results.length)' }],
                retries: 1,
              },
              'url',
            ),
          ],
          finally: [
            task('notify', { params: [{ name: 'state', value: '$(tasks.status), publish $(tasks.publish.status)' }] }),
          ],
          results: [{ name: 'url', value: '$(tasks.publish.results.url)' }],
        },
      },
      { generateName: 'nightly-' },
    ),
  );
  const steps = [describeStep('created', simulation)];
  const next = (title: string) => {
    simulation.pass(10);
    steps.push(describeStep(title, simulation));
  };
  simulation.finish('greet', { results: { length: '11' } });
  next('greet succeeded');
  simulation.finish('publish', { results: { url: 'https://example.org/11' } });
  next('publish succeeded');
  simulation.finish('notify');
  next('notify succeeded');
  steps.push(`# seen again\n${stringify({ actions: simulation.plan().effects })}`);
  await expect(steps.join('\n')).toMatchFileSnapshot('golden/three-tasks.yaml');
});
