import { describe, expect, it } from 'vitest';
import { ApiError } from '../../kube/api-error.ts';
import { FakeKubeClient } from '../../kube/client.fake.ts';
import { nodes, pods, type Node, type Pod } from '../../kube/resources.ts';
import { supplyGroupNode } from './group-node.ts';

const pod = (name: string, nodeName?: string, minute = 0, more: { group?: string; namespace?: string } = {}): Pod => ({
  metadata: {
    name,
    namespace: more.namespace ?? 'ns',
    creationTimestamp: `2026-01-01T00:0${minute}:00Z`,
    labels: { 'pipeline.tekton.dev/affinity-assistant': more.group ?? 'g' },
  },
  spec: { containers: [], ...(nodeName === undefined ? {} : { nodeName }) },
  status: { phase: 'Succeeded' },
});
const node = (name: string, more: Partial<Node> = {}): Node => ({
  metadata: { name, namespace: undefined },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
  ...more,
});

function supply(client: FakeKubeClient): Promise<string | undefined> {
  return supplyGroupNode({ type: 'groupNode', namespace: 'ns', group: 'g' }, client, new AbortController().signal);
}

describe('the node of a group', () => {
  it.each<[string, Pod[], Node[], string | undefined]>([
    ['where its only pod was', [pod('a', 'n1')], [node('n1')], 'n1'],
    ['where the last one was', [pod('b', 'n2', 2), pod('a', 'n1', 1)], [node('n1'), node('n2')], 'n2'],
    ['where the last one was that had a node', [pod('a', 'n1', 1), pod('b', undefined, 2)], [node('n1')], 'n1'],
    ['none before its first', [], [node('n1')], undefined],
    ["none by another group's", [pod('a', 'n1', 0, { group: 'other' })], [node('n1')], undefined],
    ["none by another namespace's", [pod('a', 'n1', 0, { namespace: 'other' })], [node('n1')], undefined],
    ['none when it is gone', [pod('a', 'n1')], [], undefined],
    ['none when it is cordoned', [pod('a', 'n1')], [node('n1', { spec: { unschedulable: true } })], undefined],
    [
      'none when nothing is heard of it',
      [pod('a', 'n1')],
      [node('n1', { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } })],
      undefined,
    ],
  ])('%s', async (_name, all, known, expected) => {
    const client = new FakeKubeClient();
    client.seed(pods, ...all);
    client.seed(nodes, ...known);
    expect(await supply(client)).toBe(expected);
  });

  it.each([
    [403, undefined],
    [500, 'refused'],
  ])('the API server answers %i', async (status, thrown) => {
    const client = new FakeKubeClient();
    client.seed(pods, pod('a', 'n1'));
    client.intercept = ({ resource }) => {
      if (resource === 'nodes') throw new ApiError(status, { message: 'refused' });
    };
    if (thrown === undefined) expect(await supply(client)).toBeUndefined();
    else await expect(supply(client)).rejects.toThrow(thrown);
  });
});
