import { stepsSign, type FeatureFlags } from './feature-flags.ts';
import type { Defaults } from './config-defaults.ts';
import type { ConfigProblem } from './values.ts';

/** Flags that have no effect here, or none beside another: whoever sets them is told. */
export function ineffectiveFlags(flags: FeatureFlags): ConfigProblem[] {
  const rows: [isSet: boolean, key: string, value: string, why: string][] = [
    [
      flags.resultsFrom === 'sidecar-logs' && stepsSign(flags),
      'results-from',
      'sidecar-logs',
      ' while enforce-nonfalsifiability is "spire": what is signed comes by termination message; remove one of them',
    ],
    [!flags.enableStepActions, 'enable-step-actions', 'false', ': StepActions are always on; remove the key'],
    [
      flags.enableTektonOciBundles,
      'enable-tekton-oci-bundles',
      'true',
      ': a bundle is named by resolver "bundles", not by taskRef.bundle; remove the key',
    ],
    [
      !flags.enableInformerCacheTransforms,
      'enable-informer-cache-transforms',
      'false',
      ': the caches here have no such switch; remove the key',
    ],
  ];
  return rows.filter(([isSet]) => isSet).map(([, key, value, why]) => withoutEffect(key, value, why));
}

/** The same of ConfigMap config-defaults. */
export function ineffectiveDefaults(
  { affinityAssistantPodTemplate: template }: Defaults,
  { coschedule }: Pick<FeatureFlags, 'coschedule'>,
): ConfigProblem[] {
  if (coschedule === 'isolate-pipelinerun') return [];
  if (template === undefined || Object.keys(template).length === 0) return [];
  const why = `: with coschedule "${coschedule}" no pod is kept on a node for the others of a run; give default-pod-template what they shall have`;
  return [withoutEffect('default-affinity-assistant-pod-template', JSON.stringify(template), why)];
}

function withoutEffect(key: string, value: string, why: string): ConfigProblem {
  return { kind: 'invalid-value', key, value, message: `${key}: ${JSON.stringify(value)} has no effect${why}` };
}
