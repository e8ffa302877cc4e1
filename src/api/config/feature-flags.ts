import { ConfigValues, type ConfigProblem } from './values.ts';

export type ApiFields = 'stable' | 'beta' | 'alpha';
export type InlineSpecKind = 'pipeline' | 'pipelinerun' | 'taskrun';

/** ConfigMap feature-flags (docs/additional-configs.md). Keys in the comments where the name differs much. */
export interface FeatureFlags {
  enableApiFields: ApiFields;
  coschedule: 'workspaces' | 'pipelineruns' | 'isolate-pipelinerun' | 'disabled';
  /** running-in-environment-with-injected-sidecars: pods wait for all containers, since a webhook may add sidecars. */
  runningInEnvironmentWithInjectedSidecars: boolean;
  awaitSidecarReadiness: boolean;
  disableCredsInit: boolean;
  requireGitSshSecretKnownHosts: boolean;
  /** send-cloudevents-for-runs: only CustomRuns; deprecated. */
  sendCloudEventsForRuns: boolean;
  /** trusted-resources-verification-no-match-policy */
  verificationNoMatchPolicy: 'ignore' | 'warn' | 'fail';
  enableProvenanceInStatus: boolean;
  enforceNonfalsifiability: 'none' | 'spire';
  resultsFrom: 'termination-message' | 'sidecar-logs';
  /** Bytes; only with results from sidecar logs. */
  maxResultSize: number;
  setSecurityContext: boolean;
  setSecurityContextReadOnlyRootFilesystem: boolean;
  keepPodOnCancel: boolean;
  enableCelInWhenExpression: boolean;
  enableArtifacts: boolean;
  enableParamEnum: boolean;
  /** Kinds in which a spec may not be written in place. */
  disableInlineSpec: InlineSpecKind[];
  enableConciseResolverSyntax: boolean;
  enableKubernetesSidecar: boolean;
  /** enable-step-actions: no effect any more, step actions are stable. */
  enableStepActions: boolean;
  enableWaitExponentialBackoff: boolean;
  enableTerminationMessageCompression: boolean;
  /** Takes effect after a restart. */
  enableInformerCacheTransforms: boolean;
  /** enable-tekton-oci-bundles: no effect any more. */
  enableTektonOciBundles: boolean;
  /** How many lines of its log the condition of a failed TaskRun quotes; not upstream's. */
  failedStepLogLines: number;
}

/** Whether steps sign what they report (enforce-nonfalsifiability). */
export function stepsSign({ enforceNonfalsifiability }: Pick<FeatureFlags, 'enforceNonfalsifiability'>): boolean {
  return enforceNonfalsifiability === 'spire';
}

/** Results live in the status, and an object in etcd is at most 1.5 MiB. */
const LARGEST_RESULT = 1_572_864;
/** Of a log that a condition quotes. */
const MOST_LOG_LINES = 50;

/**
 * The flags of ConfigMap feature-flags; `undefined` (no such ConfigMap) gives the defaults. Never throws: a bad value
 * keeps its default, or counts as the strictest where it guards something, and is reported: one slip stops no
 * controller and opens nothing.
 */
export function parseFeatureFlags(data: Readonly<Record<string, string>> | undefined): {
  flags: FeatureFlags;
  problems: ConfigProblem[];
} {
  const values = new ConfigValues(data);
  const flags: FeatureFlags = {
    enableApiFields: values.oneOf('enable-api-fields', 'beta', ['stable', 'beta', 'alpha']),
    coschedule: values.oneOf('coschedule', 'workspaces', [
      'workspaces',
      'pipelineruns',
      'isolate-pipelinerun',
      'disabled',
    ]),
    runningInEnvironmentWithInjectedSidecars: values.boolean('running-in-environment-with-injected-sidecars', true),
    awaitSidecarReadiness: values.boolean('await-sidecar-readiness', true),
    disableCredsInit: values.boolean('disable-creds-init', false),
    requireGitSshSecretKnownHosts: values.boolean('require-git-ssh-secret-known-hosts', false, true),
    sendCloudEventsForRuns: values.boolean('send-cloudevents-for-runs', true),
    verificationNoMatchPolicy: values.oneOf(
      'trusted-resources-verification-no-match-policy',
      'ignore',
      ['ignore', 'warn', 'fail'],
      'fail',
    ),
    enableProvenanceInStatus: values.boolean('enable-provenance-in-status', true),
    enforceNonfalsifiability: values.oneOf('enforce-nonfalsifiability', 'none', ['none', 'spire'], 'spire'),
    resultsFrom: values.oneOf('results-from', 'termination-message', ['termination-message', 'sidecar-logs']),
    maxResultSize: values.integer('max-result-size', 4096, 0, LARGEST_RESULT),
    setSecurityContext: values.boolean('set-security-context', false),
    setSecurityContextReadOnlyRootFilesystem: values.boolean(
      'set-security-context-read-only-root-filesystem',
      false,
      true,
    ),
    keepPodOnCancel: values.boolean('keep-pod-on-cancel', false),
    enableCelInWhenExpression: values.boolean('enable-cel-in-whenexpression', false),
    enableArtifacts: values.boolean('enable-artifacts', false),
    enableParamEnum: values.boolean('enable-param-enum', false),
    disableInlineSpec: inlineSpecKinds(values),
    enableConciseResolverSyntax: values.boolean('enable-concise-resolver-syntax', false),
    enableKubernetesSidecar: values.boolean('enable-kubernetes-sidecar', false),
    enableStepActions: values.boolean('enable-step-actions', true),
    enableWaitExponentialBackoff: values.boolean('enable-wait-exponential-backoff', false),
    enableTerminationMessageCompression: values.boolean('enable-termination-message-compression', false),
    enableInformerCacheTransforms: values.boolean('enable-informer-cache-transforms', true),
    enableTektonOciBundles: values.boolean('enable-tekton-oci-bundles', false),
    failedStepLogLines: values.integer('failed-step-log-lines', 0, 0, MOST_LOG_LINES),
  };
  return { flags, problems: values.reportUnknownKeys() };
}

function inlineSpecKinds(values: ConfigValues): InlineSpecKind[] {
  const known: readonly InlineSpecKind[] = ['pipeline', 'pipelinerun', 'taskrun'];
  const key = 'disable-inline-spec';
  const want = 'name kinds out of pipeline, pipelinerun, taskrun, with commas between them';
  return values.list(key, known, want, values.text(key, '') === '' ? [] : [...known]);
}

/**
 * The flags as status.provenance.featureFlags shows them. As in Go with omitempty, whatever is false, empty or 0 is
 * left out; conformance tests compare the whole object (pkg/apis/config/feature_flags.go has the names).
 */
export function provenanceFeatureFlags(flags: FeatureFlags): Record<string, string | number | boolean> {
  const all: Record<string, string | number | boolean> = {
    disableCredsInit: flags.disableCredsInit,
    runningInEnvWithInjectedSidecars: flags.runningInEnvironmentWithInjectedSidecars,
    requireGitSSHSecretKnownHosts: flags.requireGitSshSecretKnownHosts,
    enableAPIFields: flags.enableApiFields,
    sendCloudEventsForRuns: flags.sendCloudEventsForRuns,
    awaitSidecarReadiness: flags.awaitSidecarReadiness,
    enforceNonfalsifiability: flags.enforceNonfalsifiability,
    enableKeepPodOnCancel: flags.keepPodOnCancel,
    verificationNoMatchPolicy: flags.verificationNoMatchPolicy,
    enableProvenanceInStatus: flags.enableProvenanceInStatus,
    resultExtractionMethod: flags.resultsFrom,
    maxResultSize: flags.maxResultSize,
    setSecurityContext: flags.setSecurityContext,
    setSecurityContextReadOnlyRootFilesystem: flags.setSecurityContextReadOnlyRootFilesystem,
    coschedule: flags.coschedule,
    enableCELInWhenExpression: flags.enableCelInWhenExpression,
    enableStepActions: flags.enableStepActions,
    enableParamEnum: flags.enableParamEnum,
    enableArtifacts: flags.enableArtifacts,
    disableInlineSpec: flags.disableInlineSpec.join(','),
    enableConciseResolverSyntax: flags.enableConciseResolverSyntax,
    enableKubernetesSidecar: flags.enableKubernetesSidecar,
    enableWaitExponentialBackoff: flags.enableWaitExponentialBackoff,
    enableTerminationMessageCompression: flags.enableTerminationMessageCompression,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== false && value !== '' && value !== 0));
}
