/**
 * How Go writes the fields of tekton.dev/v1 (pkg/apis/pipeline/v1 of tektoncd/pipeline, json tags). Upstream's statements
 * carry whole specs that went through these types, so verifiers know their habits: struct values without content are `{}`,
 * required texts are there when empty, empty optional ones are not.
 *
 * - `text`, `number`, `flag`, `duration`: left out when zero
 * - `any`: as it is, left out when null
 * - `value`: a param or result value
 * - `Name`: a struct behind a pointer, left out when null; `X[]`, `X{}`: left out when empty
 * - `!` behind it: always written
 */
export type Shape = Readonly<Record<string, string>>;

const container: Shape = {
  image: 'text', command: 'text[]', args: 'text[]', workingDir: 'text', envFrom: 'any[]', env: 'EnvVar[]', computeResources: 'ResourceRequirements!',
  volumeMounts: 'any[]', volumeDevices: 'any[]', imagePullPolicy: 'text', securityContext: 'any',
};

const taskSpec: Shape = {
  params: 'ParamSpec[]', displayName: 'text', description: 'text', steps: 'Step[]', volumes: 'any[]', stepTemplate: 'StepTemplate',
  sidecars: 'Sidecar[]', workspaces: 'WorkspaceDeclaration[]', results: 'TaskResult[]',
};

export const shapes: Readonly<Record<string, Shape>> = {
  Param: { name: 'text!', value: 'value!' },
  ParamSpec: { name: 'text!', type: 'text', description: 'text', properties: 'any{}', default: 'value', enum: 'text[]' },
  TaskResult: { name: 'text!', type: 'text', properties: 'any{}', description: 'text', value: 'value' },
  StepResult: { name: 'text!', type: 'text', properties: 'any{}', description: 'text' },
  TaskRunResult: { name: 'text!', type: 'text', value: 'value!' },
  PipelineResult: { name: 'text!', type: 'text', description: 'text!', value: 'value!' },
  WhenExpression: { input: 'text', operator: 'text', values: 'text[]', cel: 'text' },
  EnvVar: { name: 'text!', value: 'text', valueFrom: 'EnvVarSource' },
  EnvVarSource: { fieldRef: 'any', resourceFieldRef: 'ResourceFieldSelector', configMapKeyRef: 'any', secretKeyRef: 'any', fileKeyRef: 'any' },
  ResourceFieldSelector: { containerName: 'text', resource: 'text!', divisor: 'quantity!' },
  ResourceRequirements: { limits: 'quantity{}', requests: 'quantity{}', claims: 'any[]' },
  Reference: { name: 'text', kind: 'text', apiVersion: 'text', resolver: 'text', params: 'Param[]' },
  Step: {
    name: 'text!', displayName: 'text', ...container, script: 'text', timeout: 'duration', workspaces: 'any[]', onError: 'text', stdoutConfig: 'any', stderrConfig: 'any',
    ref: 'Reference', params: 'Param[]', results: 'StepResult[]', when: 'WhenExpression[]',
  },
  StepTemplate: container,
  Sidecar: {
    name: 'text!', ...container, ports: 'any[]', livenessProbe: 'any', readinessProbe: 'any', startupProbe: 'any', lifecycle: 'any', terminationMessagePath: 'text',
    terminationMessagePolicy: 'text', stdin: 'flag', stdinOnce: 'flag', tty: 'flag', script: 'text', workspaces: 'any[]', restartPolicy: 'any',
  },
  WorkspaceDeclaration: { name: 'text!', description: 'text', mountPath: 'text', readOnly: 'flag', optional: 'flag' },
  WorkspaceBinding: {
    name: 'text!', subPath: 'text', volumeClaimTemplate: 'Claim', persistentVolumeClaim: 'any', emptyDir: 'any', configMap: 'any', secret: 'any', projected: 'any', csi: 'any',
  },
  Claim: { kind: 'text', apiVersion: 'text', metadata: 'Empty!', spec: 'ClaimSpec!', status: 'Empty!' },
  ClaimSpec: { resources: 'ResourceRequirements!' },
  Empty: {},
  TaskSpec: taskSpec,
  EmbeddedTask: { apiVersion: 'text', kind: 'text', spec: 'any!', metadata: 'Metadata!', ...taskSpec },
  Metadata: { labels: 'any{}', annotations: 'any{}' },
  IncludeParams: { name: 'text', params: 'Param[]' },
  Matrix: { params: 'Param[]', include: 'IncludeParams[]' },
  PipelineTask: {
    name: 'text', displayName: 'text', description: 'text', taskRef: 'Reference', taskSpec: 'EmbeddedTask', pipelineRef: 'Reference', pipelineSpec: 'PipelineSpec',
    when: 'WhenExpression[]', retries: 'number', runAfter: 'text[]', params: 'Param[]', matrix: 'Matrix', workspaces: 'PipelineTaskWorkspace[]', timeout: 'duration', onError: 'text',
  },
  PipelineTaskWorkspace: { name: 'text!', workspace: 'text', subPath: 'text' },
  PipelineWorkspace: { name: 'text!', description: 'text', optional: 'flag' },
  PipelineSpec: {
    displayName: 'text', description: 'text', tasks: 'PipelineTask[]', params: 'ParamSpec[]', workspaces: 'PipelineWorkspace[]', results: 'PipelineResult[]', finally: 'PipelineTask[]',
  },
  PodTemplate: {
    nodeSelector: 'any{}', env: 'EnvVar[]', tolerations: 'any[]', affinity: 'any', securityContext: 'any', volumes: 'any[]', runtimeClassName: 'any',
    automountServiceAccountToken: 'any', dnsPolicy: 'any', dnsConfig: 'any', enableServiceLinks: 'any', priorityClassName: 'any', schedulerName: 'text',
    imagePullSecrets: 'any[]', hostAliases: 'any[]', hostNetwork: 'flag', hostUsers: 'any', topologySpreadConstraints: 'any[]',
  },
  RunPart: { name: 'text!', computeResources: 'ResourceRequirements!' },
  TaskRunDebug: { breakpoints: 'TaskBreakpoints' },
  TaskBreakpoints: { onFailure: 'text', beforeSteps: 'text[]' },
  TaskRunSpec: {
    debug: 'TaskRunDebug', params: 'Param[]', serviceAccountName: 'text!', taskRef: 'Reference', taskSpec: 'TaskSpec', status: 'text', statusMessage: 'text', retries: 'number',
    timeout: 'duration', podTemplate: 'PodTemplate', workspaces: 'WorkspaceBinding[]', stepSpecs: 'RunPart[]', sidecarSpecs: 'RunPart[]', computeResources: 'ResourceRequirements',
    managedBy: 'any',
  },
  TaskRunStatus: {
    observedGeneration: 'number', conditions: 'any[]', annotations: 'any{}', podName: 'text!', startTime: 'any', completionTime: 'any', steps: 'StepState[]', retriesStatus: 'TaskRunStatus[]',
    results: 'TaskRunResult[]', artifacts: 'any', sidecars: 'SidecarState[]', taskSpec: 'TaskSpec', provenance: 'Provenance', spanContext: 'any{}',
  },
  StepState: {
    name: 'text', container: 'text', imageID: 'text', results: 'TaskRunResult[]', provenance: 'Provenance', terminationReason: 'text', inputs: 'any[]', outputs: 'any[]',
  },
  SidecarState: { name: 'text', container: 'text', imageID: 'text' },
  Provenance: { refSource: 'RefSource', featureFlags: 'any' },
  RefSource: { uri: 'text', digest: 'any{}', entryPoint: 'text' },
  Timeouts: { pipeline: 'duration', tasks: 'duration', finally: 'duration' },
  TaskRunTemplate: { podTemplate: 'PodTemplate', serviceAccountName: 'text' },
  PipelineTaskRunSpec: {
    pipelineTaskName: 'text', serviceAccountName: 'text', podTemplate: 'PodTemplate', stepSpecs: 'RunPart[]', sidecarSpecs: 'RunPart[]', metadata: 'Metadata',
    computeResources: 'ResourceRequirements', timeout: 'duration',
  },
  PipelineRunSpec: {
    pipelineRef: 'Reference', pipelineSpec: 'PipelineSpec', params: 'Param[]', status: 'text', timeouts: 'Timeouts', taskRunTemplate: 'TaskRunTemplate!',
    workspaces: 'WorkspaceBinding[]', taskRunSpecs: 'PipelineTaskRunSpec[]', managedBy: 'any',
  },
};
