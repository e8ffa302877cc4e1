import type { NewPod } from './types.ts';
import { isJsonObject } from '../../json-object.ts';

/** A value that a pod has beyond what was sent, and where. */
export interface Admission {
  value: unknown;
  /** Its place without keys, init containers as containers: `spec.containers[].terminationMessagePath`. */
  pattern: string;
  pod: { sent: NewPod; returned: NewPod };
}

type Rule = (admission: Admission) => boolean;

/**
 * Whether a value is one that Kubernetes itself adds to a pod: defaults of the API server, ServiceAccount admission
 * (pkg/apis/core/v1/defaults.go and plugin/pkg/admission of Kubernetes), LimitRanger, Priority, RuntimeClass, and the
 * scheduler. All else was added by somebody. test/integration/pod-changes.test.ts holds it against a real server.
 */
export function isAdmitted(admission: Admission): boolean {
  const exact = rules.get(admission.pattern);
  if (exact) return exact(admission);
  return families.some(([pattern, rule]) => pattern.test(admission.pattern) && rule(admission));
}

const is =
  (...allowed: unknown[]): Rule =>
  ({ value }) =>
    allowed.includes(value);
const isEmptyObject: Rule = ({ value }) => isJsonObject(value) && Object.keys(value).length === 0;
const isText: Rule = ({ value }) => typeof value === 'string';
const isNumber: Rule = ({ value }) => typeof value === 'number';
const isSame =
  (expected: unknown): Rule =>
  ({ value }) =>
    same(value, expected);
const either =
  (...some: Rule[]): Rule =>
  (admission) =>
    some.some((rule) => rule(admission));
const withRuntimeClass: Rule = ({ pod }) => Boolean(pod.sent.spec.runtimeClassName);

const accountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const accountVolume = /^kube-api-access-[a-z0-9]{5}$/;

/** The volume of the service account's token, exactly as the admission makes it. */
const isAccountVolume: Rule = ({ value }) =>
  isJsonObject(value) &&
  accountVolume.test(String(value['name'])) &&
  same(value, {
    name: value['name'],
    projected: {
      defaultMode: 420,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    },
  });

/** Its mount: read-only, at its fixed path. A volume of that name can only be the one above, or was sent. */
const isAccountMount: Rule = ({ value, pod }) =>
  isJsonObject(value) &&
  accountVolume.test(String(value['name'])) &&
  !(pod.sent.spec.volumes ?? []).some(({ name }) => name === value['name']) &&
  same(value, { name: value['name'], mountPath: accountPath, readOnly: true });

/** Evicted five minutes after the node is lost (DefaultTolerationSeconds). */
const isNodeToleration: Rule = ({ value }) =>
  ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].some(
    (key) =>
      isJsonObject(value) &&
      same(value, { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: value['tolerationSeconds'] }) &&
      typeof value['tolerationSeconds'] === 'number',
  );

/** Amounts by resource, as LimitRanger and the defaulting of requests from limits add them. */
const areAmounts: Rule = ({ value }) =>
  isJsonObject(value) && Object.values(value).every((amount) => typeof amount === 'string');
const areResources: Rule = ({ value, ...rest }) =>
  isJsonObject(value) &&
  Object.entries(value).every(
    ([name, amounts]) => (name === 'limits' || name === 'requests') && areAmounts({ ...rest, value: amounts }),
  );

/** Of the service account, and only for a pod that names none. */
const areAccountPullSecrets: Rule = ({ value }) =>
  Array.isArray(value) &&
  value.every((item) => isJsonObject(item) && same(item, { name: item['name'] }) && typeof item['name'] === 'string');

const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['metadata.annotations[kubernetes.io/limit-ranger]', isText],
  ['metadata.labels[topology.kubernetes.io/zone]', isText],
  ['metadata.labels[topology.kubernetes.io/region]', isText],
  ['spec.restartPolicy', is('Always')],
  ['spec.dnsPolicy', is('ClusterFirst')],
  ['spec.schedulerName', is('default-scheduler')],
  ['spec.terminationGracePeriodSeconds', is(30)],
  ['spec.enableServiceLinks', is(true)],
  ['spec.securityContext', isEmptyObject],
  ['spec.nodeName', isText],
  ['spec.priority', isNumber],
  ['spec.priorityClassName', isText],
  ['spec.preemptionPolicy', isText],
  ['spec.serviceAccountName', is('default')],
  ['spec.serviceAccount', ({ value, pod }) => value === (pod.returned.spec.serviceAccountName ?? 'default')],
  ['spec.imagePullSecrets', areAccountPullSecrets],
  ['spec.overhead', (admission) => withRuntimeClass(admission) && areAmounts(admission)],
  ['spec.tolerations[]', isNodeToleration],
  ['spec.volumes[]', isAccountVolume],
  ['spec.containers[].volumeMounts[]', isAccountMount],
  ['spec.containers[].terminationMessagePath', is('/dev/termination-log')],
  ['spec.containers[].terminationMessagePolicy', is('File')],
  ['spec.containers[].imagePullPolicy', is('Always', 'IfNotPresent')],
  ['spec.containers[].resources', either(isEmptyObject, areResources)],
  ['spec.containers[].resources.limits', areAmounts],
  ['spec.containers[].resources.requests', areAmounts],
  ['spec.containers[].ports[].protocol', is('TCP')],
  ['spec.containers[].ports[].hostPort', ({ value, pod }) => pod.sent.spec.hostNetwork === true && isPort(value)],
  ['spec.containers[].env[].valueFrom.fieldRef.apiVersion', is('v1')],
  ['spec.containers[].env[].valueFrom.resourceFieldRef.divisor', is('0')],
  ['spec.containers[].env[].valueFrom.fileKeyRef.optional', is(false)],
  ['spec.volumes[].emptyDir', isEmptyObject],
  ['spec.volumes[].hostPath.type', is('')],
  ['spec.volumes[].secret.defaultMode', is(420)],
  ['spec.volumes[].configMap.defaultMode', is(420)],
  ['spec.volumes[].downwardAPI.defaultMode', is(420)],
  ['spec.volumes[].projected.defaultMode', is(420)],
  ['spec.volumes[].downwardAPI.items[].fieldRef.apiVersion', is('v1')],
  ['spec.volumes[].downwardAPI.items[].resourceFieldRef.divisor', is('0')],
  ['spec.volumes[].projected.sources[].downwardAPI.items[].fieldRef.apiVersion', is('v1')],
  ['spec.volumes[].projected.sources[].downwardAPI.items[].resourceFieldRef.divisor', is('0')],
  ['spec.volumes[].projected.sources[].serviceAccountToken.expirationSeconds', is(3600)],
  ['spec.volumes[].image.pullPolicy', is('Always', 'IfNotPresent')],
  ['spec.volumes[].iscsi.iscsiInterface', is('default')],
  ['spec.volumes[].ephemeral.volumeClaimTemplate.spec.volumeMode', is('Filesystem')],
  ['spec.volumes[].ephemeral.volumeClaimTemplate.metadata', either(isEmptyObject, isSame({ creationTimestamp: null }))],
]);

/** The same rule in several places. */
const families: readonly [pattern: RegExp, rule: Rule][] = [
  [/^spec\.containers\[\]\.resources\.(limits|requests)\.[^\]]+$/, isText],
  [/^spec\.containers\[\]\.(liveness|readiness|startup)Probe\.timeoutSeconds$/, is(1)],
  [/^spec\.containers\[\]\.(liveness|readiness|startup)Probe\.periodSeconds$/, is(10)],
  [/^spec\.containers\[\]\.(liveness|readiness|startup)Probe\.successThreshold$/, is(1)],
  [/^spec\.containers\[\]\.(liveness|readiness|startup)Probe\.failureThreshold$/, is(3)],
  [/^spec\.containers\[\]\.(liveness|readiness|startup)Probe\.httpGet\.path$/, is('/')],
  [/^spec\.containers\[\]\.(liveness|readiness|startup)Probe\.httpGet\.scheme$/, is('HTTP')],
  [/^spec\.containers\[\]\.(liveness|readiness|startup)Probe\.grpc\.service$/, is('')],
  [/^spec\.containers\[\]\.lifecycle\.(postStart|preStop)\.httpGet\.path$/, is('/')],
  [/^spec\.containers\[\]\.lifecycle\.(postStart|preStop)\.httpGet\.scheme$/, is('HTTP')],
  [/^spec\.nodeSelector\[[^\]]+\]$/, withRuntimeClass],
  // Written by the network's own agents on every pod, long after its creation; none of them changes what runs.
  [/^metadata\.annotations\[(cni\.projectcalico\.org|k8s\.v1\.cni\.cncf\.io|k8s\.ovn\.org)\/[^\]]+\]$/, isText],
];

function isPort(value: unknown): boolean {
  return typeof value === 'number' && value > 0 && value < 65_536;
}

/** Deep equality of JSON, whatever the order of fields. */
function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => same(item, b[index]));
  if (!isJsonObject(a) || !isJsonObject(b)) return a === b;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]))
  );
}
