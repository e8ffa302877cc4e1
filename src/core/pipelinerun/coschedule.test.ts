import { describe, expect, it } from 'vitest';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import { nodeGroup, withGroupAffinity } from './coschedule.ts';
import { pipelineRun, settings, Simulation, task } from './simulation.fake.ts';

const run = pipelineRun({});
const claim = (name: string, claimName: string): WorkspaceBinding => ({ name, persistentVolumeClaim: { claimName } });
const group = (coschedule: typeof settings.flags.coschedule, ...workspaces: WorkspaceBinding[]) =>
  nodeGroup(run, workspaces, { ...settings, flags: { ...settings.flags, coschedule } });

describe('nodeGroup', () => {
  it('workspaces: those that share a claim, whatever they call it', () => {
    expect(group('workspaces', claim('a', 'one'))).toEqual({
      name: expect.stringMatching(/^affinity-assistant-[0-9a-f]{10}$/),
      exclusive: false,
    });
    expect(group('workspaces', claim('a', 'one'))).toEqual(
      group('workspaces', { name: 'x', emptyDir: {} }, claim('b', 'one')),
    );
    expect(group('workspaces', claim('a', 'one'))).not.toEqual(group('workspaces', claim('a', 'two')));
    expect(group('workspaces', { name: 'x', emptyDir: {} })).toBeUndefined();
  });
  it('pipelineruns: all of the run', () =>
    expect(group('pipelineruns', claim('a', 'one'))).toEqual(group('pipelineruns')));
  it('isolate-pipelinerun: all of the run, and nobody else', () =>
    expect(group('isolate-pipelinerun')).toEqual({ ...group('pipelineruns'), exclusive: true }));
  it('disabled: none', () => expect(group('disabled', claim('a', 'one'))).toBeUndefined());
});

describe('withGroupAffinity', () => {
  const assistant = 'pipeline.tekton.dev/affinity-assistant';
  const together = { labelSelector: { matchLabels: { [assistant]: 'g' } }, topologyKey: 'kubernetes.io/hostname' };
  const apart = {
    labelSelector: {
      matchExpressions: [
        { key: assistant, operator: 'Exists' },
        { key: assistant, operator: 'NotIn', values: ['g'] },
      ],
    },
    topologyKey: 'kubernetes.io/hostname',
  };
  const zone = { topologyKey: 'zone' };
  const requiring = (...terms: object[]) => ({ requiredDuringSchedulingIgnoredDuringExecution: terms });

  it('keeps what users ask for', () => {
    const template = {
      schedulerName: 's',
      affinity: { nodeAffinity: { n: 1 }, podAffinity: requiring(zone), podAntiAffinity: requiring(zone) },
    };
    expect(withGroupAffinity(template, { name: 'g', exclusive: false })).toEqual({
      schedulerName: 's',
      affinity: { nodeAffinity: { n: 1 }, podAffinity: requiring(zone, together), podAntiAffinity: requiring(zone) },
    });
    expect(withGroupAffinity(template, { name: 'g', exclusive: true })?.affinity?.['podAntiAffinity']).toEqual(
      requiring(zone, apart),
    );
  });
  it('keeps other groups off the node of an exclusive one', () => {
    expect(withGroupAffinity(undefined, { name: 'g', exclusive: true })).toEqual({
      affinity: { podAffinity: requiring(together), podAntiAffinity: requiring(apart) },
    });
  });
  it('asks for nothing without a group', () => expect(withGroupAffinity(undefined, undefined)).toBeUndefined());
});

it('TaskRuns that share a claim carry the label that their affinity looks for', () => {
  const simulation = new Simulation(
    pipelineRun({
      workspaces: [{ name: 'w', persistentVolumeClaim: { claimName: 'pvc' } }],
      pipelineSpec: {
        workspaces: [{ name: 'w' }],
        tasks: [
          ...['a', 'b'].map((name) =>
            task(name, {
              workspaces: [{ name: 'w' }],
              taskSpec: { workspaces: [{ name: 'w' }], steps: [{ image: 'i' }] },
            }),
          ),
          task('c'),
        ],
      },
    }),
  );
  simulation.step();
  const [a, b, c] = ['run-a', 'run-b', 'run-c'].map((name) => simulation.taskRuns.get(name));
  const label = a?.metadata.labels?.['pipeline.tekton.dev/affinity-assistant'];
  expect(label).toMatch(/^affinity-assistant-/);
  expect(b?.metadata.labels).toMatchObject({ 'pipeline.tekton.dev/affinity-assistant': label });
  expect(JSON.stringify(a?.spec.podTemplate)).toContain(`{"pipeline.tekton.dev/affinity-assistant":"${label}"}`);
  expect([c?.metadata.labels?.['pipeline.tekton.dev/affinity-assistant'], c?.spec.podTemplate]).toEqual([
    undefined,
    undefined,
  ]);
});
