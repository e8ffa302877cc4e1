import { describe, expect, it } from 'vitest';
import { parseDefaults } from '../../api/config/config-defaults.ts';
import type { PipelineTask } from '../../api/pipeline/v1/pipeline.ts';
import { nodeHolder, nodeHolderName } from './node-holder.ts';
import { pipelineRun, settings, Simulation, task } from './simulation.fake.ts';

const under = (coschedule: typeof settings.flags.coschedule, defaults = '') => ({
  ...settings,
  flags: { ...settings.flags, coschedule },
  defaults: parseDefaults({ 'default-affinity-assistant-pod-template': defaults || '{}' }).defaults,
});
const isolated = under('isolate-pipelinerun');
const workspaces = [
  { name: 'made', volumeClaimTemplate: { metadata: { name: 'mine' } } },
  { name: 'given', persistentVolumeClaim: { claimName: 'theirs' } },
  { name: 'again', persistentVolumeClaim: { claimName: 'theirs' }, subPath: 'x' },
  { name: 'none', emptyDir: {} },
];

describe('the pod that keeps a node for a run', () => {
  it('is small, without rights, keeps the pods of other runs away, and has the claims of its own', () => {
    const name = nodeHolderName(pipelineRun({}), isolated) ?? '';
    const group = { 'pipeline.tekton.dev/affinity-assistant': name.replace(/-0$/, '') };
    expect(name).toMatch(/^affinity-assistant-[0-9a-f]{10}-0$/);
    const pod = nodeHolder(pipelineRun({}), workspaces, isolated);
    expect(pod).toMatchObject({
      metadata: {
        name,
        namespace: 'ns',
        labels: {
          ...group,
          'app.kubernetes.io/component': 'affinity-assistant',
          'app.kubernetes.io/instance': group['pipeline.tekton.dev/affinity-assistant'],
          'tekton.dev/pipelineRun': 'run',
        },
        ownerReferences: [{ kind: 'PipelineRun', uid: 'uid-run', controller: true }],
      },
      spec: {
        automountServiceAccountToken: false,
        affinity: {
          podAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: group } }],
          },
          podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{}] },
        },
        containers: [
          {
            image: 'nop:1',
            args: ['tekton_run_indefinitely'],
            resources: { requests: { cpu: '50m', memory: '100Mi' }, limits: { cpu: '50m', memory: '100Mi' } },
            securityContext: { runAsNonRoot: true, allowPrivilegeEscalation: false },
          },
        ],
      },
    });
    expect(pod?.spec.volumes?.map(({ persistentVolumeClaim }) => persistentVolumeClaim)).toEqual([
      { claimName: expect.stringMatching(/^mine-[0-9a-f]{10}$/) as string },
      { claimName: 'theirs' },
    ]);
  });

  it("goes where the run's pod template says, and else where the operator's for it does", () => {
    const template = 'nodeSelector: {pool: ci}\npriorityClassName: high\nserviceAccountName: aa\n';
    const podTemplate = {
      nodeSelector: { disk: 'ssd' },
      tolerations: [{ operator: 'Exists' }],
      env: [{ name: 'A' }],
      hostNetwork: true,
    };
    const run = pipelineRun({ taskRunTemplate: { podTemplate } });
    const { spec } = nodeHolder(run, [], under('isolate-pipelinerun', template)) ?? {};
    expect(spec).toMatchObject({
      nodeSelector: { disk: 'ssd' },
      tolerations: [{ operator: 'Exists' }],
      priorityClassName: 'high',
      serviceAccountName: 'aa',
    });
    expect(spec).not.toHaveProperty('hostNetwork');
  });

  it.each(['workspaces', 'pipelineruns', 'disabled'] as const)('is not made under %s', (coschedule) => {
    expect(nodeHolderName(pipelineRun({}), under(coschedule))).toBeUndefined();
    expect(nodeHolder(pipelineRun({}), workspaces, under(coschedule))).toBeUndefined();
  });
});

describe('a run alone on its node', () => {
  const begun = (...tasks: PipelineTask[]) => {
    const simulation = new Simulation(pipelineRun({ pipelineSpec: { tasks } }));
    simulation.settings = isolated;
    simulation.step();
    return simulation;
  };

  it('has it from its first task to its end', () => {
    const simulation = begun(task('a'), task('b', { runAfter: ['a'] }));
    const held = [...simulation.nodeHolders];
    expect(held).toEqual([nodeHolderName(simulation.run, isolated)]);
    simulation.finish('a');
    simulation.step();
    expect([...simulation.nodeHolders]).toEqual(held);
    simulation.finish('b');
    simulation.step();
    expect([...simulation.nodeHolders]).toEqual([]);
  });

  it('leaves it to the runs within it', () => {
    const inner = { pipelineSpec: { tasks: [task('x')] } };
    const { nodeHolders } = begun(task('a'), { name: 'inner', ...inner });
    expect([...nodeHolders]).toEqual([]);
  });
});
