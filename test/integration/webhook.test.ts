import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refusals, refusedObjects } from '../admission/refused.ts';
import type { Answer, Json } from './https-server.ts';
import { addressOf, systemNamespace, WebhookWorld } from './webhook-world.ts';

/** The webhook on a real API server: what is created is filled up, checked and converted, and who may write what. */
const controller = 'system:serviceaccount:tekton-pipelines:tekton-pipelines-controller';
const resolver = 'system:serviceaccount:tekton-pipelines-resolvers:tekton-pipelines-resolvers';
const v1 = 'tekton.dev/v1';
const v1beta1 = 'tekton.dev/v1beta1';

let world: WebhookWorld;
beforeAll(async () => {
  world = await WebhookWorld.up('webhook');
  await world.start();
  await grantEverything();
  await world.until('the API server calls it', async () => (await world.create(run({}))).status === 400);
}, 300_000);
afterAll(() => world?.down());

async function grantEverything(): Promise<void> {
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const metadata = { name: 'everything' };
  const rules = [{ apiGroups: ['tekton.dev', 'resolution.tekton.dev', ''], resources: ['*'], verbs: ['*'] }];
  const apiGroup = 'rbac.authorization.k8s.io';
  const subjects = ['tenant', controller, resolver].map((name) => ({ kind: 'User', name, apiGroup }));
  await world.call('POST', `${rbac}/clusterroles`, { metadata, rules });
  const roleRef = { apiGroup, kind: 'ClusterRole', name: 'everything' };
  await world.call('POST', `${rbac}/clusterrolebindings`, { metadata, roleRef, subjects });
}

let serial = 0;
function object(kind: string, spec: Json, apiVersion = v1, annotations?: Record<string, string>) {
  serial += 1;
  return { apiVersion, kind, metadata: { name: `o-${serial}`, ...(annotations ? { annotations } : {}) }, spec };
}

function run(spec: Json, annotations?: Record<string, string>) {
  return object('TaskRun', spec, v1, annotations);
}

async function created(given: ReturnType<typeof object>, as?: string): Promise<Json> {
  const { status, body } = await world.create(given, as);
  expect([status, body.message]).toEqual([201, undefined]);
  return body;
}

function nameOf(body: Json): string {
  return (body['metadata'] as { name: string }).name;
}

const steps = [{ image: 'busybox', script: 'true' }];

describe('defaults', () => {
  it('are in what is stored', async () => {
    const body = await created(run({ taskSpec: { params: [{ name: 'x', default: ['a'] }], steps } }));
    expect(body['spec']).toEqual({
      serviceAccountName: 'default',
      timeout: '1h0m0s',
      taskSpec: { params: [{ name: 'x', type: 'array', default: ['a'] }], steps: [{ name: '', ...steps[0] }] },
    });
    expect((body['metadata'] as Json)['labels']).toEqual({ 'app.kubernetes.io/managed-by': 'tekton-pipelines' });
  });

  it('are what the ConfigMap says from the moment it is changed', async () => {
    const address = `/api/v1/namespaces/${systemNamespace}/configmaps/config-defaults`;
    await world.call('PATCH', address, { data: { 'default-timeout-minutes': '5' } });
    await world.until('a new run gets 5 minutes', async () => {
      const body = await created(run({ taskRef: { name: 't' } }));
      return (body['spec'] as { timeout: string }).timeout === '5m0s';
    });
    await world.call('PATCH', address, { data: { 'default-timeout-minutes': null } });
  });
});

describe('what is refused', () => {
  const prefix = 'admission webhook "validation.webhook.pipeline.tekton.dev" denied the request: validation failed: ';

  it('is told whole, with the status that upstream has', async () => {
    const given = object('Pipeline', {
      tasks: [
        { name: 'a', runAfter: ['b'], taskRef: { name: 't' } },
        { name: 'b', runAfter: ['a'], taskSpec: { steps: [{ script: 'true' }] } },
      ],
    });
    const { status, body } = await world.create(given);
    expect(body.message).toBe(
      `${prefix}invalid value: cycle detected; task "a" depends on "b": spec.tasks\nmissing field(s): spec.tasks[1].taskSpec.steps[0].image`,
    );
    expect([status, body['reason']]).toEqual([400, 'BadRequest']);
  });

  it('a pipeline in a run that is not of the form: the field, the one that was meant, and the rest', async () => {
    const given = object('PipelineRun', { pipelineSpec: { taskz: [], tasks: [{ name: 'a' }] } });
    const { status, body } = await world.create(given);
    expect(status).toBe(400);
    expect(body.message).toBe(
      'admission webhook "webhook.pipeline.tekton.dev" denied the request: mutation failed: cannot decode incoming new object: json: unknown field "taskz"; did you mean "tasks"?: spec.pipelineSpec.taskz\nvalidation failed: expected exactly one, got neither: spec.pipelineSpec.tasks[0].taskRef, spec.pipelineSpec.tasks[0].taskSpec',
    );
  });

  it('a change of a run that is there', async () => {
    const name = nameOf(await created(run({ taskRef: { name: 't' } })));
    const { status, body } = await world.call('PATCH', `${addressOf(v1, 'TaskRun')}/${name}`, {
      spec: { taskRef: { name: 'other' } },
    });
    expect(body.message).toContain('Once the TaskRun has started, only status and statusMessage updates are allowed');
    // The CRD's own rule comes first.
    expect(status).toBe(422);
    expect((await world.call('PATCH', `${addressOf(v1, 'TaskRun')}/${name}`, cancelled)).status).toBe(200);
  });

  it('a change that the rules of the CRD do not see', async () => {
    const secure = (securityContext: Json) => ({ taskSpec: { steps: [{ ...steps[0], securityContext }] } });
    const name = nameOf(await created(run(secure({ runAsNonRoot: true }))));
    const forged = { spec: secure({ privileged: true, runAsNonRoot: null }) };
    const { status, body } = await world.call('PATCH', `${addressOf(v1, 'TaskRun')}/${name}`, forged);
    expect(body.message).toContain(
      'spec: Once the TaskRun has started, only status and statusMessage updates are allowed',
    );
    expect(status).toBe(403);
  });

  it('a setting that is none, with what to write', async () => {
    const address = `/api/v1/namespaces/${systemNamespace}/configmaps/feature-flags`;
    const { status, body } = await world.call('PATCH', address, { data: { 'enable-api-fields': 'gamma' } });
    expect(status).toBe(400);
    expect(body.message).toMatch(
      /^admission webhook "config.webhook.pipeline.tekton.dev" denied the request: validation failed: .*"gamma".*"alpha"/,
    );
  });
});

const cancelled = { spec: { status: 'TaskRunCancelled' } };

/** The server fills in defaults before it validates, as upstream's: what is wrong then, or nothing. */
const AFTER_DEFAULTS: readonly (readonly [RegExp, string | undefined])[] = [
  [/^Pipeline .*: custom task without kind$/, undefined],
  [
    /^PipelineRun .*: tasks longer than the default/,
    'validation failed: invalid value: 2h0m0s should be <= pipeline duration: spec.timeouts.tasks',
  ],
];

describe('every manifest of the table is refused as it says', () => {
  const texts = refusals();
  it.each(refusedObjects())('$title', async ({ title, object: given }) => {
    const defaulted = AFTER_DEFAULTS.find(([pattern]) => pattern.test(title));
    const metadata = { ...given.metadata, name: `${given.metadata.name}-${given.apiVersion.split('/')[1]}` };
    const { status, body } = await world.create({ ...given, metadata });
    const text = defaulted ? defaulted[1] : texts.get(title);
    if (text === undefined) {
      expect([status, body.message]).toEqual([201, undefined]);
      const address = `${addressOf(given.apiVersion, given.kind)}/${metadata.name}`;
      expect((await world.call('DELETE', address)).status).toBe(200);
      return;
    }
    const webhook = text.startsWith('mutation') ? 'webhook' : 'validation.webhook';
    const side = given.apiVersion.startsWith('triggers.') ? 'triggers' : 'pipeline';
    expect(body.message).toBe(`admission webhook "${webhook}.${side}.tekton.dev" denied the request: ${text}`);
    expect([status, body['reason']]).toEqual([400, 'BadRequest']);
  });
});

describe('v1beta1', () => {
  it('is written, stored as v1, and read as it was written', async () => {
    const spec = {
      taskSpec: {
        steps: [{ name: 's', image: 'busybox', script: 'true', resources: { requests: { cpu: '1' } }, tty: true }],
      },
      stepOverrides: [{ name: 's', resources: { limits: { cpu: '2' } } }],
    };
    const name = nameOf(await created(object('TaskRun', spec, v1beta1)));
    const stored = (await world.get(v1, 'TaskRun', name)).body;
    expect(stored['spec']).toMatchObject({
      stepSpecs: [{ name: 's', computeResources: { limits: { cpu: '2' } } }],
      taskSpec: { steps: [{ name: 's', computeResources: { requests: { cpu: '1' } } }] },
      timeout: '1h0m0s',
    });
    const read = (await world.get(v1beta1, 'TaskRun', name)).body;
    expect(read['spec']).toMatchObject(spec);
    expect((read['metadata'] as Json)['annotations']).toBeUndefined();
  });

  it('a run that goes on keeps its status when a client of v1beta1 writes it back', async () => {
    const name = nameOf(await created(run({ taskRef: { name: 't' } })));
    const status = {
      conditions: [{ type: 'Succeeded', status: 'Unknown' }],
      steps: [{ name: 's', container: 'step-s', terminationReason: 'Completed' }],
      results: [{ name: 'r', type: 'string', value: 'v' }],
      artifacts: { outputs: [{ name: 'image', buildOutput: true }] },
    };
    const written = await world.call('PATCH', `${addressOf(v1, 'TaskRun')}/${name}/status`, { status }, controller);
    expect(written.status).toBe(200);
    const { body } = await world.get(v1beta1, 'TaskRun', name);
    expect((body['status'] as Json)['taskResults']).toEqual(status.results);
    (body['metadata'] as { labels: Json }).labels['team'] = 'a';
    const { status: code, body: refusal } = await world.call('PUT', `${addressOf(v1beta1, 'TaskRun')}/${name}`, body);
    expect([code, code === 200 ? undefined : refusal.message]).toEqual([200, undefined]);
    const after = (await world.get(v1, 'TaskRun', name)).body;
    expect(after['status']).toEqual(status);
    expect((after['metadata'] as { labels: Json }).labels).toMatchObject({ team: 'a' });
  });

  it('lists hold all objects, whatever one of them has in its annotations', async () => {
    await created(
      run(
        { taskRef: { name: 't' } },
        { 'tekton.dev/v1beta1Resources': '{', 'tekton.dev/v1beta1.task-deprecations': '5' },
      ),
    );
    const { status, body } = await world.call('GET', addressOf(v1beta1, 'TaskRun'));
    const all = (await world.call('GET', addressOf(v1, 'TaskRun'))).body['items'] as Json[];
    expect([status, (body['items'] as Json[]).length]).toEqual([200, all.length]);
  });

  it.each([
    ['Task', { steps }],
    ['Pipeline', { tasks: [{ name: 'a', taskRef: { name: 't' } }] }],
    ['PipelineRun', { pipelineRef: { name: 'p' }, serviceAccountName: 'ci', timeout: '10m' }],
    ['StepAction', { image: 'busybox', script: 'true' }],
    ['CustomRun', { customRef: { apiVersion: 'example.dev/v1', kind: 'Wait' } }],
  ])('%s', async (kind, spec) => {
    const name = nameOf(await created(object(kind, spec, v1beta1)));
    expect((await world.get(v1beta1, kind, name)).body).toMatchObject({ apiVersion: v1beta1, kind });
  });

  it.each([v1, v1beta1])('a Task of %s that is changed has its defaults, and is judged, again', async (apiVersion) => {
    const params = [{ name: 'word', default: 'hi' }];
    const name = nameOf(await created(object('Task', { params, steps }, apiVersion)));
    const address = `${addressOf(apiVersion, 'Task')}/${name}`;
    const { body } = await world.call('PATCH', address, { spec: { params: [{ name: 'word', default: 'ho' }] } });
    expect(body['spec']).toMatchObject({ params: [{ name: 'word', default: 'ho', type: 'string' }] });
    const bad = await world.call('PATCH', address, { spec: { steps: [{ image: 'busybox', script: '$(params.no)' }] } });
    expect([bad.status, bad.body.message]).toEqual([400, expect.stringContaining('non-existent variable')]);
  });

  it('a ResolutionRequest of v1alpha1 is one of v1beta1', async () => {
    const given = object('ResolutionRequest', { params: { url: 'u' } }, 'resolution.tekton.dev/v1alpha1');
    const labels = { 'resolution.tekton.dev/type': 'git' };
    const name = nameOf(await created({ ...given, metadata: { ...given.metadata, labels } as never }));
    const read = async (version: string) =>
      (await world.get(`resolution.tekton.dev/${version}`, 'ResolutionRequest', name)).body['spec'];
    expect(await read('v1beta1')).toEqual({ params: [{ name: 'url', value: 'u' }] });
    expect(await read('v1alpha1')).toEqual({ params: { url: 'u' } });
  });

  it('an EventListener of v1alpha1 is one of v1beta1, with its defaults', async () => {
    const triggers = [{ bindings: [{ ref: 'b' }], template: { ref: 't' }, interceptors: [{ ref: { name: 'cel' } }] }];
    const given = object('EventListener', { triggers }, 'triggers.tekton.dev/v1alpha1');
    const name = nameOf(await created(given));
    expect((await world.get('triggers.tekton.dev/v1beta1', 'EventListener', name)).body['spec']).toEqual({
      triggers: [
        {
          bindings: [{ ref: 'b', kind: 'TriggerBinding' }],
          template: { ref: 't' },
          interceptors: [{ ref: { name: 'cel', kind: 'ClusterInterceptor' } }],
        },
      ],
    });
  });

  it('a StepAction has two names for one version', async () => {
    const name = nameOf(await created(object('StepAction', { image: 'busybox' }, 'tekton.dev/v1alpha1')));
    expect((await world.get(v1beta1, 'StepAction', name)).body['spec']).toEqual({ image: 'busybox' });
  });
});

describe('gates, without policies of the API server', () => {
  const said = ({ status, body }: Answer) =>
    status < 300 ? 'allowed' : `${status} ${body.message?.split('request: ')[1]}`;

  it("what Chains believes is not taken from a new run's author; what users may say is", async () => {
    const annotations = { 'chains.tekton.dev/signed': 'true', 'chains.tekton.dev/sign': 'false', team: 'a' };
    const body = await created(run({ taskRef: { name: 't' } }, annotations), 'tenant');
    expect((body['metadata'] as Json)['annotations']).toEqual({ 'chains.tekton.dev/sign': 'false', team: 'a' });
  });

  it('nobody but Chains writes them later', async () => {
    const name = nameOf(await created(run({ taskRef: { name: 't' } })));
    const forged = { metadata: { annotations: { 'chains.tekton.dev/signed': 'true' } } };
    for (const apiVersion of [v1, v1beta1])
      expect(said(await world.call('PATCH', `${addressOf(apiVersion, 'TaskRun')}/${name}`, forged, 'tenant'))).toBe(
        '403 only Chains writes the annotation chains.tekton.dev/signed; others may set chains.tekton.dev/sign and chains.tekton.dev/transparency-upload',
      );
  });

  it.each([
    ['TaskRun', { taskRef: { name: 't' } }],
    ['PipelineRun', { pipelineRef: { name: 'p' } }],
  ])('nobody but the controller writes the status of a %s', async (kind, spec) => {
    const body = await created(
      { ...object(kind, spec), ...{ status: { conditions: [{ type: 'Succeeded' }] } } },
      'tenant',
    );
    expect(body['status']).toBeUndefined();
    const forged = { status: { conditions: [{ type: 'Succeeded', status: 'True' }] } };
    for (const apiVersion of [v1, v1beta1]) {
      const address = `${addressOf(apiVersion, kind)}/${nameOf(body)}`;
      expect(said(await world.call('PATCH', `${address}/status`, forged, 'tenant'))).toBe(
        `403 only the controller writes the status of a ${kind}, not tenant`,
      );
      expect(said(await world.call('PATCH', `${address}/status`, forged, controller))).toBe('allowed');
      // Beside the spec it is not kept, whoever sends it.
      const beside = await world.call('PATCH', address, { status: { conditions: null } }, 'tenant');
      expect([beside.status, beside.body['status']]).toMatchObject([200, forged.status]);
    }
  });

  it('nobody but a resolver answers a ResolutionRequest', async () => {
    const apiVersion = 'resolution.tekton.dev/v1beta1';
    const given = object('ResolutionRequest', {}, apiVersion);
    const labels = { 'resolution.tekton.dev/type': 'git' };
    const name = nameOf(await created({ ...given, metadata: { ...given.metadata, labels } as never }));
    for (const version of [apiVersion, 'resolution.tekton.dev/v1alpha1']) {
      const address = `${addressOf(version, 'ResolutionRequest')}/${name}/status`;
      const forged = { status: { data: 'Zm9yZ2Vk' } };
      expect(said(await world.call('PATCH', address, forged, 'tenant'))).toBe(
        '403 only resolvers answer ResolutionRequests, not tenant; an operator adds another resolver to admission.resolvers',
      );
      expect(said(await world.call('PATCH', address, forged, resolver))).toBe('allowed');
    }
  });

  it("nobody but the controller changes the image of a run's pod, or gives a run a pod", async () => {
    const parent = await created(run({ taskRef: { name: 't' } }));
    const { name, uid } = parent['metadata'] as { name: string; uid: string };
    const ownerReferences = [{ apiVersion: v1, kind: 'TaskRun', name, uid, controller: true }];
    const pod = (image: string, owners: object[]) => ({
      metadata: { name: `pod-${uid}`, ownerReferences: owners },
      spec: { automountServiceAccountToken: false, containers: [{ name: 'step-s', image }] },
    });
    // Nobody makes it where there is an API server alone.
    await world.call('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
    const address = '/api/v1/namespaces/default/pods';
    expect(said(await world.call('POST', address, pod('busybox', ownerReferences), 'tenant'))).toBe(
      `403 only the controller makes TaskRun ${name} the controlling owner of a Pod, not tenant`,
    );
    expect(said(await world.call('POST', address, pod('busybox', ownerReferences), controller))).toBe('allowed');
    const other = { spec: { containers: [{ name: 'step-s', image: 'other' }] } };
    const patch = (as: string) =>
      world.server.call('PATCH', `${address}/pod-${uid}`, {
        contentType: 'application/strategic-merge-patch+json',
        body: other,
        as,
      });
    expect(said(await patch('tenant'))).toBe("403 the images of a run's pod cannot be changed");
    expect(said(await patch(controller))).toBe('allowed');
  });

  it('nobody hands a run over to another controller', async () => {
    const name = nameOf(await created(run({ taskRef: { name: 't' } })));
    const foreign = nameOf(await created(run({ taskRef: { name: 't' }, managedBy: 'example.dev/other' }), 'tenant'));
    const handed = { spec: { managedBy: 'example.dev/other' } };
    for (const as of ['tenant', controller]) {
      const answer = await world.call('PATCH', `${addressOf(v1, 'TaskRun')}/${name}`, handed, as);
      expect([answer.status >= 400, answer.body.message]).toEqual([
        true,
        expect.stringContaining('managedBy is immutable'),
      ]);
    }
    // Its status is that controller's to write.
    const address = `${addressOf(v1, 'TaskRun')}/${foreign}/status`;
    expect(said(await world.call('PATCH', address, { status: { podName: 'p' } }, 'tenant'))).toBe('allowed');
  });

  it('nobody but the controller gives a run children', async () => {
    const parent = await created(object('PipelineRun', { pipelineRef: { name: 'p' } }));
    const { name, uid } = parent['metadata'] as { name: string; uid: string };
    const ownerReferences = [{ apiVersion: v1, kind: 'PipelineRun', name, uid, controller: true }];
    const given = run({ taskRef: { name: 't' } });
    const child = { ...given, metadata: { ...given.metadata, ownerReferences } };
    expect(said(await world.create(child, 'tenant'))).toBe(
      `403 only the controller makes PipelineRun ${name} the controlling owner of a TaskRun, not tenant`,
    );
    expect(said(await world.create(child, controller))).toBe('allowed');
    const grown = nameOf(await created(run({ taskRef: { name: 't' } }), 'tenant'));
    const adopted = { metadata: { ownerReferences } };
    for (const apiVersion of [v1, v1beta1])
      expect(said(await world.call('PATCH', `${addressOf(apiVersion, 'TaskRun')}/${grown}`, adopted, 'tenant'))).toBe(
        `403 only the controller makes PipelineRun ${name} the controlling owner of a TaskRun, not tenant`,
      );
  });
});

/** Waits until the API server believes the webhook. */
async function createdAgain(): Promise<void> {
  let last: Answer | undefined;
  await world
    .until('runs can be created again', async () => {
      last = await world.create(run({ taskRef: { name: 't' } }));
      return last.status === 201;
    })
    .catch((error: unknown) => {
      throw new Error(`${last?.body.message}`, { cause: error });
    });
}

describe('the webhook itself', () => {
  it('a new start goes on with the certificates that are there', async () => {
    const address = `/api/v1/namespaces/${systemNamespace}/secrets/webhook-certs`;
    const before = (await world.call('GET', address)).body['data'];
    await world.stop('SIGKILL');
    expect((await world.create(run({ taskRef: { name: 't' } }))).status).toBe(500);
    await world.start();
    expect((await world.call('GET', address)).body['data']).toEqual(before);
    await createdAgain();
  });

  it('without certificates it makes new ones, and is believed', async () => {
    const address = `/api/v1/namespaces/${systemNamespace}/secrets/webhook-certs`;
    await world.stop('SIGTERM');
    await world.call('PATCH', address, { data: null });
    await world.start();
    await createdAgain();
  });
});
