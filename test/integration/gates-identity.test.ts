import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gates, users, type Plural, type User } from './gates-world.ts';
import type { Answer, Json } from './https-server.ts';

/** Who may write what Chains believes, what a run says of itself and what it owns: on a real API server. */
const spec: Record<Plural, Json> = {
  taskruns: { taskRef: { name: 't' } },
  pipelineruns: { pipelineRef: { name: 'p' } },
  customruns: { customRef: { apiVersion: 'x.dev/v1', kind: 'Wait' } },
  resolutionrequests: { params: [{ name: 'url', value: 'https://example.com/good.git' }] },
  pods: { containers: [{ name: 'step-a', image: 'busybox' }], initContainers: [{ name: 'i', image: 'entrypoint' }] },
};
const own = { podName: 'forged', conditions: [{ type: 'Succeeded', status: 'True' }] };

let gates: Gates;
beforeAll(async () => {
  gates = await Gates.up('gates-identity');
  await gates.install();
  await gates.until(403, () => gates.create('tenant', 'taskruns', marked('taskruns', 'signed', 'true')));
});
afterAll(() => gates.down());

function marked(plural: Plural, mark: string, value: string): { metadata: Json; spec: Json } {
  return { metadata: { annotations: { [`chains.tekton.dev/${mark}`]: value } }, spec: spec[plural] };
}

/** What was said: "allowed", or the message. A refusal is Forbidden and names its policy. */
function said({ status, body }: Answer, policy: string): string {
  if (status < 300) return 'allowed';
  expect(body).toMatchObject({ code: 403, reason: 'Forbidden' });
  expect(body.message).toContain(`ValidatingAdmissionPolicy '${policy}.tektite.dev'`);
  return body.message?.split('denied request: ')[1] ?? '';
}

const users403 = 'others may set chains.tekton.dev/sign and chains.tekton.dev/transparency-upload';
const again = 'take chains.tekton.dev/signed away to have the run signed again';
const kinds: Plural[] = ['taskruns', 'pipelineruns', 'customruns'];

interface MarkRow {
  name: string;
  by: User;
  /** What Chains wrote before. */
  before?: Record<string, string>;
  change: Record<string, string | null>;
  want: string;
}
const markRows: MarkRow[] = [
  {
    name: 'sets signed',
    by: 'tenant',
    change: { signed: 'true' },
    want: `only Chains writes the annotation chains.tekton.dev/signed; ${users403}`,
  },
  {
    name: 'changes signed',
    by: 'tenant',
    before: { signed: 'failed' },
    change: { signed: 'true' },
    want: `only Chains writes the annotation chains.tekton.dev/signed; ${users403}`,
  },
  {
    name: 'changes what is pending',
    by: 'tenant',
    before: { pending: 'eJw=' },
    change: { pending: 'eJx=' },
    want: `only Chains writes the annotation chains.tekton.dev/pending; ${users403}`,
  },
  {
    // Of several the server names all, in an order of its own.
    name: 'writes a payload, beside what he may write',
    by: 'tenant',
    change: { 'payload-taskrun-1': 'e30=', sign: 'true' },
    want: `only Chains writes the annotation chains.tekton.dev/payload-taskrun-1; ${users403}`,
  },
  {
    name: 'writes a signature',
    by: 'tenant',
    change: { 'signature-taskrun-1': 'e30=' },
    want: `only Chains writes the annotation chains.tekton.dev/signature-taskrun-1; ${users403}`,
  },
  {
    name: 'takes a signature away',
    by: 'tenant',
    before: { signed: 'true', 'signature-taskrun-1': 'e30=' },
    change: { 'signature-taskrun-1': null },
    want: `only Chains removes the annotation chains.tekton.dev/signature-taskrun-1; ${again}`,
  },
  {
    name: 'counts attempts anew',
    by: 'tenant',
    before: { retries: '5' },
    change: { retries: null },
    want: `only Chains removes the annotation chains.tekton.dev/retries; ${again}`,
  },
  {
    name: 'moves a mark under another name',
    by: 'tenant',
    before: { signed: 'true' },
    change: { signed: null, 'signed.old': 'true' },
    want: `only Chains writes the annotation chains.tekton.dev/signed.old; ${users403}`,
  },
  {
    name: 'sets signed (the controller)',
    by: 'controller',
    change: { signed: 'true' },
    want: `only Chains writes the annotation chains.tekton.dev/signed; ${users403}`,
  },
  {
    name: 'has it signed again',
    by: 'tenant',
    before: { signed: 'true', 'payload-taskrun-1': 'e30=' },
    change: { signed: null },
    want: 'allowed',
  },
  { name: 'opts out', by: 'tenant', change: { sign: 'false' }, want: 'allowed' },
  {
    name: 'wants it in the log, and no more',
    by: 'tenant',
    before: { 'transparency-upload': 'false', signed: 'true' },
    change: { 'transparency-upload': 'true', sign: null },
    want: 'allowed',
  },
  { name: 'signs (Chains)', by: 'chains', change: { signed: 'true', 'payload-taskrun-1': 'e30=' }, want: 'allowed' },
  {
    name: 'cleans up (Chains)',
    by: 'chains',
    before: { pending: 'x', retries: '1' },
    change: { pending: null, retries: null },
    want: 'allowed',
  },
];

const prefixed = (marks: Record<string, string | null> = {}) =>
  Object.fromEntries(Object.entries(marks).map(([key, value]) => [`chains.tekton.dev/${key}`, value]));

describe.each(kinds)('annotations chains.tekton.dev/* of %s: a user', (plural) => {
  it.each(markRows)('$name: $want', async ({ by, before, change, want }) => {
    const metadata = { annotations: { own: 'note', ...prefixed(before) } };
    const name = await gates.made('chains', plural, { metadata, spec: spec[plural] });
    const answer = await gates.merge(by, plural, name, { metadata: { annotations: prefixed(change) } });
    expect(said(answer, 'chains-annotations')).toBe(want);
  });

  it('creates a run with marks: refused but for those that users set', async () => {
    const created = async (mark: string) =>
      said(await gates.create('tenant', plural, marked(plural, mark, 'true')), 'chains-annotations');
    expect(await created('signed')).toBe(`only Chains writes the annotation chains.tekton.dev/signed; ${users403}`);
    expect(await created('pending')).toBe(`only Chains writes the annotation chains.tekton.dev/pending; ${users403}`);
    expect(await created('sign')).toBe('allowed');
    expect(await created('transparency-upload')).toBe('allowed');
  });
});

it('a run may have as many annotations as can be stored', async () => {
  const annotations = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`example.com/a${index}`, 'v']));
  const name = await gates.made('tenant', 'taskruns', { metadata: { annotations }, spec: spec.taskruns });
  const change = { metadata: { annotations: { 'example.com/a0': 'w' } } };
  expect((await gates.merge('tenant', 'taskruns', name, change)).status).toBe(200);
});

describe('the status', () => {
  const notTenant = (kind: string) => `only the controller writes the status of a ${kind}, not tenant`;
  const rows: { name: string; by: User; plural: Plural; managedBy?: string; want: string }[] = [
    { name: 'of a TaskRun by a user', by: 'tenant', plural: 'taskruns', want: notTenant('TaskRun') },
    { name: 'of a PipelineRun by a user', by: 'tenant', plural: 'pipelineruns', want: notTenant('PipelineRun') },
    {
      name: 'of a TaskRun by Chains',
      by: 'chains',
      plural: 'taskruns',
      want: `only the controller writes the status of a TaskRun, not ${users.chains}`,
    },
    {
      name: 'of a run that names our controller',
      by: 'tenant',
      plural: 'taskruns',
      managedBy: 'tekton.dev/pipeline',
      want: notTenant('TaskRun'),
    },
    {
      name: "of another controller's",
      by: 'tenant',
      plural: 'pipelineruns',
      managedBy: 'example.com/x',
      want: 'allowed',
    },
    { name: 'of a CustomRun', by: 'tenant', plural: 'customruns', want: 'allowed' },
    { name: 'of a TaskRun by the controller', by: 'controller', plural: 'taskruns', want: 'allowed' },
    { name: 'of a PipelineRun by the controller', by: 'controller', plural: 'pipelineruns', want: 'allowed' },
  ];
  it.each(rows)('$name: $want', async ({ by, plural, managedBy, want }) => {
    const name = await gates.made('tenant', plural, {
      spec: { ...spec[plural], ...(managedBy === undefined ? {} : { managedBy }) },
    });
    expect(said(await gates.putStatus(by, plural, name, own), 'run-status')).toBe(want);
  });
});

describe('the answer to a ResolutionRequest', () => {
  const refused = (user: User) =>
    `only resolvers answer ResolutionRequests, not ${users[user]}; an operator adds another resolver to admission.resolvers`;
  const answer = { data: 'ZXZpbA==', refSource: { uri: 'https://example.com/good.git' }, conditions: own.conditions };
  const rows: { by: User; want: string }[] = [
    { by: 'tenant', want: refused('tenant') },
    { by: 'chains', want: refused('chains') },
    { by: 'friend', want: refused('friend') },
    { by: 'resolver', want: 'allowed' },
    { by: 'controller', want: 'allowed' },
  ];
  it.each(rows)('by $by: $want', async ({ by, want }) => {
    const name = await gates.made('tenant', 'resolutionrequests', { spec: spec.resolutionrequests });
    expect(said(await gates.putStatus(by, 'resolutionrequests', name, answer), 'resolution-status')).toBe(want);
  });

  it('cannot be changed or taken away once it is given', async () => {
    const name = await gates.made('tenant', 'resolutionrequests', { spec: spec.resolutionrequests });
    expect((await gates.putStatus('resolver', 'resolutionrequests', name, answer)).status).toBe(200);
    for (const change of [{ data: 'b3RoZXI=' }, { data: null, conditions: null }])
      expect(said(await gates.putStatus('tenant', 'resolutionrequests', name, change), 'resolution-status')).toBe(
        refused('tenant'),
      );
  });
});

describe('a status that is sent beside the spec', () => {
  it.each<Plural>(['taskruns', 'pipelineruns', 'resolutionrequests'])('is not kept: %s', async (plural) => {
    const created = await gates.create('tenant', plural, { spec: spec[plural], ...{ status: own } });
    expect([created.status, created.body['status']]).toEqual([201, undefined]);
    const { name } = created.body['metadata'] as { name: string };
    const changed = await gates.merge('tenant', plural, name, { metadata: { labels: { a: 'b' } }, status: own });
    expect([changed.status, changed.body['status']]).toEqual([200, undefined]);
  });
});

const owner = (parts: Json = {}) => ({
  apiVersion: 'tekton.dev/v1',
  kind: 'TaskRun',
  name: 'victim',
  uid: 'b5a4c5f2-0000-4000-8000-000000000001',
  controller: true,
  ...parts,
});

describe('a controlling owner', () => {
  const notTenant = (what: string) => `only the controller makes ${what}, not tenant`;
  const pipelineRun = owner({ kind: 'PipelineRun' });
  const rows: { name: string; by: User; plural: Plural; owners: Json[]; want: string }[] = [
    {
      name: "a user's pod under a TaskRun",
      by: 'tenant',
      plural: 'pods',
      owners: [owner()],
      want: notTenant('TaskRun victim the controlling owner of a Pod'),
    },
    {
      name: "a user's TaskRun under a PipelineRun",
      by: 'tenant',
      plural: 'taskruns',
      owners: [owner({ controller: false, kind: 'Task' }), pipelineRun],
      want: notTenant('PipelineRun victim the controlling owner of a TaskRun'),
    },
    {
      name: "a user's CustomRun under a PipelineRun, of an older version",
      by: 'tenant',
      plural: 'customruns',
      owners: [owner({ kind: 'PipelineRun', apiVersion: 'tekton.dev/v1beta1' })],
      want: notTenant('PipelineRun victim the controlling owner of a CustomRun'),
    },
    {
      name: "a user's PipelineRun under another",
      by: 'tenant',
      plural: 'pipelineruns',
      owners: [pipelineRun],
      want: notTenant('PipelineRun victim the controlling owner of a PipelineRun'),
    },
    {
      name: "Chains's pod under a TaskRun",
      by: 'chains',
      plural: 'pods',
      owners: [owner()],
      want: `only the controller makes TaskRun victim the controlling owner of a Pod, not ${users.chains}`,
    },
    {
      name: 'that does not control',
      by: 'tenant',
      plural: 'pods',
      owners: [owner({ controller: false })],
      want: 'allowed',
    },
    {
      name: 'of another group',
      by: 'tenant',
      plural: 'pods',
      owners: [owner({ apiVersion: 'example.com/v1' })],
      want: 'allowed',
    },
    {
      name: 'a ReplicaSet',
      by: 'tenant',
      plural: 'pods',
      owners: [owner({ apiVersion: 'apps/v1', kind: 'ReplicaSet' })],
      want: 'allowed',
    },
    { name: "the controller's pod", by: 'controller', plural: 'pods', owners: [owner()], want: 'allowed' },
    { name: "the controller's TaskRun", by: 'controller', plural: 'taskruns', owners: [pipelineRun], want: 'allowed' },
  ];
  it.each(rows)('$name: $want', async ({ by, plural, owners, want }) => {
    const parts = { metadata: { ownerReferences: owners }, spec: spec[plural] };
    expect(said(await gates.create(by, plural, parts), 'run-owners')).toBe(want);
    const name = await gates.made('tenant', plural, { spec: spec[plural] });
    expect(said(await gates.merge(by, plural, name, { metadata: { ownerReferences: owners } }), 'run-owners')).toBe(
      want,
    );
  });

  it('cannot be exchanged, but everything else of its pod can be changed, and it can be taken away', async () => {
    const metadata = { ownerReferences: [owner()] };
    const name = await gates.made('controller', 'pods', { metadata, spec: spec.pods });
    const change = (by: User, ownerReferences: Json[], labels: Json = {}) =>
      gates.merge(by, 'pods', name, { metadata: { ownerReferences, labels } });
    const other = owner({ uid: 'b5a4c5f2-0000-4000-8000-000000000002' });
    expect(said(await change('tenant', [other]), 'run-owners')).toMatch(/^only the controller makes TaskRun victim/);
    expect((await change('tenant', [owner()], { a: 'b' })).status).toBe(200);
    expect((await change('garbageCollector', [owner({ blockOwnerDeletion: false })])).status).toBe(200);
    expect((await change('garbageCollector', [])).status).toBe(200);
    expect((await gates.call('tenant', 'DELETE', gates.address('pods', name))).status).toBe(200);
  });
});

describe("the images of a run's pod", () => {
  const image = (path: string) => [{ op: 'replace', path: `/spec/${path}/0/image`, value: 'evil' }];
  const rows: { name: string; by: User; owners: Json[]; path: string; want: string }[] = [
    {
      name: "a step's by a user",
      by: 'tenant',
      owners: [owner()],
      path: 'containers',
      want: "the images of a run's pod cannot be changed",
    },
    {
      name: 'that of the init container',
      by: 'tenant',
      owners: [owner()],
      path: 'initContainers',
      want: "the images of a run's pod cannot be changed",
    },
    { name: "a sidecar's by the controller", by: 'controller', owners: [owner()], path: 'containers', want: 'allowed' },
    { name: 'of a pod that is no run', by: 'tenant', owners: [], path: 'containers', want: 'allowed' },
  ];
  it.each(rows)('$name: $want', async ({ by, owners, path, want }) => {
    const name = await gates.made('controller', 'pods', { metadata: { ownerReferences: owners }, spec: spec.pods });
    expect(said(await gates.patch(by, 'pods', name, image(path)), 'run-images')).toBe(want);
  });
});

const requests = '/apis/resolution.tekton.dev/v1beta1/namespaces/default/resolutionrequests';

/** Answers a ResolutionRequest that a tenant made, whose own answer at its creation does not count. */
async function answerAs(user: User): Promise<Answer> {
  const status = { data: 'e30=', conditions: [{ type: 'Succeeded', status: 'True' }] };
  const made = await gates.call('tenant', 'POST', requests, {
    apiVersion: 'resolution.tekton.dev/v1beta1',
    kind: 'ResolutionRequest',
    metadata: { generateName: 'answered-' },
    spec: {},
    status,
  });
  expect(made).toMatchObject({ status: 201 });
  expect(made.body['status']).toBeUndefined();
  const { name } = made.body['metadata'] as { name: string };
  return gates.call(user, 'PATCH', `${requests}/${name}/status`, { status }, 'application/merge-patch+json');
}

describe('the answer to a ResolutionRequest', () => {
  const refusal = (user: User) =>
    `only resolvers answer ResolutionRequests, not ${users[user]}; an operator adds another resolver to admission.resolvers`;
  it.each<[user: User, want: string]>([
    ['tenant', refusal('tenant')],
    ['chains', refusal('chains')],
    ['friend', refusal('friend')],
    ['resolvers', 'allowed'],
    // It holds the time limit.
    ['controller', 'allowed'],
  ])('by %s: %s', async (user, want) => {
    expect(said(await answerAs(user), 'resolution-status')).toBe(want);
  });
});

describe('values', () => {
  /** The definitions are there, and the same for all of these: without them helm is done in half the time. */
  const changeTo = (...values: string[]) => gates.install('crds.install=false', ...values);
  const signOut = () => gates.create('tenant', 'taskruns', marked('taskruns', 'sign', 'false'));
  const putStatus = async (by: User) =>
    gates.putStatus(by, 'taskruns', await gates.made('tenant', 'taskruns', { spec: spec.taskruns }), own);

  it('admission.allowUnsigned=false: nobody opts out any more, and a run that did can still be changed otherwise', async () => {
    // Of the defaults, also when this is tried again.
    await changeTo();
    await gates.until(201, signOut);
    const out = await gates.made('tenant', 'taskruns', marked('taskruns', 'sign', 'false'));
    const before = await gates.made('tenant', 'taskruns', { spec: spec.taskruns });
    await changeTo('admission.allowUnsigned=false');
    await gates.until(403, signOut);
    const want = 'annotation chains.tekton.dev/sign: "false" is not allowed on this cluster: every run is signed';
    expect(said(await signOut(), 'chains-annotations')).toBe(want);
    const later = { metadata: { annotations: { 'chains.tekton.dev/sign': 'false' } } };
    expect(said(await gates.merge('tenant', 'taskruns', before, later), 'chains-annotations')).toBe(want);
    expect((await gates.merge('tenant', 'taskruns', out, { metadata: { labels: { a: 'b' } } })).status).toBe(200);
    expect((await gates.create('tenant', 'taskruns', marked('taskruns', 'sign', 'true'))).status).toBe(201);
  });

  it('further identities', async () => {
    // Of the defaults, also when this is tried again; each policy takes effect by itself.
    await changeTo();
    await gates.until(403, () => putStatus('friend'));
    const named = ['runControllers', 'signers', 'resolvers'].map((role) => `admission.${role}={${users.friend}}`);
    await changeTo(...named);
    await gates.until(200, () => putStatus('friend'));
    const request = await gates.made('tenant', 'resolutionrequests', { spec: spec.resolutionrequests });
    await gates.until(200, () => gates.putStatus('friend', 'resolutionrequests', request, own));
    expect((await putStatus('tenant')).status).toBe(403);
    const child = { metadata: { ownerReferences: [owner({ kind: 'PipelineRun' })] }, spec: spec.taskruns };
    await gates.until(201, () => gates.create('friend', 'taskruns', child));
    await gates.until(201, () => gates.create('friend', 'taskruns', marked('taskruns', 'signed', 'true')));
    expect((await gates.create('controller', 'taskruns', marked('taskruns', 'signed', 'true'))).status).toBe(403);
  });

  it('admission.resolvers: others answer ResolutionRequests beside ours', async () => {
    await changeTo(`admission.resolvers={${users.friend}}`);
    await gates.until(200, () => answerAs('friend'));
    expect((await answerAs('resolvers')).status).toBe(200);
    expect((await answerAs('tenant')).status).toBe(403);
  });

  it('chains.enabled=false on an upgrade: the notes say what lets go of the runs that Chains held', async () => {
    expect(await changeTo('chains.enabled=false')).toContain('\n  tektite chains release --all-namespaces\n');
    expect(await changeTo()).not.toContain('chains release');
  });

  it("the account of Chains is of Chains's namespace", async () => {
    await changeTo('chains.namespace=elsewhere');
    await gates.until(403, () => gates.create('chains', 'taskruns', marked('taskruns', 'signed', 'true')));
  });

  it('watchNamespaces: the policies hold there alone', async () => {
    await gates.call(undefined, 'POST', '/api/v1/namespaces', { metadata: { name: 'watched' } });
    await changeTo('watchNamespaces={watched}');
    await gates.until(201, () => gates.create('tenant', 'taskruns', marked('taskruns', 'signed', 'true')));
    const watched = '/apis/tekton.dev/v1/namespaces/watched/taskruns';
    const object = { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', ...marked('taskruns', 'signed', 'true') };
    const { status } = await gates.call('tenant', 'POST', watched, {
      ...object,
      metadata: { ...object.metadata, name: 'a' },
    });
    expect(status).toBe(403);
  });

  it('admission.enabled=false takes all of them away', async () => {
    await changeTo('admission.enabled=false');
    const policies = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
    expect((await gates.call(undefined, 'GET', policies)).body['items']).toEqual([]);
  });
});
