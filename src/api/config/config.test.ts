import { describe, expect, test } from 'vitest';
import { parseDefaults } from './config-defaults.ts';
import { parseLeaderElection } from './config-leader-election.ts';
import { parseObservability } from './config-observability.ts';
import { parseFeatureFlags, provenanceFeatureFlags, type FeatureFlags } from './feature-flags.ts';
import type { ConfigProblem } from './values.ts';

const brief = (problems: ConfigProblem[]) =>
  problems.map(({ kind, key, value }) => `${kind} ${key}${value === undefined ? '' : `=${value}`}`);

describe('feature-flags', () => {
  const unset = parseFeatureFlags(undefined);

  test('no ConfigMap and an empty one give the defaults', () => {
    expect(unset.problems).toEqual([]);
    expect(parseFeatureFlags({})).toEqual(unset);
    expect(unset.flags).toMatchObject({
      enableApiFields: 'beta',
      coschedule: 'workspaces',
      resultsFrom: 'termination-message',
      maxResultSize: 4096,
      disableInlineSpec: [],
    });
  });

  const rows: { key: string; value: string; field: keyof FeatureFlags; want: unknown }[] = [
    { key: 'enable-api-fields', value: 'Alpha', field: 'enableApiFields', want: 'alpha' },
    { key: 'coschedule', value: 'isolate-pipelinerun', field: 'coschedule', want: 'isolate-pipelinerun' },
    {
      key: 'running-in-environment-with-injected-sidecars',
      value: 'false',
      field: 'runningInEnvironmentWithInjectedSidecars',
      want: false,
    },
    { key: 'await-sidecar-readiness', value: 'F', field: 'awaitSidecarReadiness', want: false },
    { key: 'disable-creds-init', value: '1', field: 'disableCredsInit', want: true },
    { key: 'require-git-ssh-secret-known-hosts', value: 'true', field: 'requireGitSshSecretKnownHosts', want: true },
    { key: 'send-cloudevents-for-runs', value: 'false', field: 'sendCloudEventsForRuns', want: false },
    {
      key: 'trusted-resources-verification-no-match-policy',
      value: 'fail',
      field: 'verificationNoMatchPolicy',
      want: 'fail',
    },
    { key: 'enable-provenance-in-status', value: 'false', field: 'enableProvenanceInStatus', want: false },
    { key: 'enforce-nonfalsifiability', value: 'spire', field: 'enforceNonfalsifiability', want: 'spire' },
    { key: 'results-from', value: 'sidecar-logs', field: 'resultsFrom', want: 'sidecar-logs' },
    { key: 'max-result-size', value: '1000', field: 'maxResultSize', want: 1000 },
    { key: 'set-security-context', value: 'true', field: 'setSecurityContext', want: true },
    {
      key: 'set-security-context-read-only-root-filesystem',
      value: 'true',
      field: 'setSecurityContextReadOnlyRootFilesystem',
      want: true,
    },
    { key: 'keep-pod-on-cancel', value: 'true', field: 'keepPodOnCancel', want: true },
    { key: 'enable-cel-in-whenexpression', value: 'true', field: 'enableCelInWhenExpression', want: true },
    { key: 'enable-artifacts', value: 'true', field: 'enableArtifacts', want: true },
    { key: 'enable-param-enum', value: 'true', field: 'enableParamEnum', want: true },
    {
      key: 'disable-inline-spec',
      value: 'pipeline, taskrun',
      field: 'disableInlineSpec',
      want: ['pipeline', 'taskrun'],
    },
    { key: 'enable-concise-resolver-syntax', value: 'true', field: 'enableConciseResolverSyntax', want: true },
    { key: 'enable-kubernetes-sidecar', value: 'true', field: 'enableKubernetesSidecar', want: true },
    { key: 'enable-step-actions', value: 'false', field: 'enableStepActions', want: false },
    { key: 'enable-wait-exponential-backoff', value: 'true', field: 'enableWaitExponentialBackoff', want: true },
    {
      key: 'enable-termination-message-compression',
      value: 'true',
      field: 'enableTerminationMessageCompression',
      want: true,
    },
    { key: 'enable-informer-cache-transforms', value: 'false', field: 'enableInformerCacheTransforms', want: false },
    { key: 'enable-tekton-oci-bundles', value: 'true', field: 'enableTektonOciBundles', want: true },
    { key: 'failed-step-log-lines', value: '20', field: 'failedStepLogLines', want: 20 },
  ];
  test.each(rows)('$key: $value', ({ key, value, field, want }) => {
    const { flags, problems } = parseFeatureFlags({ [key]: value });
    expect(flags).toEqual({ ...unset.flags, [field]: want });
    expect(unset.flags[field]).not.toEqual(want);
    expect(problems).toEqual([]);
  });

  test('every flag has a row above', () => {
    expect(rows.map(({ field }) => field).sort()).toEqual(Object.keys(unset.flags).sort());
  });

  const bad: { key: string; value: string }[] = [
    { key: 'enable-api-fields', value: 'gamma' },
    { key: 'keep-pod-on-cancel', value: 'yes' },
    { key: 'max-result-size', value: '1572864' },
    { key: 'max-result-size', value: '4k' },
    { key: 'failed-step-log-lines', value: '51' },
  ];
  test.each(bad)('$key: $value keeps the default and is reported', ({ key, value }) => {
    const { flags, problems } = parseFeatureFlags({ [key]: value, 'set-security-context': 'true' });
    expect(flags).toEqual({ ...unset.flags, setSecurityContext: true });
    expect(brief(problems)).toEqual([`invalid-value ${key}=${value}`]);
  });

  const guards: { key: string; value: string; field: keyof FeatureFlags; strictest: unknown }[] = [
    { key: 'enforce-nonfalsifiability', value: 'sprie', field: 'enforceNonfalsifiability', strictest: 'spire' },
    {
      key: 'trusted-resources-verification-no-match-policy',
      value: 'fial',
      field: 'verificationNoMatchPolicy',
      strictest: 'fail',
    },
    {
      key: 'require-git-ssh-secret-known-hosts',
      value: 'yes',
      field: 'requireGitSshSecretKnownHosts',
      strictest: true,
    },
    {
      key: 'set-security-context-read-only-root-filesystem',
      value: '',
      field: 'setSecurityContextReadOnlyRootFilesystem',
      strictest: true,
    },
    {
      key: 'disable-inline-spec',
      value: 'pipeline,step',
      field: 'disableInlineSpec',
      strictest: ['pipeline', 'pipelinerun', 'taskrun'],
    },
  ];
  test.each(guards)(
    '$key: $value guards as strictly as can be, and is reported',
    ({ key, value, field, strictest }) => {
      const { flags, problems } = parseFeatureFlags({ [key]: value });
      expect(flags).toEqual({ ...unset.flags, [field]: strictest });
      expect(brief(problems)).toEqual([`invalid-value ${key}=${value}`]);
      expect(problems[0]?.message).toContain(`${JSON.stringify(strictest)} is used until you correct it`);
    },
  );

  test('a message names key, value, what is used and the way out', () => {
    expect(parseFeatureFlags({ coschedule: 'no' }).problems[0]?.message).toBe(
      'key coschedule has the value "no", which is not valid; "workspaces" is used until you correct it: use "workspaces", "pipelineruns", "isolate-pipelinerun", "disabled"',
    );
  });

  test('unknown keys are reported, the example is not', () => {
    expect(brief(parseFeatureFlags({ _example: 'x', 'keep-pods-on-cancel': 'true' }).problems)).toEqual([
      'unknown-key keep-pods-on-cancel',
    ]);
  });

  test('provenance of the defaults', () => {
    expect(provenanceFeatureFlags(unset.flags)).toEqual({
      runningInEnvWithInjectedSidecars: true,
      enableAPIFields: 'beta',
      sendCloudEventsForRuns: true,
      awaitSidecarReadiness: true,
      enforceNonfalsifiability: 'none',
      verificationNoMatchPolicy: 'ignore',
      enableProvenanceInStatus: true,
      resultExtractionMethod: 'termination-message',
      maxResultSize: 4096,
      coschedule: 'workspaces',
      enableStepActions: true,
    });
  });

  test('provenance leaves out whatever is off', () => {
    const { flags } = parseFeatureFlags({
      'keep-pod-on-cancel': 'true',
      'await-sidecar-readiness': 'false',
      'max-result-size': '0',
      'disable-inline-spec': 'taskrun',
    });
    const shown = provenanceFeatureFlags(flags);
    expect(shown).toMatchObject({ enableKeepPodOnCancel: true, disableInlineSpec: 'taskrun' });
    expect(shown).not.toHaveProperty('awaitSidecarReadiness');
    expect(shown).not.toHaveProperty('maxResultSize');
  });
});

describe('config-defaults', () => {
  test('no ConfigMap', () => {
    expect(parseDefaults(undefined)).toEqual({
      defaults: {
        timeoutMinutes: 60,
        serviceAccount: 'default',
        managedByLabelValue: 'tekton-pipelines',
        cloudEventsSink: '',
        maxMatrixCombinationsCount: 256,
        forbiddenEnv: [],
        resolverType: '',
        imagePullBackOffTimeoutMs: 0,
        createContainerErrorTimeoutMs: 0,
        maximumResolutionTimeoutMs: 60_000,
        containerResourceRequirements: {},
        sidecarLogPollingIntervalMs: 100,
        stepRefConcurrencyLimit: 5,
      },
      problems: [],
    });
  });

  test('everything set', () => {
    const { defaults, problems } = parseDefaults({
      'default-timeout-minutes': '0',
      'default-service-account': 'builder',
      'default-managed-by-label-value': 'us',
      'default-pod-template': 'nodeSelector:\n  disk: ssd\ntolerations:\n- key: x\n',
      'default-affinity-assistant-pod-template': 'serviceAccountName: aa',
      'default-cloud-events-sink': 'http://sink',
      'default-task-run-workspace-binding': 'emptyDir: {}\n',
      'default-max-matrix-combinations-count': '10',
      'default-forbidden-env': 'B, A,B',
      'default-resolver-type': 'git',
      'default-imagepullbackoff-timeout': '5m',
      'default-create-container-error-timeout': '1m30s',
      'default-maximum-resolution-timeout': '2m',
      'default-container-resource-requirements':
        'place-scripts:\n  requests:\n    cpu: 100m\ndefault:\n  limits: { memory: 64Mi }\nempty:\n',
      'default-sidecar-log-polling-interval': '0ms',
      'default-step-ref-concurrency-limit': '2',
    });
    expect(problems).toEqual([]);
    expect(defaults).toEqual({
      timeoutMinutes: 0,
      serviceAccount: 'builder',
      managedByLabelValue: 'us',
      podTemplate: { nodeSelector: { disk: 'ssd' }, tolerations: [{ key: 'x' }] },
      affinityAssistantPodTemplate: { serviceAccountName: 'aa' },
      cloudEventsSink: 'http://sink',
      taskRunWorkspaceBinding: { emptyDir: {} },
      maxMatrixCombinationsCount: 10,
      forbiddenEnv: ['A', 'B'],
      resolverType: 'git',
      imagePullBackOffTimeoutMs: 300_000,
      createContainerErrorTimeoutMs: 90_000,
      maximumResolutionTimeoutMs: 120_000,
      containerResourceRequirements: {
        'place-scripts': { requests: { cpu: '100m' } },
        default: { limits: { memory: '64Mi' } },
        empty: {},
      },
      sidecarLogPollingIntervalMs: 0,
      stepRefConcurrencyLimit: 2,
    });
  });

  const bad: { key: string; value: string; message: RegExp }[] = [
    { key: 'default-timeout-minutes', value: '1h', message: /60 is used.*whole number/ },
    { key: 'default-timeout-minutes', value: '-1', message: /at least 0/ },
    { key: 'default-imagepullbackoff-timeout', value: '5', message: /missing unit.*use a duration such as/ },
    { key: 'default-imagepullbackoff-timeout', value: '-5m', message: /use a duration/ },
    { key: 'default-pod-template', value: 'nodeSelector: [x]', message: /nodeSelector.*nothing is used/ },
    { key: 'default-pod-template', value: 'a: b: c', message: /correct the YAML/ },
    { key: 'default-max-matrix-combinations-count', value: '0', message: /256 is used/ },
  ];
  test.each(bad)('$key: $value', ({ key, value, message }) => {
    const { defaults, problems } = parseDefaults({ [key]: value });
    expect(defaults).toEqual(parseDefaults(undefined).defaults);
    expect(brief(problems)).toEqual([`invalid-value ${key}=${value}`]);
    expect(problems[0]?.message).toMatch(message);
  });
});

describe('config-observability', () => {
  test('no ConfigMap', () => {
    expect(parseObservability(undefined)).toEqual({
      observability: {
        metrics: {
          taskrunLevel: 'task',
          taskrunDurationType: 'histogram',
          pipelinerunLevel: 'pipeline',
          pipelinerunDurationType: 'histogram',
          runningPipelinerunLevel: '',
          countWithReason: false,
          throttleWithNamespace: false,
        },
        export: { protocol: 'prometheus', address: '' },
        tracingProtocol: 'none',
        tracingEndpoint: '',
        tracingSamplingRate: 1,
        runtimeProfiling: false,
        runtimeExportIntervalMs: 0,
      },
      problems: [],
    });
  });

  test('levels and protocols', () => {
    const { observability, problems } = parseObservability({
      'metrics.taskrun.level': 'taskrun',
      'metrics.taskrun.duration-type': 'lastvalue',
      'metrics.pipelinerun.level': 'namespace',
      'metrics.running-pipelinerun.level': 'pipelinerun',
      'metrics.count.enable-reason': 'true',
      'metrics.taskrun.throttle.enable-namespace': 'true',
      'metrics-protocol': 'http/protobuf',
      'metrics-endpoint': 'http://collector:4318/v1/metrics',
      'metrics-export-interval': '30s',
      'tracing-sampling-rate': '0.1',
      'runtime-profiling': 'enabled',
      'metrics.backend-destination': 'prometheus',
    });
    expect(problems).toEqual([]);
    expect(observability).toMatchObject({
      metrics: {
        taskrunLevel: 'taskrun',
        taskrunDurationType: 'lastvalue',
        pipelinerunLevel: 'namespace',
        runningPipelinerunLevel: 'pipelinerun',
        countWithReason: true,
        throttleWithNamespace: true,
      },
      export: { protocol: 'http/protobuf', endpoint: 'http://collector:4318/v1/metrics', intervalMs: 30_000 },
      tracingSamplingRate: 0.1,
      runtimeProfiling: true,
    });
  });

  test('bad values', () => {
    const { observability, problems } = parseObservability({
      'metrics.taskrun.level': 'pod',
      'tracing-sampling-rate': '2',
    });
    expect(observability).toEqual(parseObservability(undefined).observability);
    expect(brief(problems)).toEqual([
      'invalid-value metrics.taskrun.level=pod',
      'invalid-value tracing-sampling-rate=2',
    ]);
  });
});

describe('leader election', () => {
  const usual = {
    leaseDurationMs: 60_000,
    renewDeadlineMs: 40_000,
    retryPeriodMs: 10_000,
    buckets: 1,
    leasePrefixes: {},
  };
  const rows: { name: string; data: Record<string, string> | undefined; want: object; problems?: string[] }[] = [
    { name: 'no ConfigMap', data: undefined, want: usual },
    {
      name: 'own periods',
      data: { 'lease-duration': '30s', 'renew-deadline': '20s', 'retry-period': '2s', buckets: '5' },
      want: { leaseDurationMs: 30_000, renewDeadlineMs: 20_000, retryPeriodMs: 2_000, buckets: 5, leasePrefixes: {} },
    },
    {
      name: 'old spelling',
      data: { leaseDuration: '50s', renewDeadline: '30s', retryPeriod: '5s' },
      want: { ...usual, leaseDurationMs: 50_000, renewDeadlineMs: 30_000, retryPeriodMs: 5_000 },
    },
    {
      name: 'new spelling wins',
      data: { leaseDuration: '50s', 'lease-duration': '70s' },
      want: { ...usual, leaseDurationMs: 70_000 },
    },
    { name: 'too many buckets', data: { buckets: '11' }, want: usual, problems: ['invalid-value buckets=11'] },
    {
      name: 'periods that cannot work',
      data: { 'lease-duration': '5s' },
      want: usual,
      problems: ['invalid-value lease-duration=5s'],
    },
    {
      name: 'prefixes',
      data: { 'map-lease-prefix.a.b': 'short' },
      want: { ...usual, leasePrefixes: { 'a.b': 'short' } },
    },
  ];
  test.each(rows)('$name', ({ data, want, problems = [] }) => {
    const parsed = parseLeaderElection(data);
    expect(parsed.leaderElection).toEqual(want);
    expect(brief(parsed.problems)).toEqual(problems);
  });
});
