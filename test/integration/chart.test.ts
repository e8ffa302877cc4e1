import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { command, root } from '../../hack/command.ts';
import { kinds } from '../../src/api/kinds.ts';
import { portsMapName, servedMapName } from '../../src/triggers/shared-sink/names.ts';
import { portRange } from '../../src/triggers/shared-sink/ports.ts';

/** What each value of the chart does to what helm renders; no cluster is touched. */
let helm: string;
beforeAll(async () => {
  helm = (await command(['hack/cluster', 'tool', 'helm'])).trim();
});

interface Rendered {
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  [field: string]: unknown;
}

/** By its text: most objects are the same in most of what is rendered, and take longer to read than to render. */
const parsed = new Map<string, Rendered | null>();

function parseOnce(text: string): Rendered | null {
  const found = parsed.get(text) ?? (parse(text) as Rendered | null);
  parsed.set(text, found);
  return found;
}

/** Without the CRDs, which take most of the time, unless they are asked for. */
function render(...set: string[]): Promise<Rendered[]> {
  return renderWhole('crds.install=false', ...set);
}

async function renderWhole(...set: string[]): Promise<Rendered[]> {
  const values = set.flatMap((pair) => (pair.startsWith('--') ? [pair] : ['--set', pair]));
  const text = await command([helm, 'template', 'tektite', 'config/chart', '--namespace', 'ci', ...values]);
  return text
    .split(/^---$/m)
    .map(parseOnce)
    .filter((object) => object !== null);
}

/** Where two roles have an object of one name, the one in the release's own namespace. */
function find(rendered: Rendered[], kind: string, name = 'tekton-pipelines-controller'): Rendered {
  const named = rendered.filter((object) => object.kind === kind && object.metadata.name === name);
  const found = named.find(({ metadata }) => metadata.namespace === 'ci') ?? named[0];
  if (!found)
    throw new Error(
      `no ${kind} ${name} among ${rendered.map((object) => `${object.kind} ${object.metadata.name}`).join(', ')}`,
    );
  return found;
}

interface Row {
  name: string;
  set: string[];
  kind: string;
  object?: string;
  expected: object;
}
const container = (parts: object) => ({
  spec: { template: { spec: { containers: [expect.objectContaining(parts)] } } },
});
function awayFrom(matchLabels: Record<string, string>): object {
  const podAffinityTerm = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels } };
  return { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm }] } };
}
const evictable = (value: unknown) => ({
  spec: { template: { metadata: { annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': value } } } },
});
const registryCert = {
  mount: { name: 'config-registry-cert', mountPath: '/etc/config-registry-cert', readOnly: true },
  volume: { name: 'config-registry-cert', configMap: { name: 'config-registry-cert', optional: true } },
};
const withArgs = (...args: string[]) => container({ args: expect.arrayContaining(args) as string[] });
const digest = `sha256:${'a'.repeat(64)}`;

const rows: Row[] = [
  {
    name: 'an image by tag',
    set: ['images.tektite.repository=registry.example/t', 'images.tektite.tag=v9'],
    kind: 'Deployment',
    expected: container({ image: 'registry.example/t:v9', imagePullPolicy: 'IfNotPresent' }),
  },
  {
    name: 'an image by digest, which wins',
    set: ['images.tektite.tag=v9', `images.tektite.digest=${digest}`],
    kind: 'Deployment',
    expected: container({ image: `ghcr.io/tektite/tektite@${digest}` }),
  },
  {
    name: 'the SPIFFE Workload API for the controller',
    set: ['controller.spiffeSocket=true'],
    kind: 'Deployment',
    expected: {
      spec: {
        template: {
          spec: {
            containers: [
              expect.objectContaining({
                volumeMounts: [
                  registryCert.mount,
                  { name: 'spiffe-workload-api', mountPath: '/spiffe-workload-api', readOnly: true },
                ],
              }),
            ],
            volumes: [
              registryCert.volume,
              { name: 'spiffe-workload-api', csi: { driver: 'csi.spiffe.io', readOnly: true } },
            ],
          },
        },
      },
    },
  },
  {
    name: "certificates of registries' authorities, from Tekton's ConfigMap",
    set: [],
    kind: 'Deployment',
    expected: {
      spec: {
        template: {
          spec: {
            containers: [
              expect.objectContaining({
                env: expect.arrayContaining([
                  { name: 'SSL_CERT_DIR', value: registryCert.mount.mountPath },
                ]) as object[],
                volumeMounts: [registryCert.mount],
              }),
            ],
            volumes: [registryCert.volume],
          },
        },
      },
    },
  },
  {
    name: "the operator's certificates in place of those",
    set: ['controller.env[0].name=SSL_CERT_DIR', 'controller.env[0].value=/mine'],
    kind: 'Deployment',
    expected: container({
      env: expect.not.arrayContaining([{ name: 'SSL_CERT_DIR', value: registryCert.mount.mountPath }]) as object[],
    }),
  },
  {
    name: 'where SPIRE is',
    set: ['configSpire.spire-trust-domain=prod.example'],
    kind: 'ConfigMap',
    object: 'config-spire',
    expected: { data: expect.objectContaining({ 'spire-trust-domain': 'prod.example' }) as object },
  },
  {
    name: 'alert rules',
    set: ['alerts.enabled=true', 'alerts.labels.release=prometheus'],
    kind: 'PrometheusRule',
    object: 'tektite',
    expected: {
      metadata: { labels: { release: 'prometheus' } },
      spec: { groups: expect.arrayContaining([expect.objectContaining({ name: 'tektite-signing' })]) as unknown },
    },
  },
  {
    name: "Grafana's dashboard",
    set: ['dashboard.enabled=true'],
    kind: 'ConfigMap',
    object: 'tektite-dashboard',
    expected: {
      metadata: { labels: { grafana_dashboard: '1' } },
      data: { 'tektite.json': expect.stringContaining('"uid": "tektite"') as unknown },
    },
  },
  {
    name: 'the dashboard, read-only and with a sign-in unless asked otherwise',
    set: [],
    kind: 'Deployment',
    object: 'tekton-dashboard',
    expected: withArgs('dashboard', '--port=9097', '--read-only=true', '--require-credentials=true'),
  },
  {
    name: 'settings of the dashboard',
    set: [
      'webDashboard.readOnly=false',
      'webDashboard.requireCredentials=false',
      'webDashboard.namespaces={a,b}',
      'webDashboard.defaultNamespace=a',
      'webDashboard.externalLogs=http://logs.example',
      'webDashboard.logoutUrl=/oauth2/sign_out',
      'webDashboard.provenanceKey=PEM',
      'webDashboard.streamLogs=false',
      'webDashboard.logLevel=debug',
    ],
    kind: 'Deployment',
    object: 'tekton-dashboard',
    expected: withArgs(
      '--read-only=false',
      '--require-credentials=false',
      '--namespaces=a,b',
      '--default-namespace=a',
      '--external-logs=http://logs.example',
      '--logout-url=/oauth2/sign_out',
      '--provenance-key=PEM',
      '--stream-logs=false',
      '--log-level=debug',
    ),
  },
  {
    name: 'the Service of the dashboard, where people look for it',
    set: [],
    kind: 'Service',
    object: 'tekton-dashboard',
    expected: {
      spec: {
        selector: { 'app.kubernetes.io/name': 'dashboard', 'app.kubernetes.io/part-of': 'tekton-dashboard' },
        ports: [{ name: 'http', port: 9097, targetPort: 'http' }],
      },
    },
  },
  { name: 'pruning', set: ['pruner.enabled=true'], kind: 'Deployment', expected: withArgs('--prune') },
  {
    name: 'settings of pruning',
    set: ['pruner.enabled=true', 'pruner.config.keep=7'],
    kind: 'ConfigMap',
    object: 'config-pruner',
    expected: { data: { keep: '7', 'wait-for-signature': '1h' } },
  },
  {
    name: 'limits of pruning',
    set: ['pruner.enabled=true', 'pruner.limits.historyLimit=9'],
    kind: 'ConfigMap',
    object: 'tekton-pruner-default-spec',
    expected: {
      metadata: { labels: { 'pruner.tekton.dev/config-type': 'global' } },
      data: { 'global-config': 'historyLimit: 9\n' },
    },
  },
  {
    name: 'the images that pods get',
    set: [`images.entrypoint.digest=${digest}`, 'images.nop.repository=r/nop', 'images.nop.tag=1'],
    kind: 'Deployment',
    expected: withArgs(`--entrypoint-image=ghcr.io/tektite/entrypoint@${digest}`, '--nop-image=r/nop:1'),
  },
  {
    name: 'the pull policy',
    set: ['images.pullPolicy=Always'],
    kind: 'Deployment',
    expected: container({ imagePullPolicy: 'Always' }),
  },
  {
    name: 'pull secrets of the pods',
    set: ['images.pullSecrets={one,two}'],
    kind: 'Deployment',
    expected: { spec: { template: { spec: { imagePullSecrets: [{ name: 'one' }, { name: 'two' }] } } } },
  },
  {
    name: 'pull secrets of the ServiceAccount',
    set: ['images.pullSecrets={one,two}'],
    kind: 'ServiceAccount',
    expected: { imagePullSecrets: [{ name: 'one' }, { name: 'two' }] },
  },
  { name: 'replicas', set: ['controller.replicas=3'], kind: 'Deployment', expected: { spec: { replicas: 3 } } },
  {
    name: 'concurrency and request rates',
    set: ['controller.concurrency=8', 'controller.qps=50', 'controller.burst=60'],
    kind: 'Deployment',
    expected: withArgs('--concurrency=8', '--kube-api-qps=50', '--kube-api-burst=60'),
  },
  {
    name: 'large request rates, in digits',
    set: ['controller.qps=1000000', 'controller.burst=2000000'],
    kind: 'Deployment',
    expected: withArgs('--kube-api-qps=1000000', '--kube-api-burst=2000000'),
  },
  {
    name: 'a registry mirror',
    set: ['controller.registryMirrors.ghcr\\.io=https://mirror.example'],
    kind: 'Deployment',
    expected: withArgs('--registry-mirror=ghcr.io=https://mirror.example'),
  },
  {
    name: 'hosts that registries may lead to',
    set: ['controller.registryTrustedHosts[0]=auth.example'],
    kind: 'Deployment',
    expected: withArgs('--registry-trusted-host=auth.example'),
  },
  {
    name: 'resources',
    set: ['controller.resources.requests.cpu=2', 'controller.resources.limits.memory=4Gi'],
    kind: 'Deployment',
    expected: container({ resources: { requests: { cpu: 2, memory: '128Mi' }, limits: { memory: '4Gi' } } }),
  },
  {
    name: 'the log level',
    set: ['controller.logLevel=debug'],
    kind: 'Deployment',
    expected: container({ env: expect.arrayContaining([{ name: 'LOG_LEVEL', value: 'debug' }]) as object[] }),
  },
  {
    name: 'further environment',
    set: ['controller.env[0].name=HTTPS_PROXY', 'controller.env[0].value=http://proxy'],
    kind: 'Deployment',
    expected: container({ env: expect.arrayContaining([{ name: 'HTTPS_PROXY', value: 'http://proxy' }]) as object[] }),
  },
  {
    name: 'placement',
    set: [
      'controller.nodeSelector.disk=ssd',
      'controller.priorityClassName=high',
      'controller.tolerations[0].key=ci',
      'controller.tolerations[0].operator=Exists',
    ],
    kind: 'Deployment',
    expected: {
      spec: {
        template: {
          spec: {
            nodeSelector: { disk: 'ssd' },
            priorityClassName: 'high',
            tolerations: [{ key: 'ci', operator: 'Exists' }],
          },
        },
      },
    },
  },
  {
    name: 'annotations and labels of pods',
    set: ['controller.podAnnotations.note=a', 'controller.podLabels.team=b'],
    kind: 'Deployment',
    expected: {
      spec: {
        template: {
          metadata: { annotations: { note: 'a' }, labels: { team: 'b', app: 'tekton-pipelines-controller' } },
        },
      },
    },
  },
  {
    name: 'feature flags, as strings',
    set: [
      'featureFlags.enable-api-fields=alpha',
      'featureFlags.keep-pod-on-cancel=true',
      'featureFlags.max-result-size=1500000',
    ],
    kind: 'ConfigMap',
    object: 'feature-flags',
    expected: { data: { 'enable-api-fields': 'alpha', 'keep-pod-on-cancel': 'true', 'max-result-size': '1500000' } },
  },
  {
    name: 'defaults, as strings',
    set: ['configDefaults.default-timeout-minutes=20', 'configDefaults.default-service-account=builder'],
    kind: 'ConfigMap',
    object: 'config-defaults',
    expected: { data: { 'default-timeout-minutes': '20', 'default-service-account': 'builder' } },
  },
  {
    name: 'a structured default, as YAML',
    set: ['configDefaults.default-pod-template.nodeSelector.disk=ssd'],
    kind: 'ConfigMap',
    object: 'config-defaults',
    expected: { data: { 'default-pod-template': 'nodeSelector:\n  disk: ssd\n' } },
  },
  {
    name: 'metric labels',
    set: ['configObservability.metrics\\.taskrun\\.level=namespace'],
    kind: 'ConfigMap',
    object: 'config-observability',
    expected: { data: { 'metrics.taskrun.level': 'namespace' } },
  },
  {
    name: 'what is logged',
    set: ['configLogging.loglevel\\.controller=debug'],
    kind: 'ConfigMap',
    object: 'config-logging',
    expected: { metadata: { namespace: 'ci' }, data: { 'loglevel.controller': 'debug' } },
  },
  {
    name: 'where CloudEvents go',
    set: ['configEvents.sink=https://events.example.com/'],
    kind: 'ConfigMap',
    object: 'config-events',
    expected: { data: { sink: 'https://events.example.com/' } },
  },
  {
    name: 'where spans go',
    set: ['configTracing.endpoint=https://traces.example.com'],
    kind: 'ConfigMap',
    object: 'config-tracing',
    expected: { data: { endpoint: 'https://traces.example.com' } },
  },
  {
    name: 'how creations wait for a webhook',
    set: ['configWaitExponentialBackoff.duration=2s'],
    kind: 'ConfigMap',
    object: 'config-wait-exponential-backoff',
    expected: { data: { duration: '2s' } },
  },
  {
    name: 'buckets',
    set: ['configLeaderElection.buckets=4'],
    kind: 'ConfigMap',
    object: 'config-leader-election-controller',
    expected: { data: { buckets: '4' } },
  },
  {
    name: "watched namespaces: the controller's",
    set: ['watchNamespaces={a,b}'],
    kind: 'Deployment',
    expected: withArgs('--namespaces=a,b'),
  },
  {
    name: 'annotations of the ServiceAccount',
    set: ['serviceAccount.annotations.role=ci'],
    kind: 'ServiceAccount',
    expected: { metadata: { annotations: { role: 'ci' } } },
  },
  {
    name: 'a disruption budget, for more than one replica',
    set: ['controller.replicas=2'],
    kind: 'PodDisruptionBudget',
    expected: { spec: { minAvailable: 1, selector: { matchLabels: { 'app.kubernetes.io/name': 'controller' } } } },
  },
  {
    name: 'another disruption budget',
    set: ['controller.replicas=3', 'controller.podDisruptionBudget.minAvailable=2'],
    kind: 'PodDisruptionBudget',
    expected: { spec: { minAvailable: 2 } },
  },
  {
    name: "Chains's disruption budget",
    set: ['chains.replicas=2', 'chains.podDisruptionBudget.minAvailable=50%'],
    kind: 'PodDisruptionBudget',
    object: 'tekton-chains-controller',
    expected: { metadata: { namespace: 'tekton-chains' }, spec: { minAvailable: '50%' } },
  },
  {
    name: 'replicas on different nodes',
    set: [],
    kind: 'Deployment',
    expected: { spec: { template: { spec: { affinity: awayFrom({ 'app.kubernetes.io/name': 'controller' }) } } } },
  },
  {
    name: "Chains's replicas on different nodes",
    set: [],
    kind: 'Deployment',
    object: 'tekton-chains-controller',
    expected: { spec: { template: { spec: { affinity: awayFrom({ app: 'tekton-chains-controller' }) } } } },
  },
  {
    name: "the operator's affinity in place of that",
    set: ['controller.affinity.nodeAffinity.any=x'],
    kind: 'Deployment',
    expected: { spec: { template: { spec: { affinity: { nodeAffinity: { any: 'x' } } } } } },
  },
  { name: 'pods that autoscalers leave alone', set: [], kind: 'Deployment', expected: evictable('false') },
  {
    name: 'pods that they need not',
    set: ['controller.podAnnotations.cluster-autoscaler\\.kubernetes\\.io/safe-to-evict=true'],
    kind: 'Deployment',
    expected: evictable(true),
  },
  ...['controller', 'chains'].map((role) => ({
    name: `probes of ${role}: at the start, of life, of readiness`,
    set: [],
    kind: 'Deployment',
    object: role === 'chains' ? 'tekton-chains-controller' : 'tekton-pipelines-controller',
    expected: container({
      startupProbe: expect.objectContaining({ httpGet: { path: '/health', port: 'probes' } }) as object,
      livenessProbe: expect.objectContaining({ httpGet: { path: '/health', port: 'probes' } }) as object,
      readinessProbe: expect.objectContaining({ httpGet: { path: '/readiness', port: 'probes' } }) as object,
    }),
  })),
  {
    name: 'a ServiceMonitor for Chains',
    set: ['serviceMonitor.enabled=true'],
    kind: 'ServiceMonitor',
    object: 'tekton-chains-controller',
    expected: {
      metadata: { namespace: 'tekton-chains' },
      spec: {
        selector: { matchLabels: { app: 'tekton-chains-controller' } },
        endpoints: [{ port: 'http-metrics', interval: '30s' }],
      },
    },
  },
  {
    name: 'a network policy that lets nobody in',
    set: ['networkPolicy.enabled=true'],
    kind: 'NetworkPolicy',
    expected: { spec: { policyTypes: ['Ingress', 'Egress'], ingress: [] } },
  },
  {
    name: 'a network policy for scrapers and probers',
    set: [
      'networkPolicy.enabled=true',
      'networkPolicy.scrapers[0].podSelector.matchLabels.a=b',
      'networkPolicy.probers[0].ipBlock.cidr=10.0.0.0/8',
    ],
    kind: 'NetworkPolicy',
    expected: {
      spec: {
        ingress: [
          { from: [{ podSelector: { matchLabels: { a: 'b' } } }], ports: [{ port: 'metrics', protocol: 'TCP' }] },
          { from: [{ ipBlock: { cidr: '10.0.0.0/8' } }], ports: [{ port: 'probes', protocol: 'TCP' }] },
        ],
      },
    },
  },
  {
    name: 'a network policy for the interceptors: sinks of all namespaces ask them',
    set: ['networkPolicy.enabled=true'],
    kind: 'NetworkPolicy',
    object: 'tekton-triggers-core-interceptors',
    expected: {
      spec: {
        podSelector: { matchLabels: { 'app.kubernetes.io/name': 'core-interceptors' } },
        ingress: [{ from: [{ namespaceSelector: {} }], ports: [{ port: 'https', protocol: 'TCP' }] }],
      },
    },
  },
  {
    name: 'a network policy for the dashboard: whatever leads browsers to it',
    set: ['networkPolicy.enabled=true'],
    kind: 'NetworkPolicy',
    object: 'tekton-dashboard',
    expected: {
      spec: {
        podSelector: { matchLabels: { 'app.kubernetes.io/name': 'dashboard' } },
        ingress: [{ from: [{ namespaceSelector: {} }], ports: [{ port: 'http', protocol: 'TCP' }] }],
      },
    },
  },
  {
    name: 'a network policy for the shared sink: senders are anywhere',
    set: ['networkPolicy.enabled=true', 'triggers.sharedSink.enabled=true'],
    kind: 'NetworkPolicy',
    object: 'tekton-triggers-shared-sink',
    expected: {
      spec: {
        podSelector: { matchLabels: { 'app.kubernetes.io/name': 'shared-sink' } },
        ingress: [{ ports: [{ port: portRange.first, endPort: portRange.last, protocol: 'TCP' }] }],
      },
    },
  },
  {
    name: 'a shared sink that is scaled by the use of processors',
    set: ['triggers.sharedSink.enabled=true', 'triggers.sharedSink.autoscaling.enabled=true'],
    kind: 'HorizontalPodAutoscaler',
    object: 'tekton-triggers-shared-sink',
    expected: { spec: { minReplicas: 2, maxReplicas: 5, scaleTargetRef: { name: 'tekton-triggers-shared-sink' } } },
  },
  {
    name: 'no rights for the shared sink but to its own two ConfigMaps',
    set: ['triggers.sharedSink.enabled=true'],
    kind: 'Role',
    object: 'tekton-triggers-shared-sink',
    expected: {
      rules: [
        { resources: ['configmaps'], resourceNames: [portsMapName, servedMapName], verbs: ['list', 'watch'] },
        { resources: ['configmaps'], resourceNames: [servedMapName], verbs: ['patch'] },
      ],
    },
  },
  {
    name: "no rights for listeners but to read Triggers' objects, create runs and say what became of events",
    set: ['triggers.enabled=true'],
    kind: 'ClusterRole',
    object: 'tekton-triggers-eventlistener-roles',
    expected: {
      rules: [
        {
          apiGroups: ['triggers.tekton.dev'],
          resources: ['eventlisteners', 'triggerbindings', 'interceptors', 'triggertemplates', 'triggers'],
          verbs: ['get', 'list', 'watch'],
        },
        { apiGroups: ['triggers.tekton.dev'], resources: ['triggers/status'], verbs: ['update'] },
        { apiGroups: ['tekton.dev'], resources: ['pipelineruns', 'taskruns', 'customruns'], verbs: ['create'] },
        { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
      ],
    },
  },
  {
    name: "a network policy for Triggers' controller: nobody asks it",
    set: ['networkPolicy.enabled=true'],
    kind: 'NetworkPolicy',
    object: 'tekton-triggers-controller',
    expected: {
      spec: {
        podSelector: { matchLabels: { 'app.kubernetes.io/part-of': 'tekton-triggers' } },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [],
      },
    },
  },
  {
    name: 'a network policy with closed addresses',
    set: ['networkPolicy.enabled=true', 'networkPolicy.closed={10.1.0.0/16,fe80::/10}'],
    kind: 'NetworkPolicy',
    object: 'tekton-chains-controller',
    expected: {
      spec: {
        egress: [
          { ports: expect.arrayContaining([{ port: 53, protocol: 'UDP' }]) as object[] },
          {
            to: [
              { ipBlock: { cidr: '0.0.0.0/0', except: ['10.1.0.0/16'] } },
              { ipBlock: { cidr: '::/0', except: ['fe80::/10'] } },
              { namespaceSelector: {} },
            ],
          },
        ],
      },
    },
  },
  {
    name: 'a network policy with the metadata server that an identity needs',
    set: ['networkPolicy.enabled=true', 'networkPolicy.cloudIdentity=azure'],
    kind: 'NetworkPolicy',
    expected: {
      spec: {
        egress: [{}, {}, { to: [{ ipBlock: { cidr: '169.254.169.254/32' } }], ports: [{ port: 80, protocol: 'TCP' }] }],
      },
    },
  },
  {
    name: 'a ServiceMonitor',
    set: ['serviceMonitor.enabled=true', 'serviceMonitor.interval=10s', 'serviceMonitor.labels.release=prometheus'],
    kind: 'ServiceMonitor',
    expected: {
      metadata: { labels: { release: 'prometheus' } },
      spec: { endpoints: [{ port: 'http-metrics', interval: '10s' }] },
    },
  },
  {
    name: 'the Namespace',
    set: ['namespace.create=true'],
    kind: 'Namespace',
    object: 'ci',
    expected: { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } },
  },
];

describe('the chart', () => {
  it('passes helm lint --strict', async () => {
    expect(await command([helm, 'lint', '--strict', 'config/chart'])).toContain('0 chart(s) failed');
  });

  it.each(rows)('renders $name', async ({ set, kind, object, expected }) => {
    expect(find(await render(...set), kind, object)).toMatchObject(expected);
  });

  describe.each([
    ['controller', ['tekton-pipelines-controller']],
    ['webhook', ['tekton-pipelines-webhook']],
    ['chains', ['tekton-chains-controller']],
    ['resolvers', ['tekton-pipelines-remote-resolvers']],
    ['triggers', ['tekton-triggers-controller', 'tekton-triggers-core-interceptors']],
    ['webDashboard', ['tekton-dashboard']],
  ])('the role %s', (role, names) => {
    const deployments = (rendered: Rendered[]) => rendered.filter(({ kind }) => kind === 'Deployment');
    const namesOf = (rendered: Rendered[]) => deployments(rendered).map(({ metadata }) => metadata.name);

    it('is on by default, and alone left out when it is switched off, with its rights', async () => {
      const all = await render('networkPolicy.enabled=true');
      expect(namesOf(all)).toEqual(expect.arrayContaining(names));
      const others = await render('networkPolicy.enabled=true', `${role}.enabled=false`);
      expect(namesOf(others).sort()).toEqual(
        namesOf(all)
          .filter((name) => !names.includes(name))
          .sort(),
      );
      const mine = others.filter(
        ({ kind, metadata }) =>
          names.includes(metadata.name) &&
          ['ServiceAccount', 'Service', 'NetworkPolicy', 'RoleBinding', 'ClusterRoleBinding'].includes(kind),
      );
      expect(mine).toEqual([]);
    });

    it('has as many replicas as asked for', async () => {
      const parts = role === 'triggers' ? ['triggers.controller', 'triggers.interceptors'] : [role];
      // With it the webhook's are between a least and a most number.
      const set = ['webhook.autoscaling.enabled=false', ...parts.map((part) => `${part}.replicas=3`)];
      const rendered = await render(...set);
      for (const name of names) expect(find(rendered, 'Deployment', name)).toMatchObject({ spec: { replicas: 3 } });
    });
  });

  it('by default has none of what is asked for, and every definition is kept on uninstall', async () => {
    const rendered = await renderWhole();
    const askedFor = ['ServiceMonitor', 'PodDisruptionBudget', 'NetworkPolicy', 'PrometheusRule'];
    const there = rendered.filter((object) => askedFor.includes(object.kind)).map(({ metadata }) => metadata.name);
    // The webhook has two replicas.
    expect(there).toEqual(['tekton-pipelines-webhook']);
    const namespaces = rendered.filter((object) => object.kind === 'Namespace').map(({ metadata }) => metadata.name);
    // The release's own is there before it, or made by helm.
    expect(namespaces).toEqual(['tekton-chains', 'tekton-pipelines-resolvers']);
    const definitions = rendered.filter((object) => object.kind === 'CustomResourceDefinition');
    expect(definitions.length).toBeGreaterThanOrEqual(4);
    for (const definition of definitions)
      expect(definition.metadata).toMatchObject({ annotations: { 'helm.sh/resource-policy': 'keep' } });
  });

  const settings = (rendered: Rendered[]) =>
    rendered.filter((object) => object.kind === 'ConfigMap' && !object.metadata.name.endsWith('-info'));

  it("leaves the operator's settings, and the namespaces that they are in, on uninstall", async () => {
    const rendered = await render('pruner.enabled=true');
    const kept = [...settings(rendered), ...rendered.filter(({ kind }) => kind === 'Namespace')];
    expect(kept.length).toBeGreaterThan(15);
    for (const { metadata } of kept)
      expect(metadata).toMatchObject({ annotations: { 'helm.sh/resource-policy': 'keep' } });
  });

  it("has a leader election map of every role, of upstream's name", async () => {
    const names = settings(await render()).map(({ metadata }) => metadata.name);
    expect(names.filter((name) => name.includes('leader-election')).sort()).toEqual([
      'config-leader-election',
      'config-leader-election-controller',
      'config-leader-election-events',
      'config-leader-election-resolvers',
      'config-leader-election-triggers-controller',
      'config-leader-election-triggers-webhook',
      'config-leader-election-webhook',
      'tekton-chains-config-leader-election',
    ]);
  });

  it('lets view see every kind, and edit and admin write all but what decides over their runs', async () => {
    const rendered = await render();
    const verbs = (role: string) => {
      const label = `rbac.authorization.k8s.io/aggregate-to-${role}`;
      const rules = rendered
        .filter(({ kind, metadata }) => kind === 'ClusterRole' && metadata.labels?.[label] === 'true')
        .flatMap((object) => object['rules'] as { apiGroups: string[]; resources: string[]; verbs: string[] }[]);
      return kinds.map(({ group, plural }) => [
        `${plural}.${group}`,
        ...new Set(
          rules
            .filter(({ apiGroups, resources }) => apiGroups.includes(group) && resources.includes(plural))
            .flatMap((rule) => rule.verbs)
            .sort(),
        ),
      ]);
    };
    const all = kinds.map(({ group, plural }) => `${plural}.${group}`);
    const guarded = ['verificationpolicies.tekton.dev', 'resolutionrequests.resolution.tekton.dev'];
    const write = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
    expect(verbs('view')).toEqual(all.map((name) => [name, 'get', 'list', 'watch']));
    for (const role of ['edit', 'admin'])
      expect(verbs(role)).toEqual(all.map((name) => (guarded.includes(name) ? [name] : [name, ...write])));
    expect((await render('rbac.aggregate=false')).filter(({ metadata }) => /aggregate/.test(metadata.name))).toEqual(
      [],
    );
  });

  it('writes no setting that the values do not name', async () => {
    const maps = settings(await render());
    expect(maps.map((map) => Object.keys(map['data'] as object))).toEqual(maps.map(() => ['_example']));
  });

  it('gives rights in the watched namespaces only', async () => {
    const rendered = await render('watchNamespaces={a,b}');
    const clusterWide = (objects: Rendered[]) =>
      objects.filter(({ kind }) => kind === 'ClusterRoleBinding').map(({ metadata }) => metadata.name);
    // Of kinds that are in no namespace.
    const ofNone = [
      'tekton-dashboard-backend-view',
      'tekton-pipelines-controller-cluster-access',
      'tekton-pipelines-webhook-cluster-access',
      'tekton-triggers-core-interceptors',
    ];
    expect(clusterWide(rendered).sort()).toEqual(ofNone);
    const tenantRights = [
      'tekton-chains-controller-tenant-access',
      'tekton-dashboard-tenant-view',
      'tekton-pipelines-controller-tenant-access',
      'tekton-triggers-controller-admin',
      'tekton-triggers-core-interceptors-secrets',
    ];
    for (const name of tenantRights)
      expect(
        rendered
          .filter((object) => object.kind === 'RoleBinding' && object.metadata.name === name)
          .map((object) => object.metadata.namespace),
      ).toEqual(['a', 'b']);
    const everywhere = [...tenantRights, 'tekton-dashboard-certificates-view', 'tekton-pipelines-resolvers', ...ofNone];
    expect(clusterWide(await render()).sort()).toEqual(everywhere.sort());
    expect(find(rendered, 'Deployment', 'tekton-triggers-controller')).toMatchObject(withArgs('--namespaces=a,b'));
  });

  it.each<[string, string[], string[]]>([
    ['nobody by default', [], []],
    ['where the chart says so', ['rbac.podLogs=true'], ['ClusterRole ', 'ClusterRoleBinding ']],
    ['with results from logs', ['featureFlags.results-from=sidecar-logs'], ['ClusterRole ', 'ClusterRoleBinding ']],
    ['with the last lines of logs', ['featureFlags.failed-step-log-lines=9'], ['ClusterRole ', 'ClusterRoleBinding ']],
    ['without them', ['featureFlags.failed-step-log-lines=0'], []],
    ['with results from messages', ['featureFlags.results-from=termination-message'], []],
    [
      'in the watched namespaces only',
      ['rbac.podLogs=true', 'watchNamespaces={a,b}'],
      ['ClusterRole ', 'RoleBinding a', 'RoleBinding b'],
    ],
  ])('gives the right to read logs: %s', async (_name, set, expected) => {
    const named = (await render(...set)).filter(({ metadata }) => metadata.name.endsWith('-pod-log-access'));
    expect(named.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}`)).toEqual(expected);
    for (const role of named.filter(({ kind }) => kind === 'ClusterRole'))
      expect(role['rules']).toEqual([{ apiGroups: [''], resources: ['pods/log'], verbs: ['get'] }]);
  });

  it('lets every role that elects hear of a lease that is given back, and of a holder that is gone', async () => {
    type Rule = { resources: string[]; verbs: string[] };
    const roles = (await render()).flatMap(({ kind, metadata, rules = [] }) => {
      const verbsOn = (resource: string) =>
        (rules as Rule[]).filter(({ resources }) => resources.includes(resource)).flatMap(({ verbs }) => verbs);
      if (kind !== 'Role' || verbsOn('leases').length === 0) return [];
      return [[metadata.name, verbsOn('leases').join(' '), verbsOn('pods').join(' ')]];
    });
    const rights = ['get list watch create update patch', 'get'];
    expect(roles.sort()).toEqual([
      ['tekton-chains-controller', ...rights],
      ['tekton-pipelines-controller', ...rights],
      ['tekton-pipelines-resolvers-namespace-rbac', ...rights],
      ['tekton-triggers-admin', ...rights],
    ]);
  });

  it('lets a read-only dashboard read, in its namespaces', async () => {
    const dashboards = async (...set: string[]) =>
      (await render(...set)).filter(({ metadata }) => metadata.name.startsWith('tekton-dashboard'));
    const verbs = (objects: Rendered[]) =>
      new Set(objects.flatMap(({ rules = [] }) => (rules as { verbs: string[] }[]).flatMap((rule) => rule.verbs)));
    expect([...verbs(await dashboards())].sort()).toEqual(['get', 'list', 'watch']);
    expect(verbs(await dashboards('webDashboard.readOnly=false'))).toContain('create');
    const secrets = (await dashboards('webDashboard.readOnly=false')).flatMap(({ rules }) =>
      JSON.stringify(rules ?? ''),
    );
    expect(secrets.join()).not.toMatch(/secrets|\*|impersonate|exec/);
    const bound = (objects: Rendered[]) =>
      objects.filter(({ kind }) => kind === 'RoleBinding').map(({ metadata }) => metadata.namespace);
    // How the installation is, no dashboard of some namespaces tells.
    expect(bound(await dashboards())).toEqual(['ci', 'tekton-chains', 'tekton-pipelines-resolvers']);
    expect(bound(await dashboards('chains.enabled=false', 'resolvers.namespace=ci'))).toEqual(['ci']);
    expect(bound(await dashboards('watchNamespaces={a,b}'))).toEqual(['a', 'b']);
    expect(bound(await dashboards('watchNamespaces={a,b}', 'webDashboard.namespaces={c}'))).toEqual(['c']);
  });

  it('gives the right to delete runs only to a controller that prunes', async () => {
    const rules = async (...set: string[]) =>
      (await render(...set)).flatMap((object) => (object['rules'] ?? []) as { resources: string[]; verbs: string[] }[]);
    const deletes = ({ resources, verbs }: { resources: string[]; verbs: string[] }) =>
      verbs.includes('delete') && resources.includes('pipelineruns') && !verbs.includes('deletecollection');
    expect((await rules()).filter(deletes)).toEqual([]);
    expect((await rules('pruner.enabled=true')).filter(deletes)).toEqual([
      { apiGroups: ['tekton.dev'], resources: ['pipelineruns', 'taskruns'], verbs: ['delete'] },
    ]);
    const some = await render('pruner.enabled=true', 'watchNamespaces={a,b}');
    const bound = some.filter(({ metadata }) => metadata.name === 'tekton-pipelines-controller-pruner');
    expect(bound.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}`)).toEqual([
      'ClusterRole ',
      'RoleBinding a',
      'RoleBinding b',
    ]);
    expect(find(some, 'ClusterRole', 'tekton-pipelines-controller-namespaces')['rules']).toEqual([
      { apiGroups: [''], resources: ['namespaces'], resourceNames: ['a', 'b'], verbs: ['list', 'watch'] },
    ]);
  });

  it("gives nobody but Chains a right in Chains's namespace, and every account the ConfigMap with the version alone", async () => {
    const rendered = await render('watchNamespaces={a}');
    const there = rendered.filter(({ metadata }) => metadata.namespace === 'tekton-chains');
    const bindings = there.filter(({ kind }) => kind === 'RoleBinding');
    expect(
      bindings.map(({ metadata, subjects }) => [metadata.name, (subjects as { name: string }[])[0]?.name]),
    ).toEqual([
      ['tekton-chains-controller', 'tekton-chains-controller'],
      ['tekton-chains-info-writer', 'tekton-chains-controller'],
      ['tekton-chains-info', 'system:authenticated'],
    ]);
    expect(find(there, 'Role', 'tekton-chains-info')['rules']).toEqual([
      { apiGroups: [''], resources: ['configmaps'], resourceNames: ['chains-info'], verbs: ['get'] },
    ]);
  });

  it.each([
    ['crds.install=false', 'CustomResourceDefinition'],
    ['rbac.create=false', 'ClusterRole'],
  ])('leaves out with %s every %s', async (set, kind) => {
    expect((await renderWhole(set)).filter((object) => object.kind === kind)).toEqual([]);
  });

  it('rolls no pods for a setting: each is read live', async () => {
    const annotations = async (...set: string[]) =>
      JSON.stringify(
        (find(await render(...set), 'Deployment') as unknown as { spec: { template: { metadata: object } } }).spec
          .template.metadata,
      );
    const plain = await annotations();
    expect(await annotations('configLeaderElection.buckets=4')).toBe(plain);
    expect(await annotations('configObservability.metrics\\.count\\.enable-reason=true')).toBe(plain);
    expect(await annotations('featureFlags.coschedule=disabled')).toBe(plain);
  });

  it.each([
    { set: ['--kube-version=1.30.0'], policies: 6 },
    { set: ['--kube-version=1.29.9'], policies: 0 },
    { set: ['admission.enabled=false'], policies: 0 },
  ])('has $policies admission policies with $set', async ({ set, policies }) => {
    const rendered = await render(...set);
    for (const kind of ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'])
      expect(rendered.filter((object) => object.kind === kind)).toHaveLength(policies);
  });

  it.each([
    ['controller.enabled=false,pruner.enabled=true', 'pruner.enabled needs controller.enabled'],
    ['contoller.replicas=2', "at '': additional properties 'contoller' not allowed"],
    ['controller.replcas=2', "at '/controller': additional properties 'replcas' not allowed"],
    ['controller.replicas=two', "at '/controller/replicas': got string, want integer"],
    ['chains.enabled=maybe', "at '/chains/enabled': got string, want boolean"],
    ['images.tektite.digest=abc', "at '/images/tektite/digest': 'abc' does not match pattern"],
    ['networkPolicy.cloudIdentity=gcp', "at '/networkPolicy/cloudIdentity': value must be one of 'none', 'aws'"],
    ['serviceMonitor.intervall=1s', "at '/serviceMonitor': additional properties 'intervall' not allowed"],
    [
      'controller.replicas=2,controller.podDisruptionBudget.minAvailable=2',
      'controller.podDisruptionBudget.minAvailable is 2 with 2 replicas: no node could be drained',
    ],
    [
      'networkPolicy.enabled=true,serviceMonitor.enabled=true',
      'networkPolicy.scrapers is empty while serviceMonitor.enabled: nobody could read the metrics',
    ],
  ])('refuses %s: %s', async (set, message) => {
    await expect(render(set)).rejects.toThrow(message);
  });

  it('describes in its schema every value that there is, and no other', () => {
    const read = (name: string) => readFileSync(path.join(root, 'config/chart', name), 'utf8');
    const schema = JSON.parse(read('values.schema.json')) as Schema;
    expect(described(schema, schema)).toEqual([...leaves(parse(read('values.yaml'))), 'global'].sort());
  });
});

interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
}

/** Paths of the values that a schema lets be set, down to those that are open. */
function described(schema: Schema, whole: Schema, at = ''): string[] {
  const node = schema.$ref === undefined ? schema : (whole.$defs?.[schema.$ref.split('/').at(-1) ?? ''] ?? schema);
  if (node.properties === undefined || node.additionalProperties !== false) return [at];
  return Object.entries(node.properties)
    .flatMap(([name, child]) => described(child, whole, at ? `${at}.${name}` : name))
    .sort();
}

function leaves(value: unknown, at = ''): string[] {
  const isOpen =
    typeof value !== 'object' || value === null || Array.isArray(value) || isResources(value) || isLabels(at);
  if (isOpen || Object.keys(value).length === 0) return [at];
  return Object.entries(value).flatMap(([name, child]) => leaves(child, at ? `${at}.${name}` : name));
}

/** The open objects that are not empty. */
const isResources = (value: object) => 'limits' in value && 'requests' in value;
const isLabels = (at: string) => at === 'dashboard.labels';
