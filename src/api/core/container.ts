import { z } from 'zod';
import { atomicList, int32, mapList, preservedObject, quantity } from '../schema.ts';

/** Kubernetes' container fragments that Tasks embed (core/v1). Fields keep core/v1's names and meaning. */

export const keySelector = z.object({
  name: z.string().optional(),
  key: z.string(),
  optional: z.boolean().optional(),
});

export const envVarSource = z.object({
  configMapKeyRef: keySelector.optional(),
  secretKeyRef: keySelector.optional(),
  fieldRef: z.object({ apiVersion: z.string().optional(), fieldPath: z.string() }).optional(),
  resourceFieldRef: z
    .object({ containerName: z.string().optional(), resource: z.string(), divisor: quantity.optional() })
    .optional(),
  fileKeyRef: preservedObject<Record<string, unknown>>().optional(),
});

export const envVar = z.object({
  name: z.string(),
  value: z.string().optional(),
  valueFrom: envVarSource.optional(),
});
export type EnvVar = z.infer<typeof envVar>;

const envFromReference = z.object({ name: z.string().optional(), optional: z.boolean().optional() });
export const envFromSource = z.object({
  prefix: z.string().optional(),
  configMapRef: envFromReference.optional(),
  secretRef: envFromReference.optional(),
});
export type EnvFromSource = z.infer<typeof envFromSource>;

export const volumeMount = z.object({
  name: z.string(),
  mountPath: z.string(),
  subPath: z.string().optional(),
  subPathExpr: z.string().optional(),
  readOnly: z.boolean().optional(),
  recursiveReadOnly: z.string().optional(),
  mountPropagation: z.string().optional(),
});
export type VolumeMount = z.infer<typeof volumeMount>;

export const volumeDevice = z.object({ name: z.string(), devicePath: z.string() });
export type VolumeDevice = z.infer<typeof volumeDevice>;

/** Quantities stay as users wrote them (`500m`, `1`, `$(params.memory)`). */
export const resourceList = z.record(z.string(), quantity);
export const resourceRequirements = z.object({
  limits: resourceList.optional().describe('The most a container may use, such as cpu: 500m.'),
  requests: resourceList.optional().describe('What the scheduler sets aside.'),
  claims: mapList(z.object({ name: z.string(), request: z.string().optional() }), 'name').optional(),
});
export type ResourceRequirements = z.infer<typeof resourceRequirements>;

/** core/v1 Volume: only the name is ours to read, the source goes to the pod as it is after substitution. */
export interface Volume {
  name: string;
  [source: string]: unknown;
}
export const volume = preservedObject<Volume>('A volume of the pod, as core/v1 Volume.');

export type SecurityContext = Record<string, unknown>;
export const securityContext = preservedObject<SecurityContext>('As core/v1 SecurityContext.');

/** Fields that Step, StepTemplate, Sidecar and StepAction share with core/v1 Container. */
export const containerFields = {
  image: z.string().optional().describe('Image of the container.'),
  command: atomicList(z.string())
    .optional()
    .describe("Program and its first arguments; the image's entrypoint when left out."),
  args: atomicList(z.string()).optional().describe('Arguments of the command or script.'),
  workingDir: z.string().optional().describe('Directory to start in; relative ones are below /workspace.'),
  env: atomicList(envVar).optional().describe('Environment variables.'),
  volumeMounts: atomicList(volumeMount).optional().describe('Volumes of the pod to mount; not under /tekton/.'),
  securityContext: securityContext.optional(),
};

export const containerRuntimeFields = {
  envFrom: atomicList(envFromSource)
    .optional()
    .describe('ConfigMaps and Secrets whose keys become environment variables.'),
  computeResources: resourceRequirements.optional().describe('Requests and limits of the container.'),
  volumeDevices: atomicList(volumeDevice).optional(),
  imagePullPolicy: z.string().optional().describe('Always, IfNotPresent or Never.'),
};

/** What only a Sidecar may take over from core/v1 Container. */
export const sidecarOnlyFields = {
  ports: mapList(
    z.object({
      name: z.string().optional(),
      hostPort: int32.optional(),
      containerPort: int32,
      protocol: z.string().default('TCP').optional(),
      hostIP: z.string().optional(),
    }),
    'containerPort',
    'protocol',
  ).optional(),
  livenessProbe: preservedObject<Record<string, unknown>>().optional(),
  readinessProbe: preservedObject<Record<string, unknown>>().optional(),
  startupProbe: preservedObject<Record<string, unknown>>().optional(),
  lifecycle: preservedObject<Record<string, unknown>>().optional(),
  terminationMessagePath: z.string().optional(),
  terminationMessagePolicy: z.string().optional(),
  stdin: z.boolean().optional(),
  stdinOnce: z.boolean().optional(),
  tty: z.boolean().optional(),
};
