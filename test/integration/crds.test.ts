import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { Server, type Answer, type Json } from './https-server.ts';

/**
 * The CRDs of crds/ on a real API server, which refuses a schema that is not structural. TEKTITE_TEST_KUBECONFIG names
 * the server; TEKTITE_TEST_MANIFESTS may name a folder of YAML files of tekton.dev/v1 that must all be accepted (dry
 * run).
 */
const folder = join(import.meta.dirname, '..', '..', 'crds');
const namespace = `crds-${process.pid}`;
const group = '/apis/tekton.dev/v1';

const server = new Server(process.env['TEKTITE_TEST_KUBECONFIG'] ?? '');

/** Creates as `kubectl create --validate=strict` does: unknown and repeated fields are errors. */
function create(plural: string, body: Json, dryRun = false): Promise<Answer> {
  const query = `?fieldValidation=Strict${dryRun ? '&dryRun=All' : ''}`;
  return server.call('POST', `${group}/namespaces/${namespace}/${plural}${query}`, { body });
}

beforeAll(async () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml'))) {
    const crd = parse(readFileSync(join(folder, file), 'utf8')) as { metadata: { name: string } };
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${crd.metadata.name}`;
    const { status, body } = await server.apply(path, crd, 'crds-test');
    expect([file, status, body.message], `${file} must be taken by the API server`).toEqual([
      file,
      expect.toBeOneOf([200, 201]),
      undefined,
    ]);
    await server.established(crd.metadata.name);
  }
  const { status } = await server.call('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } });
  expect(status).toBe(201);
});

afterAll(async () => {
  await server.call('DELETE', `/api/v1/namespaces/${namespace}`);
});

let serial = 0;
function object(kind: string, spec: Json, more: Json = {}): Json {
  serial += 1;
  return {
    apiVersion: 'tekton.dev/v1',
    kind,
    metadata: { name: `o-${serial}`, creationTimestamp: null },
    spec,
    ...more,
  };
}

const steps = [{ name: 'a', image: 'busybox', script: 'echo hello' }];
const values = [
  { name: 'text', value: 'a' },
  { name: 'number', value: 3 },
  { name: 'truth', value: true },
  { name: 'list', value: ['a', 'b'] },
  { name: 'empty', value: [] },
  { name: 'mixed', value: [1, { a: ['x'] }] },
  { name: 'object', value: { k: 'v' } },
  { name: 'nested', value: { k: { l: [1] } } },
];

describe('objects that are accepted', () => {
  const rows: { name: string; plural: string; object: Json }[] = [
    {
      name: 'Task with every part',
      plural: 'tasks',
      object: object('Task', {
        description: 'd',
        displayName: 'D',
        params: [
          { name: 'p', type: 'string', default: 'x', enum: ['x'] },
          { name: 'l', type: 'array', default: ['a'] },
          { name: 'o', type: 'object', properties: { k: { type: 'string' } }, default: { k: 'v' } },
        ],
        results: [{ name: 'r', type: 'object', properties: { k: { type: 'string' } }, value: '$(steps.a.results.r)' }],
        workspaces: [{ name: 'w', mountPath: '/w', readOnly: true, optional: true }],
        volumes: [
          { name: 'v', csi: { driver: 'd', volumeAttributes: { a: 'b' } } },
          { name: 'e', emptyDir: {} },
        ],
        stepTemplate: {
          env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }],
          securityContext: { runAsUser: 1 },
          computeResources: {},
        },
        steps: [
          {
            image: 'a',
            computeResources: { requests: { cpu: '500m', memory: 1 }, limits: { memory: '$(params.memory)' } },
            timeout: '5m',
            onError: 'continue',
            envFrom: [{ prefix: 'P', configMapRef: { name: 'c' } }],
          },
          {
            name: 'b',
            ref: { resolver: 'git', params: values },
            params: values,
            when: [{ input: 'a', operator: 'in', values: ['a'] }],
            results: [{ name: 'r' }],
          },
          {
            name: 'c',
            image: 'a',
            command: ['c'],
            args: ['x'],
            volumeMounts: [{ name: 'v', mountPath: '/v', subPath: 's' }],
            volumeDevices: [{ name: 'v', devicePath: '/d' }],
            workspaces: [{ name: 'w', mountPath: '/x' }],
            stdoutConfig: { path: '/o' },
          },
        ],
        sidecars: [
          {
            name: 's',
            image: 'a',
            ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'UDP' }],
            readinessProbe: { httpGet: { port: 80, path: '/' } },
            lifecycle: { preStop: { exec: { command: ['x'] } } },
            restartPolicy: 'Always',
          },
        ],
      }),
    },
    {
      name: 'TaskRun with params of all shapes',
      plural: 'taskruns',
      object: object('TaskRun', { taskRef: { name: 't', kind: 'Task' }, params: values }),
    },
    {
      name: 'TaskRun with every part',
      plural: 'taskruns',
      object: object('TaskRun', {
        taskSpec: { steps, params: values.map(({ name, value }) => ({ name, default: value })) },
        serviceAccountName: 's',
        status: 'TaskRunPending',
        statusMessage: 'm',
        retries: 2,
        timeout: '1h',
        managedBy: 'tekton.dev/pipeline',
        debug: { breakpoints: { onFailure: 'enabled', beforeSteps: ['a'] } },
        stepSpecs: [{ name: 'a', computeResources: { limits: { cpu: 1 } } }],
        sidecarSpecs: [{ name: 's', computeResources: {} }],
        computeResources: { requests: { cpu: 1 } },
        podTemplate: {
          nodeSelector: { a: 'b' },
          env: [{ name: 'A', value: 'b' }],
          tolerations: [{ key: 'k', operator: 'Exists' }],
          affinity: { nodeAffinity: {} },
          securityContext: { fsGroup: 1 },
          volumes: [{ name: 'v', emptyDir: {} }],
          dnsConfig: { nameservers: ['1.1.1.1'] },
          hostAliases: [{ ip: '1.1.1.1', hostnames: ['h'] }],
          hostUsers: false,
          imagePullSecrets: [{ name: 's' }],
          topologySpreadConstraints: [{ maxSkew: 1 }],
        },
        workspaces: [
          { name: 'a', emptyDir: {} },
          { name: 'b', persistentVolumeClaim: { claimName: 'c', readOnly: true }, subPath: 's' },
          { name: 'c', configMap: { name: 'c', items: [{ key: 'k', path: 'p' }] } },
          { name: 'd', secret: { secretName: 's' } },
          { name: 'e', projected: { sources: [{ secret: { name: 's' } }] } },
          { name: 'f', csi: { driver: 'd', readOnly: true } },
          {
            name: 'g',
            volumeClaimTemplate: {
              metadata: { creationTimestamp: null },
              spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
              status: {},
            },
          },
        ],
      }),
    },
    {
      name: 'Pipeline with every part, as a Go client sends it',
      plural: 'pipelines',
      object: object('Pipeline', {
        displayName: 'D',
        description: 'd',
        params: [{ name: 'p', type: '' }],
        workspaces: [{ name: 'w', optional: true }],
        results: [{ name: 'r', description: '', value: ['$(tasks.a.results.x)'] }],
        tasks: [
          {
            name: 'a',
            taskSpec: { metadata: {}, spec: null, steps: [{ ...steps[0], computeResources: {} }] },
            runAfter: ['b'],
            retries: 1,
            timeout: '5m',
            onError: 'continue',
            when: [{ cel: 'true' }],
            workspaces: [{ name: 'x', workspace: 'w', subPath: 's' }],
          },
          {
            name: 'b',
            taskSpec: {
              apiVersion: 'x.dev/v1',
              kind: 'Wait',
              spec: { any: { thing: [1] } },
              metadata: { labels: { a: 'b' } },
            },
          },
          {
            name: 'c',
            displayName: 'C',
            description: 'd',
            taskRef: { resolver: 'git', params: values },
            params: values,
            matrix: {
              params: [{ name: 'os', value: ['a'] }],
              include: [{ name: 'i', params: [{ name: 'os', value: 'b' }] }],
            },
          },
          { name: 'd', pipelineSpec: { tasks: [{ name: 'x', pipelineSpec: { tasks: [] } }] } },
        ],
        finally: [{ name: 'f', taskRef: { name: 't', apiVersion: 'x.dev/v1', kind: 'K' } }],
      }),
    },
    {
      name: 'PipelineRun with every part',
      plural: 'pipelineruns',
      object: object(
        'PipelineRun',
        {
          pipelineSpec: { tasks: [{ name: 'a', taskSpec: { steps } }] },
          params: values,
          status: 'PipelineRunPending',
          timeouts: { pipeline: '1h0m0s', tasks: '30m', finally: '0' },
          managedBy: 'x',
          taskRunTemplate: { serviceAccountName: 's', podTemplate: { hostNetwork: true } },
          workspaces: [{ name: 'w', emptyDir: { medium: 'Memory', sizeLimit: '1Gi' } }],
          taskRunSpecs: [
            {
              pipelineTaskName: 'a',
              serviceAccountName: 's',
              podTemplate: {},
              stepSpecs: [],
              sidecarSpecs: [],
              metadata: { labels: {}, annotations: {} },
              computeResources: {},
              timeout: '5m',
            },
          ],
        },
        { status: {} },
      ),
    },
    {
      name: 'PipelineRun by reference',
      plural: 'pipelineruns',
      object: object('PipelineRun', { pipelineRef: { resolver: 'hub', params: [{ name: 'name', value: 'x' }] } }),
    },
  ];
  test.each(rows)('$name', async ({ plural, object: sent }) => {
    // Of a name that is new also where this is tried again.
    const { name: _name, ...metadata } = sent['metadata'] as Json;
    const { status, body } = await create(plural, { ...sent, metadata: { ...metadata, generateName: 'o-' } });
    expect([status, body.message]).toEqual([201, undefined]);
    const spec = sent['spec'] as Json;
    expect(withoutDefaults(body['spec'])).toEqual(withoutDefaults(spec));
  });
});

/**
 * Leaves out what the server adds or drops on purpose: the empty name of a step, TCP, the kind of a reference (Task),
 * and the `spec: null` of Go clients.
 */
function withoutDefaults(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(withoutDefaults);
  if (typeof tree !== 'object' || tree === null) return tree;
  const added: Record<string, unknown> = { name: '', protocol: 'TCP', kind: 'Task' };
  const kept = Object.entries(tree).filter(([key, value]) => value !== null && added[key] !== value);
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutDefaults(value)]));
}

test('a pipeline inside a PipelineRun is left to the reconciler, which takes field names in any case as upstream', async () => {
  const { status } = await create(
    'pipelineruns',
    object('PipelineRun', { pipelineSpec: { tasks: [{ name: 'a', taskSpec: { stpes: [] } }] } }),
    true,
  );
  expect(status).toBe(201);
});

describe('objects that are refused', () => {
  const rows: { name: string; plural: string; object: Json; message: RegExp }[] = [
    {
      name: 'unknown field of a spec',
      plural: 'taskruns',
      object: object('TaskRun', { taskRef: { name: 't' }, timout: '1h' }),
      message: /unknown field "spec\.timout"/,
    },
    {
      name: 'unknown field of a step',
      plural: 'tasks',
      object: object('Task', { steps: [{ image: 'a', comand: ['x'] }] }),
      message: /unknown field "spec\.steps\[0\]\.comand"/,
    },
    {
      name: 'unknown field of a Pipeline',
      plural: 'pipelines',
      object: object('Pipeline', { tasks: [{ name: 'a', taskSpec: { stpes: [] } }] }),
      message: /unknown field "spec\.tasks\[0\]\.taskSpec\.stpes"/,
    },
    {
      name: 'bundle, which v1 has no more',
      plural: 'taskruns',
      object: object('TaskRun', { taskRef: { name: 't', bundle: 'b' } }),
      message: /unknown field "spec\.taskRef\.bundle"/,
    },
    {
      name: 'wrong type',
      plural: 'taskruns',
      object: object('TaskRun', { taskRef: { name: 't' }, retries: 'two' }),
      message: /spec\.retries.*must be of type integer/,
    },
    {
      name: 'param without value',
      plural: 'taskruns',
      object: object('TaskRun', { taskRef: { name: 't' }, params: [{ name: 'p' }] }),
      message: /spec\.params\[0\]\.value: Required value/,
    },
    {
      name: 'no quantity',
      plural: 'tasks',
      object: object('Task', { steps: [{ image: 'a', computeResources: { limits: { memory: 'lots' } } }] }),
      message: /memory.*should match/,
    },
    {
      name: 'port twice',
      plural: 'tasks',
      object: object('Task', {
        steps,
        sidecars: [{ name: 's', ports: [{ containerPort: 80 }, { containerPort: 80 }] }],
      }),
      message: /Duplicate value/,
    },
  ];
  test.each(rows)('$name', async ({ plural, object: sent, message }) => {
    const { status, body } = await create(plural, sent, true);
    expect(status).toBeOneOf([400, 422]);
    expect(body.message).toMatch(message);
  });
});

describe('what users and controllers build on', () => {
  test('status is a resource of its own, and generation counts changes of the spec only', async () => {
    const sent = object('TaskRun', { taskRef: { name: 't' } });
    const { body: created } = await create('taskruns', sent);
    const name = (sent['metadata'] as { name: string }).name;
    const path = `${group}/namespaces/${namespace}/taskruns/${name}`;
    const status = {
      conditions: [
        {
          type: 'Succeeded',
          status: 'Unknown',
          reason: 'Running',
          message: 'm',
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
      ],
      podName: 'p',
      startTime: '2026-01-01T00:00:00Z',
      observedGeneration: 1,
      steps: [
        {
          name: 'a',
          container: 'step-a',
          terminated: {
            exitCode: 1,
            reason: 'Error',
            startedAt: '2026-01-01T00:00:00Z',
            finishedAt: '2026-01-01T00:00:01Z',
          },
          terminationReason: 'Error',
          results: [{ name: 'r', type: 'array', value: ['x'] }],
        },
      ],
      taskSpec: { steps, anything: { later: true } },
      provenance: { featureFlags: { coschedule: 'workspaces' } },
      retriesStatus: [{ podName: 'old', conditions: [] }],
      results: [{ name: 'r', value: { k: 'v' } }],
    };
    const { status: code, body } = await server.call('PUT', `${path}/status?fieldValidation=Strict`, {
      body: { ...created, status },
    });
    expect([code, body.message]).toEqual([200, undefined]);
    expect(body['status']).toEqual(status);
    expect((body['metadata'] as { generation: number }).generation).toBe(1);
  });

  test('columns of kubectl get', async () => {
    const { body } = await server.call(
      'GET',
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/pipelineruns.tekton.dev',
    );
    const spec = body['spec'] as { names: Json; versions: { additionalPrinterColumns: { name: string }[] }[] };
    expect(spec.names).toMatchObject({ shortNames: ['pr', 'prs'], categories: ['tekton', 'tekton-pipelines'] });
    expect(spec.versions[0]?.additionalPrinterColumns.map(({ name }) => name)).toEqual([
      'Succeeded',
      'Reason',
      'StartTime',
      'CompletionTime',
    ]);
  });
});

const plurals: Readonly<Record<string, string>> = {
  Task: 'tasks',
  TaskRun: 'taskruns',
  Pipeline: 'pipelines',
  PipelineRun: 'pipelineruns',
};

function manifests(root: string): { name: string; plural: string; object: Json }[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.ya?ml$/.test(file))
    .flatMap((file) =>
      parseAllDocuments(readFileSync(join(root, file), 'utf8')).flatMap((document, index) => {
        const content = document.toJS() as { apiVersion?: string; kind?: string; metadata?: Json } | null;
        const plural = content?.apiVersion === 'tekton.dev/v1' ? plurals[content.kind ?? ''] : undefined;
        if (!content || plural === undefined) return [];
        return [
          {
            name: `${file}#${index}`,
            plural,
            object: { ...content, metadata: { ...content.metadata, namespace } },
          },
        ];
      }),
    );
}

const given = process.env['TEKTITE_TEST_MANIFESTS'];
if (given) {
  describe(`manifests of ${given}`, () => {
    test.each(manifests(given))('$name', async ({ plural, object: sent }) => {
      const { status, body } = await create(plural, sent, true);
      expect([status, body.message]).toEqual([201, undefined]);
    });
  });
}
