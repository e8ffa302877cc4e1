import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../resource.ts';
import { gate } from './gates.ts';
import type { AdmissionRequest } from './review.ts';

const rules = { runControllers: ['controller'], signers: ['chains'], resolvers: ['resolver'], allowUnsigned: false };
const owner = { apiVersion: 'tekton.dev/v1', kind: 'TaskRun', name: 'r', uid: 'u', controller: true };

interface Row {
  what: string;
  /** GROUP/PLURAL or GROUP/PLURAL/SUBRESOURCE. */
  resource: string;
  operation?: AdmissionRequest['operation'];
  before?: object;
  after?: object;
  /** Who may; nobody else. */
  open: readonly string[];
}

const run = (spec: object, metadata: object = {}, status: object = {}) => ({ metadata, spec, status });
const annotated = (annotations: object) => run({}, { annotations });
const pod = (image: string, ownerReferences: object[] = [owner]) => ({
  metadata: { ownerReferences },
  spec: { containers: [{ image }] },
});
const everybody = ['controller', 'chains', 'resolver', 'tenant'];

const rows: Row[] = [
  { what: 'a new run', resource: 'tekton.dev/taskruns', after: run({}), open: everybody },
  {
    what: "a run's status",
    resource: 'tekton.dev/taskruns/status',
    before: run({}),
    after: run({}),
    open: ['controller'],
  },
  {
    what: "the status of another controller's run",
    resource: 'tekton.dev/pipelineruns/status',
    before: run({ managedBy: 'example.dev/other' }),
    after: run({}),
    open: everybody,
  },
  {
    what: 'the status of a custom run',
    resource: 'tekton.dev/customruns/status',
    before: run({}),
    after: run({}),
    open: everybody,
  },
  {
    what: 'the answer to a ResolutionRequest',
    resource: 'resolution.tekton.dev/resolutionrequests/status',
    before: run({}),
    after: run({}),
    open: ['controller', 'resolver'],
  },
  {
    what: 'a ResolutionRequest',
    resource: 'resolution.tekton.dev/resolutionrequests',
    after: run({}),
    open: everybody,
  },
  {
    what: 'a signature that is none',
    resource: 'tekton.dev/taskruns',
    before: annotated({}),
    after: annotated({ 'chains.tekton.dev/signed': 'true' }),
    open: ['chains'],
  },
  {
    what: 'a signature taken away',
    resource: 'tekton.dev/taskruns',
    before: annotated({ 'chains.tekton.dev/signed': 'true' }),
    after: annotated({}),
    open: everybody,
  },
  {
    what: 'a note taken away',
    resource: 'tekton.dev/taskruns',
    before: annotated({ 'chains.tekton.dev/problems': 'x' }),
    after: annotated({}),
    open: ['chains'],
  },
  {
    what: 'a run that is not to be signed, where all are',
    resource: 'tekton.dev/taskruns',
    after: annotated({ 'chains.tekton.dev/sign': 'false' }),
    open: ['chains'],
  },
  { what: 'a pod of a run', resource: '/pods', after: pod('a'), open: ['controller'] },
  { what: 'a pod of nobody', resource: '/pods', after: pod('a', []), open: everybody },
  {
    what: 'a pod of another suite',
    resource: '/pods',
    after: pod('a', [{ ...owner, apiVersion: 'example.dev/v1' }]),
    open: everybody,
  },
  {
    what: 'a child of a run',
    resource: 'tekton.dev/taskruns',
    after: run({}, { ownerReferences: [owner] }),
    open: ['controller'],
  },
  {
    what: 'an owner that becomes the controlling one',
    resource: 'tekton.dev/customruns',
    before: run({}, { ownerReferences: [{ ...owner, controller: false }] }),
    after: run({}, { ownerReferences: [owner] }),
    open: ['controller'],
  },
  { what: "another image of a run's pod", resource: '/pods', before: pod('a'), after: pod('b'), open: ['controller'] },
  { what: "the same image of a run's pod", resource: '/pods', before: pod('a'), after: pod('a'), open: everybody },
  { what: "a run's pod that ends", resource: '/pods/status', before: pod('a'), after: pod('b'), open: everybody },
  { what: "a run's pod that goes", resource: '/pods', operation: 'DELETE', before: pod('a'), open: everybody },
  {
    what: 'another managedBy',
    resource: 'tekton.dev/taskruns',
    before: run({}),
    after: run({ managedBy: 'x' }),
    open: [],
  },
  {
    what: 'another timeout',
    resource: 'tekton.dev/taskruns',
    before: run({}),
    after: run({ timeout: '1h' }),
    open: [],
  },
  {
    what: 'a cancellation',
    resource: 'tekton.dev/taskruns',
    before: run({}),
    after: run({ status: 'TaskRunCancelled' }),
    open: everybody,
  },
  {
    what: 'a cancellation of what has ended',
    resource: 'tekton.dev/pipelineruns',
    before: run({}, {}, { conditions: [{ type: 'Succeeded', status: 'True' }] }),
    after: run({ status: 'Cancelled' }),
    open: [],
  },
];

const kindOf: Readonly<Record<string, string>> = {
  taskruns: 'TaskRun',
  pipelineruns: 'PipelineRun',
  customruns: 'CustomRun',
  pods: 'Pod',
  resolutionrequests: 'ResolutionRequest',
};

function requestOf({ resource: address, operation, before, after }: Row, username: string): AdmissionRequest {
  const [group = '', resource = '', subResource] = address.split('/');
  return {
    uid: 'u',
    kind: { group, version: 'v1', kind: kindOf[resource] ?? '' },
    resource: { group, version: 'v1', resource },
    ...(subResource ? { subResource } : {}),
    operation: operation ?? (before ? 'UPDATE' : 'CREATE'),
    userInfo: { username },
    object: (after ?? null) as KubeObject | null,
    oldObject: (before ?? null) as KubeObject | null,
  };
}

describe('who may write', () => {
  it.each(rows)('$what: $open', (row) => {
    const may = everybody.filter((username) => gate(requestOf(row, username), rules).length === 0);
    expect(may).toEqual(row.open);
  });

  it('somebody without a name may nothing that not everybody may', () => {
    for (const row of rows.filter(({ open }) => open !== everybody)) {
      const { userInfo: _, ...request } = requestOf(row, '');
      expect([row.what, gate({ ...request, userInfo: {} }, rules).length > 0]).toEqual([row.what, true]);
    }
  });
});
