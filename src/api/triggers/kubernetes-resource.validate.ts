import { disallowedField, each, fieldError, invalidValue, multipleOneOf, via, type FieldError } from '../fielderror.ts';
import type { KubernetesResource } from './spec.ts';
import { isJsonObject } from '../../json-object.ts';

type ListenerPod = NonNullable<NonNullable<NonNullable<KubernetesResource['spec']>['template']>['spec']>;

const podFields = new Set([
  'serviceAccountName',
  'containers',
  'tolerations',
  'nodeSelector',
  'affinity',
  'topologySpreadConstraints',
  'imagePullSecrets',
  'securityContext',
]);
const containerFields = new Set([
  'resources',
  'env',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'securityContext',
]);
const tlsVariables = ['TLS_CERT', 'TLS_KEY'];

interface EnvironmentVariable {
  name?: string;
  valueFrom?: Record<string, unknown>;
}

/** Of the pod of a listener only some fields are the user's; the paths and texts are upstream's. */
export function validateKubernetesResource(resource: KubernetesResource): FieldError[] {
  const { replicas, serviceType, serviceLoadBalancerClass, spec } = resource;
  return [
    ...(replicas !== undefined && replicas < 0 ? invalidValue(replicas, 'spec.replicas') : []),
    ...(serviceLoadBalancerClass !== undefined && serviceType !== 'LoadBalancer'
      ? fieldError('serviceLoadBalancerClass needs serviceType LoadBalancer', 'serviceLoadBalancerClass')
      : []),
    ...via('spec.template.spec', validatePod(spec?.template?.spec ?? {})),
  ];
}

function validatePod(pod: ListenerPod): FieldError[] {
  const containers = Array.isArray(pod.containers) ? pod.containers : [];
  return [
    ...(containers.length > 1 ? multipleOneOf('containers') : []),
    ...unknownFields(pod, podFields),
    ...(containers.length === 1 ? via('containers[0]', validateContainer(containers[0] ?? {})) : []),
  ];
}

function unknownFields(object: Readonly<Record<string, unknown>>, allowed: ReadonlySet<string>): FieldError[] {
  return disallowedField(...Object.keys(object).filter((name) => !allowed.has(name) && object[name] !== null));
}

function validateContainer(container: Readonly<Record<string, unknown>>): FieldError[] {
  const env = (Array.isArray(container['env']) ? container['env'] : []) as unknown[];
  // Go clients send an empty name, which is required of a container.
  const { name, ...others } = container;
  const own = env.filter(isVariable).filter((variable) => tlsVariables.includes(variable.name ?? ''));
  return [
    ...unknownFields(name ? container : others, containerFields),
    ...each('env', env, (variable) =>
      isVariable(variable)
        ? [
            ...unknownFields({ ...variable }, new Set(['name', 'valueFrom'])),
            ...via('valueFrom', unknownFields(variable.valueFrom ?? {}, new Set(['secretKeyRef']))),
          ]
        : invalidValue(JSON.stringify(variable), '', 'expected a name and valueFrom.secretKeyRef'),
    ),
    ...(own.length === 1
      ? via('env', fieldError(`Expected env's are TLS_CERT and TLS_KEY, but got only one env ${own[0]?.name}`))
      : []),
  ];
}

/** The pod comes unread: the API server and admission let through what Kubernetes' own types would not. */
function isVariable(item: unknown): item is EnvironmentVariable {
  return isJsonObject(item);
}
