import type { EventListener } from '../../api/triggers/objects.ts';
import type { KubernetesResource } from '../../api/triggers/spec.ts';
import type { Deployment, Service } from '../../kube/resources.ts';
import { generatedName, metadataOf, selectorOf } from './metadata.ts';
import type { ListenerSettings } from './settings.ts';

/** On a Deployment: its listener says how many replicas there are. */
export const replicasAnnotation = 'triggers.tektite.dev/replicas';

const sinkPort = 8080;
const metricsPort = 9000;
const tlsFolder = '/etc/triggers/tls';

interface EnvironmentVariable {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef?: { name?: string; key: string } };
}

interface UserContainer {
  resources?: object;
  env?: EnvironmentVariable[];
  livenessProbe?: object;
  readinessProbe?: object;
  startupProbe?: object;
  securityContext?: object;
}

function kubernetesOf({ spec }: EventListener): KubernetesResource {
  return spec?.resources?.kubernetesResource ?? {};
}

/** What the user writes of its pods. */
function podTemplate(
  listener: EventListener,
): Required<NonNullable<NonNullable<KubernetesResource['spec']>['template']>> {
  const { metadata, spec } = kubernetesOf(listener).spec?.template ?? {};
  return { metadata: metadata ?? {}, spec: spec ?? {} };
}

function userContainer(listener: EventListener): UserContainer {
  return podTemplate(listener).spec.containers?.[0] ?? {};
}

/** A Secret and the keys in it of certificate and private key. */
export interface TlsSource {
  secret: string;
  cert: string;
  key: string;
}

/** The Secret with certificate and key that a listener is served with; undefined: plain HTTP. */
export function tlsOf(listener: EventListener): TlsSource | undefined {
  const { env = [] } = userContainer(listener);
  const keyOf = (name: string) => env.find((variable) => variable.name === name)?.valueFrom?.secretKeyRef;
  const [cert, key] = [keyOf('TLS_CERT'), keyOf('TLS_KEY')];
  return cert?.name && key ? { secret: cert.name, cert: cert.key, key: key.key } : undefined;
}

/** The ServiceAccount with whose rights a listener works. */
export function accountOf(listener: EventListener, { defaultServiceAccount }: ListenerSettings): string {
  const { serviceAccountName = listener.spec?.serviceAccountName } = podTemplate(listener).spec;
  return serviceAccountName || defaultServiceAccount;
}

/** The pods that take a listener's events. Replicas are left alone unless the listener says how many. */
export function deploymentOf(listener: EventListener, settings: ListenerSettings): Deployment {
  const { replicas } = kubernetesOf(listener);
  const { metadata: template, spec: pod } = podTemplate(listener);
  const { annotations, ...metadata } = metadataOf(listener, settings);
  const tls = tlsOf(listener);
  const { serviceAccountName: _account, containers: _containers, ...rest } = pod;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      ...metadata,
      annotations: {
        ...annotations,
        ...(replicas === undefined ? {} : { [replicasAnnotation]: String(replicas) }),
      },
    },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: selectorOf(listener) },
      template: {
        metadata: {
          labels: { ...metadata.labels, ...template.labels, ...selectorOf(listener) },
          annotations: template.annotations ?? {},
        },
        spec: {
          securityContext: podSecurity(settings),
          ...rest,
          serviceAccountName: accountOf(listener, settings),
          // Accepted events are brought to their end first.
          terminationGracePeriodSeconds: 60,
          containers: [containerOf(listener, settings, tls)],
          ...(tls ? { volumes: [{ name: 'https-connection', secret: { secretName: tls.secret } }] } : {}),
        },
      },
    },
  } as Deployment;
}

function podSecurity({ runAsUser, runAsGroup, fsGroup, runAsNonRoot }: ListenerSettings): object {
  return {
    ...(runAsNonRoot === undefined ? {} : { runAsNonRoot }),
    ...(runAsUser === undefined ? {} : { runAsUser }),
    ...(runAsGroup === undefined ? {} : { runAsGroup }),
    ...(fsGroup === undefined ? {} : { fsGroup }),
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

function argumentsOf(listener: EventListener, { timeouts }: ListenerSettings, tls: TlsSource | undefined): string[] {
  const { name = '', namespace = '', annotations = {} } = listener.metadata;
  return [
    'sink',
    `--el-name=${name}`,
    `--el-namespace=${namespace}`,
    `--port=${sinkPort}`,
    `--readtimeout=${timeouts.read}`,
    `--timeouthandler=${timeouts.handler}`,
    `--httpclient-readtimeout=${timeouts.interceptor}`,
    `--is-multi-ns=${watchesAll(listener)}`,
    `--payload-validation=${annotations['tekton.dev/payload-validation'] !== 'false'}`,
    `--cloudevent-uri=${listener.spec?.cloudEventURI ?? ''}`,
    `--tls-cert=${tls ? `${tlsFolder}/${tls.cert}` : ''}`,
    `--tls-key=${tls ? `${tlsFolder}/${tls.key}` : ''}`,
  ];
}

function containerOf(listener: EventListener, settings: ListenerSettings, tls: TlsSource | undefined): object {
  const user = userContainer(listener);
  return {
    name: 'event-listener',
    image: settings.image,
    ...(settings.pullPolicy === undefined ? {} : { imagePullPolicy: settings.pullPolicy }),
    args: argumentsOf(listener, settings, tls),
    env: [...environmentOf(listener, settings), ...(user.env ?? [])],
    ports: [
      { containerPort: sinkPort, protocol: 'TCP' },
      { containerPort: metricsPort, protocol: 'TCP' },
    ],
    ...(user.resources ? { resources: user.resources } : {}),
    ...probesOf(user, tls ? 'HTTPS' : 'HTTP'),
    securityContext: user.securityContext ?? {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...(tls ? { volumeMounts: [{ name: 'https-connection', readOnly: true, mountPath: tlsFolder }] } : {}),
  };
}

function environmentOf({ metadata }: EventListener, { events }: ListenerSettings): object[] {
  const { name = '', namespace = '' } = metadata;
  return [
    { name: 'NAMESPACE', value: namespace },
    { name: 'NAME', value: name },
    { name: 'EL_EVENT', value: events },
    { name: 'SYSTEM_NAMESPACE', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } } },
    { name: 'METRICS_PROMETHEUS_PORT', value: String(metricsPort) },
  ];
}

/** The user's, and ours where there is none. */
function probesOf(
  { livenessProbe, readinessProbe, startupProbe }: UserContainer,
  scheme: 'HTTP' | 'HTTPS',
): Pick<UserContainer, 'livenessProbe' | 'readinessProbe' | 'startupProbe'> {
  const probe = { httpGet: { path: '/live', scheme, port: sinkPort }, periodSeconds: 10, failureThreshold: 3 };
  return {
    livenessProbe: livenessProbe ?? probe,
    readinessProbe: readinessProbe ?? { ...probe, periodSeconds: 5 },
    // Node takes a moment to start on a busy node.
    startupProbe: startupProbe ?? { ...probe, periodSeconds: 1, failureThreshold: 120 },
  };
}

/** Selectors that name namespaces need Triggers of other namespaces than the listener's own. */
export function watchesAll({ spec }: EventListener): boolean {
  const selectors = [
    spec?.namespaceSelector,
    ...(spec?.triggerGroups ?? []).map((group) => group.triggerSelector?.namespaceSelector),
  ];
  return selectors.some((selector) => (selector?.matchNames ?? []).length > 0);
}

/** Of its Service. */
export function listenerPort(listener: EventListener): { name: string; port: number } {
  const isTls = tlsOf(listener) !== undefined;
  return {
    name: isTls ? 'https-listener' : 'http-listener',
    port: kubernetesOf(listener).servicePort ?? (isTls ? 8443 : sinkPort),
  };
}

/**
 * Where senders reach a listener. Without pods of its own it selects none, and has no port of their metrics: those of
 * the shared sink are of all listeners.
 */
export function serviceOf(
  listener: EventListener,
  settings: ListenerSettings,
  { selects }: { selects: boolean },
): Service {
  const { serviceType, servicePort, serviceLoadBalancerClass } = kubernetesOf(listener);
  const { name, port } = listenerPort(listener);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(listener, settings),
    spec: {
      ...(selects ? { selector: selectorOf(listener) } : {}),
      ...(serviceType ? { type: serviceType } : {}),
      ...(serviceLoadBalancerClass ? { loadBalancerClass: serviceLoadBalancerClass } : {}),
      ports: [
        {
          name,
          protocol: 'TCP',
          port,
          targetPort: sinkPort,
          ...(serviceType === 'NodePort' && servicePort !== undefined ? { nodePort: servicePort } : {}),
        },
        ...(selects ? [{ name: 'http-metrics', protocol: 'TCP', port: metricsPort, targetPort: metricsPort }] : []),
      ],
    },
  };
}

/** Upstream's, which says http also where the sink speaks TLS. */
export function addressOf(listener: EventListener): string {
  const { port } = listenerPort(listener);
  return `http://${generatedName(listener)}.${listener.metadata.namespace}.svc.cluster.local:${port}`;
}
