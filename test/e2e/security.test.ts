import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { command, root } from '../../hack/command.ts';
import { accessFlags, programPath } from '../../hack/deploy/pick-cluster.ts';
import { systemNamespace } from '../../hack/deploy/install.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { succeededCondition } from '../../src/core/condition.ts';
import { namespaces, persistentVolumeClaims, pods } from '../../src/kube/resources.ts';
import { openWorkbench } from './cluster.ts';
import { Installation, controllerPods, scrape } from './installation.ts';

/** What the controller may do and may not, and runs in namespaces that forbid much. */
const image = 'docker.io/library/busybox:1.36';
const bench = openWorkbench('security');
const account = `system:serviceaccount:${systemNamespace}:tekton-pipelines-controller`;
let installation: Installation;

beforeAll(async () => {
  installation = await Installation.open();
});
afterAll(() => installation.close());

/** What can-i answers for the controller's ServiceAccount. It exits with 1 for "no". */
async function may(...question: string[]): Promise<boolean> {
  const answer = await installation
    .kubectl(['auth', 'can-i', `--as=${account}`, ...question])
    .catch((error: Error & { output?: string }) => {
      if (/^(Warning.*\n)?no/m.test(error.output ?? '')) return 'no';
      throw error;
    });
  return answer.trim().endsWith('yes');
}

describe("the controller's ServiceAccount", () => {
  it.each(
    [
      ['list', 'secrets', '--all-namespaces'],
      ['watch', 'secrets', '--all-namespaces'],
      ['create', 'secrets', '--all-namespaces'],
      ['list', 'secrets', '--namespace=default'],
      ['delete', 'taskruns.tekton.dev', '--all-namespaces'],
      ['delete', 'pipelineruns.tekton.dev', '--all-namespaces'],
      ['patch', 'tasks.tekton.dev', '--all-namespaces'],
      ['create', 'deployments.apps', '--all-namespaces'],
      ['create', 'statefulsets.apps', '--all-namespaces'],
      ['get', 'configmaps', '--namespace=default'],
      ['list', 'configmaps', '--all-namespaces'],
      ['update', 'configmaps'],
      ['list', 'persistentvolumeclaims', '--all-namespaces'],
      ['get', 'leases.coordination.k8s.io', '--namespace=kube-system'],
      ['delete', 'leases.coordination.k8s.io'],
      ['create', 'pods', '--subresource=exec', '--all-namespaces'],
      ['get', 'pods', '--subresource=log', '--all-namespaces'],
      ['create', 'serviceaccounts', '--subresource=token', '--all-namespaces'],
      ['patch', 'customresourcedefinitions.apiextensions.k8s.io', '--all-namespaces'],
      ['list', 'nodes', '--all-namespaces'],
      ['list', 'namespaces', '--all-namespaces'],
      ['create', 'clusterrolebindings.rbac.authorization.k8s.io', '--all-namespaces'],
      ['escalate', 'clusterroles.rbac.authorization.k8s.io', '--all-namespaces'],
      ['impersonate', 'users', '--all-namespaces'],
    ].map((words) => ({ question: words.join(' '), words })),
  )('may not $question', async ({ words }) => {
    expect(await may(...words)).toBe(false);
  });

  it.each(
    [
      ['create', 'pods', '--all-namespaces'],
      ['update', 'taskruns.tekton.dev', '--subresource=status', '--all-namespaces'],
      ['get', 'secrets', '--namespace=default'],
      ['update', 'leases.coordination.k8s.io'],
    ].map((words) => ({ question: words.join(' '), words })),
  )('may $question, as the same question tells', async ({ words }) => {
    expect(await may(...words)).toBe(true);
  });

  it('is never refused anything that the controller asks for', async () => {
    await bench.runPipeline(
      {
        workspaces: [
          {
            name: 'disk',
            volumeClaimTemplate: {
              spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '16Mi' } } },
            },
          },
        ],
        pipelineSpec: {
          workspaces: [{ name: 'disk' }],
          tasks: [
            {
              name: 'write',
              workspaces: [{ name: 'data', workspace: 'disk' }],
              taskSpec: {
                workspaces: [{ name: 'data' }],
                steps: [{ name: 'w', image, script: '#!/bin/sh\ntouch $(workspaces.data.path)/note\n' }],
              },
            },
          ],
        },
      },
      { generateName: 'cleaned-', annotations: { 'tekton.dev/auto-cleanup-pvc': 'true' } },
    );
    // The pod that mentions the claim is still there: the claim goes only if the controller may free it.
    await expect
      .poll(
        async () => (await bench.client.list(persistentVolumeClaims, { namespace: bench.namespace })).items.length,
        { timeout: 20_000 },
      )
      .toBe(0);
    expect((await bench.client.list(pods, { namespace: bench.namespace })).items).not.toEqual([]);
    const samples = [...(await scrape(bench.client)).keys()].filter((sample) =>
      sample.startsWith('http_client_request_duration_seconds_count{'),
    );
    expect(samples.length).toBeGreaterThan(5);
    // Pods are refused for what users write into them, too; that the controller may create them is asked above.
    const refused = samples.filter(
      (sample) =>
        /http_response_status_code="40[13]"/.test(sample) &&
        !(sample.includes('verb="create"') && sample.includes('resource="pods"')),
    );
    expect(refused).toEqual([]);
  });
});

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}
interface Role {
  kind: string;
  metadata: { name: string };
  rules: Rule[];
}

/** Where the sources use each right: the file's text has to hold all of these. */
const uses: Record<string, [file: string, ...texts: string[]]> = {
  'get tasks pipelines stepactions': ['src/reconcilers/supply/definitions.ts', 'client.get(resource, namespace, name'],
  'list watch tasks pipelines pipelineruns taskruns customruns pods limitranges resolutionrequests verificationpolicies':
    ['src/controller/caches.ts', 'new Informer'],
  'get create resolutionrequests': [
    'src/resolvers/supply/supplier.ts',
    'client.create(resolutionRequests',
    'new AnswerReader(',
  ],
  'patch resolutionrequests/status': ['src/resolvers/requests/reconciler.ts', 'client.patch(resolutionRequests'],
  'get create patch taskruns customruns pipelineruns': [
    'src/reconcilers/pipelinerun/children.ts',
    'TaskRun: taskRunResource',
    'CustomRun: customRunResource',
    'PipelineRun: pipelineRunResource',
    'client.get(resource',
    'client.create(resource',
    'client.patch(resources[kind]',
  ],
  'update pipelineruns/status': ['src/reconcilers/pipelinerun/reconciler.ts', 'resource: pipelineRunResource'],
  'update taskruns/status': ['src/reconcilers/taskrun/reconciler.ts', 'resource: taskRunResource'],
  // The API server asks for this right (OwnerReferencesPermissionEnforcement) of who makes an object with a blocking
  // owner.
  'update pipelineruns/finalizers taskruns/finalizers': ['src/core/pod/build.ts', 'blockOwnerDeletion: true'],
  'get create patch delete pods': [
    'src/reconcilers/taskrun/apply.ts',
    'client.get(pods',
    'client.create(pods',
    'client.patch(pods',
    'client.delete(pods',
  ],
  'get create delete patch persistentvolumeclaims': [
    'src/reconcilers/pipelinerun/apply.ts',
    'client.get(persistentVolumeClaims',
    'client.create(persistentVolumeClaims',
    'client.delete(persistentVolumeClaims',
    'client.patch(persistentVolumeClaims',
  ],
  'get serviceaccounts secrets': [
    'src/reconcilers/supply/credentials.ts',
    'client.get(serviceAccounts',
    'client.get(secrets',
  ],
  'get nodes': ['src/reconcilers/supply/group-node.ts', 'client.get(nodes'],
  'list events': ['src/reconcilers/supply/pod-warning.ts', 'client.list(events'],
  'create patch events': ['src/kube/events.ts', 'client.create(events', 'client.patch(events'],
  'list watch configmaps': ['src/controller/settings.ts', 'new Informer'],
  'get create update patch leases': ['src/kube/lease.ts', '.get(leases', '.create(leases', '.replace(leases'],
  'get pods': ['src/kube/lease-holder.ts', 'client.get(pods'],
  'list watch leases': ['src/kube/buckets.ts', 'new Informer', 'client.patch(leases'],
};

/** The same of the rights that the controller of Triggers has everywhere. */
const usesOfTriggers: typeof uses = {
  'list watch eventlisteners triggers deployments services poddisruptionbudgets endpointslices': [
    'src/triggers/eventlistener/caches.ts',
    'new Informer',
    'cache(eventListeners',
    'cache(triggers',
    'cache(deployments',
    'cache(services',
    'cache(podDisruptionBudgets',
    'cache(endpointSlices',
  ],
  'create patch endpointslices': [
    'src/triggers/eventlistener/reconciler.ts',
    'applied(options, endpointSlices',
    'client.patch(resource',
  ],
  'delete endpointslices endpoints': [
    'src/triggers/shared-sink/keeper.ts',
    'client.delete(endpoints',
    '.delete(endpointSlices',
  ],
  'delete deployments': ['src/triggers/eventlistener/reconciler.ts', 'client.delete(deployments'],
  'create localsubjectaccessreviews': ['src/triggers/shared-sink/rights.ts', 'client.create(localAccessReviews'],
  'get triggers': ['src/triggers/schedule/selection-reconciler.ts', 'client.get(triggers'],
  'update eventlisteners/status': ['src/triggers/eventlistener/reconciler.ts', 'client.replaceStatus(eventListeners'],
  'update triggers/status': ['src/triggers/schedule/selection-reconciler.ts', 'client.replaceStatus(triggers'],
  'update eventlisteners/finalizers': ['src/triggers/eventlistener/metadata.ts', 'blockOwnerDeletion: true'],
  // Server-side apply creates what is not there.
  'create patch deployments services': [
    'src/triggers/eventlistener/reconciler.ts',
    'applied(options, deployments',
    'applied(options, services',
    'client.patch(resource',
  ],
  'create patch delete poddisruptionbudgets': [
    'src/triggers/eventlistener/reconciler.ts',
    'applied(options, podDisruptionBudgets',
    'client.delete(podDisruptionBudgets',
  ],
  'create patch events': ['src/kube/events.ts', 'client.create(events', 'client.patch(events'],
};

/** The same of the rights that the shared sink has: to act as others is what their namespaces give. */
const usesOfSharedSink: typeof uses = {
  'list watch configmaps': ['src/triggers/shared-sink/main.ts', 'new Informer', 'resource: configMaps'],
  'patch configmaps': ['src/triggers/shared-sink/main.ts', 'client.patch(configMaps'],
};

/** The same of what the dashboard's own rights show of the installation, where nobody brings rights of his own. */
const usesOfDashboard: typeof uses = {
  'list deployments leases': ['src/doctor/observe.ts', "apps('deployments')", "coordination('leases')"],
  'get mutatingwebhookconfigurations validatingwebhookconfigurations': [
    'src/doctor/observe.ts',
    '/apis/admissionregistration.k8s.io/v1/${plural}/${name}',
    'eachOf(configurations',
  ],
};

/** "verb resource" of all that the words of a use name. */
function rights(words: string): string[] {
  const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
  const all = words.split(' ');
  return all
    .filter((word) => verbs.includes(word))
    .flatMap((verb) => all.filter((word) => !verbs.includes(word)).map((resource) => `${verb} ${resource}`));
}

describe('the roles in the chart', () => {
  async function rolesOf(template: string): Promise<Role[]> {
    const helm = await programPath(installation.target, 'helm');
    const chart = ['template', 'tektite', 'config/chart', '--namespace', systemNamespace];
    const set = ['--set', 'triggers.sharedSink.enabled=true'];
    const rendered = await command([helm, ...chart, ...set, '--show-only', `templates/${template}`]);
    return parseAllDocuments(rendered).flatMap((document) => (document.toJS() as Role | null) ?? []);
  }

  it.each<[string, string, (role: Role) => boolean, typeof uses]>([
    [
      'the controller',
      'rbac.yaml',
      ({ kind, metadata }) => /Role$/.test(kind) && metadata.name.startsWith('tekton-pipelines-controller'),
      uses,
    ],
    [
      'the controller of Triggers',
      'triggers.yaml',
      ({ kind, metadata }) => kind === 'ClusterRole' && metadata.name === 'tekton-triggers-admin',
      usesOfTriggers,
    ],
    ['the shared sink', 'shared-sink.yaml', ({ kind }) => /Role$/.test(kind), usesOfSharedSink],
    [
      'the dashboard, of the installation,',
      'dashboard.yaml',
      ({ kind, metadata }) => kind === 'ClusterRole' && /-(?:system|certificates)-view$/.test(metadata.name),
      usesOfDashboard,
    ],
  ])('grant %s exactly what the sources use', async (_name, template, isMeant, used) => {
    const granted = (await rolesOf(template))
      .filter(isMeant)
      .flatMap(({ rules }) =>
        rules.flatMap((rule) => rule.verbs.flatMap((verb) => rule.resources.map((resource) => `${verb} ${resource}`))),
      );
    expect([...new Set(granted)].sort()).toEqual([...new Set(Object.keys(used).flatMap(rights))].sort());
    expect(granted.filter((right) => right.includes('*'))).toEqual([]);
  });

  it.each([uses, usesOfTriggers, usesOfSharedSink, usesOfDashboard].flatMap((used) => Object.entries(used)))(
    '%s is used',
    (_right, [file, ...texts]) => {
      // How a call is broken into lines says nothing.
      const withoutSpace = (text: string) => text.replaceAll(/\s/g, '');
      const source = withoutSpace(readFileSync(path.join(root, file), 'utf8'));
      for (const text of texts) expect(source).toContain(withoutSpace(text));
    },
  );

  it('give edit and view the kinds of Tekton', async () => {
    const as = ['--as=developer', '--namespace', bench.namespace];
    await installation.kubectl([
      'create',
      'rolebinding',
      'developers',
      '--clusterrole=edit',
      '--user=developer',
      '--namespace',
      bench.namespace,
    ]);
    // Aggregated roles are filled by a controller, a moment after the install.
    await expect
      .poll(
        () =>
          installation.kubectl(['auth', 'can-i', 'create', 'pipelineruns.tekton.dev', ...as]).then(
            (answer) => answer.trim(),
            () => 'no',
          ),
        { timeout: 15_000 },
      )
      .toBe('yes');
    await expect(
      installation.kubectl([
        'auth',
        'can-i',
        'create',
        'pipelineruns.tekton.dev',
        '--as=stranger',
        '--namespace',
        bench.namespace,
      ]),
    ).rejects.toThrow(/no/);
  });
});

describe('the system namespace', () => {
  it("may enforce the restricted standard: the controller's pods comply", async () => {
    const flags = accessFlags(installation.target, 'kubectl');
    const label = ['label', 'namespace', systemNamespace, '--overwrite', '--dry-run=server'];
    // A violation is a warning on standard error, so standard error is joined in.
    const shell = `exec "$0" "$@" 2>&1`;
    const kubectl = await programPath(installation.target, 'kubectl');
    const said = await command([
      'sh',
      '-c',
      shell,
      kubectl,
      ...flags,
      ...label,
      'pod-security.kubernetes.io/enforce=restricted',
    ]);
    expect(said).not.toMatch(/violate/i);
    for (const pod of await controllerPods(bench.client)) {
      expect(pod.spec?.containers?.[0]?.securityContext).toMatchObject({
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      });
    }
  });
});

const compliant = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  runAsUser: 65532,
  seccompProfile: { type: 'RuntimeDefault' },
};

describe('a namespace that enforces the restricted standard', () => {
  beforeAll(async () => {
    await bench.client.patch(namespaces, undefined, bench.namespace, {
      type: 'merge',
      body: { metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } },
    });
  });
  afterAll(async () => {
    await bench.client.patch(namespaces, undefined, bench.namespace, {
      type: 'merge',
      body: { metadata: { labels: { 'pod-security.kubernetes.io/enforce': null } } },
    });
  });

  const taskSpec = (stepTemplate?: object): TaskRun['spec']['taskSpec'] => ({
    ...(stepTemplate ? { stepTemplate } : {}),
    workspaces: [{ name: 'data' }],
    results: [{ name: 'note' }],
    steps: [
      {
        name: 'script',
        image,
        workingDir: '$(workspaces.data.path)/deep',
        script: '#!/bin/sh\nset -e\nid -u > ../note\n',
      },
      {
        name: 'command',
        image,
        command: ['sh', '-c', 'tr -d "\\n" < $(workspaces.data.path)/note > $(results.note.path)'],
      },
    ],
  });

  it('runs steps that comply: scripts, results, workspaces and working folders', async () => {
    const run = await bench.runTask({
      workspaces: [{ name: 'data', emptyDir: {} }],
      podTemplate: { securityContext: { runAsNonRoot: true, fsGroup: 65532 } },
      taskSpec: taskSpec({ securityContext: compliant }),
    });
    expect(succeededCondition(run.status)?.message).toBe('All Steps have completed executing');
    expect(run.status?.results?.[0]?.value).toBe('65532');
  });

  it('refuses steps that do not, and the run says why', async () => {
    const run = await bench.runTask({ workspaces: [{ name: 'data', emptyDir: {} }], taskSpec: taskSpec() });
    expect(succeededCondition(run.status)).toMatchObject({
      status: 'False',
      reason: 'PodAdmissionFailed',
      message: expect.stringContaining('violates PodSecurity') as string,
    });
  });
});
