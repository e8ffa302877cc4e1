import type { AffinityAssistantTemplate } from '../../api/config/config-defaults.ts';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import { labels } from '../labels.ts';
import { runReference } from '../owner.ts';
import { restrictedContext } from '../pod/security.ts';
import type { NewPod } from '../pod/types.ts';
import type { Settings } from '../settings.ts';
import { definedOnly } from '../../optional.ts';
import { groupLabel, nodeGroup, withGroupAffinity, type NodeGroup } from './coschedule.ts';
import { claimName } from './workspaces.ts';

/** What upstream's has. */
const size = { cpu: '50m', memory: '100Mi' };

/**
 * The name of the pod that keeps a node for a run alone, as long as it lasts (coschedule isolate-pipelinerun): upstream
 * calls it so. Undefined where no node is kept.
 */
export function nodeHolderName(run: PipelineRun, settings: Settings): string | undefined {
  const group = nodeGroup(run, [], settings);
  return group?.exclusive ? holderOf(group) : undefined;
}

function holderOf({ name }: NodeGroup): string {
  return `${name}-0`;
}

/**
 * That pod: it does nothing, and pods of other runs keep away from it while the run's own come and go. It has the run's
 * claims, so that it is put where these may be.
 */
export function nodeHolder(
  run: PipelineRun,
  workspaces: readonly WorkspaceBinding[],
  settings: Settings,
): NewPod | undefined {
  const group = nodeGroup(run, [], settings);
  if (!group?.exclusive) return undefined;
  const given = run.spec.taskRunTemplate?.podTemplate;
  const affinity = withGroupAffinity(given, group)?.affinity;
  const component = { 'app.kubernetes.io/instance': group.name, 'app.kubernetes.io/component': 'affinity-assistant' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: holderOf(group),
      namespace: run.metadata.namespace ?? '',
      labels: { ...component, ...groupLabel(group), [labels.pipelineRun]: run.metadata.name ?? '' },
      ownerReferences: [runReference('PipelineRun', run.metadata)],
    },
    spec: {
      ...podSettings({ ...settings.defaults.affinityAssistantPodTemplate, ...given }),
      ...(affinity ? { affinity } : {}),
      automountServiceAccountToken: false,
      containers: [
        {
          name: 'affinity-assistant',
          image: settings.images.nop,
          args: ['tekton_run_indefinitely'],
          resources: { requests: size, limits: size },
          securityContext: restrictedContext,
        },
      ],
      volumes: claimsOfRun(run, workspaces).map((claim, index) => ({
        name: `workspace-${index}`,
        persistentVolumeClaim: { claimName: claim },
      })),
    },
  };
}

/** What decides which nodes take the pod, and who may pull its image; the rest of a pod template is for steps. */
function podSettings(template: AffinityAssistantTemplate) {
  const { nodeSelector, tolerations, imagePullSecrets, priorityClassName, securityContext, serviceAccountName } =
    template;
  return definedOnly({
    nodeSelector,
    tolerations,
    imagePullSecrets,
    priorityClassName,
    securityContext,
    serviceAccountName,
  });
}

function claimsOfRun({ metadata }: PipelineRun, workspaces: readonly WorkspaceBinding[]): string[] {
  const names = workspaces.flatMap((binding) => {
    if (binding.volumeClaimTemplate) return [claimName(binding, metadata.uid ?? '')];
    return binding.persistentVolumeClaim?.claimName ? [binding.persistentVolumeClaim.claimName] : [];
  });
  return [...new Set(names)];
}
