import { describe, expect, it } from 'vitest';
import { container, podOf } from '../pod/pod.fake.ts';
import type { Pod } from '../pod/types.ts';
import { changesAtCreation, changesSince, podRecord, readPodRecord, type PodRecord } from './pod-record.ts';

const sent = podOf({
  steps: [{ name: 'one', image: 'golang', command: ['go'] }],
  sidecars: [{ name: 'db', image: 'postgres' }],
});
const record = readPodRecord(podRecord(sent, sent)) as PodRecord;
const withSpec = (more: Partial<Pod['spec']>): Pod => ({ ...sent, spec: { ...sent.spec, ...more } });
const withContainer = (name: string, more: object): Pod =>
  withSpec({ containers: sent.spec.containers.map((one) => (one.name === name ? { ...one, ...more } : one)) });

describe('what of a pod is not as it was created', () => {
  it.each<[string, Pod, string[]]>([
    ['nothing', sent, []],
    ['its node', withSpec({ nodeName: 'node-1' }), []],
    ['where it may run', withSpec({ tolerations: [{ key: 'a' }], nodeSelector: { a: 'b' } }), []],
    ['compute resources, resized in place', withContainer('step-one', { resources: { limits: { cpu: '2' } } }), []],
    ['the image of a step', withContainer('step-one', { image: 'evil' }), ['spec.containers[step-one].image']],
    ['the image of a sidecar', withContainer('sidecar-db', { image: 'evil' }), ['spec.containers[sidecar-db].image']],
    [
      'the image of an init container',
      withSpec({ initContainers: (sent.spec.initContainers ?? []).map((one) => ({ ...one, image: 'evil' })) }),
      ['spec.containers[prepare].image'],
    ],
    ['a debug container', withSpec({ ephemeralContainers: [{ name: 'debug' }] }), ['spec.ephemeralContainers[debug]']],
    ['a deadline', withSpec({ activeDeadlineSeconds: 1 }), ['spec']],
    ['anything else', withContainer('step-one', { args: ['evil'] }), ['spec']],
    [
      'a container more',
      withSpec({ containers: [...sent.spec.containers, { name: 'x', image: 'y' }] }),
      ['spec.containers[x].image', 'spec'],
    ],
    [
      'a step that was run twice',
      {
        ...sent,
        status: {
          containerStatuses: [
            { ...container.running('step-one'), restartCount: 1, lastState: { terminated: { exitCode: 143 } } },
            { ...container.running('sidecar-db'), restartCount: 1, lastState: { terminated: { exitCode: 1 } } },
          ],
        },
      },
      ['status.containerStatuses[step-one].restartCount'],
    ],
  ])('%s', (_name, pod, expected) => expect(changesSince(record, pod)).toEqual(expected));

  it('remembers what a webhook changed at its creation', () => {
    const injected = withSpec({ containers: [...sent.spec.containers, { name: 'proxy', image: 'istio' }] });
    const read = readPodRecord(podRecord(sent, injected));
    expect(read?.changes).toEqual(['spec.containers[proxy]']);
    expect(changesSince(read as PodRecord, injected)).toEqual([]);
  });

  it('lists no changes where there were none', () => expect(record).not.toHaveProperty('changes'));

  it('keeps its size when much was changed', () => {
    const many = Array.from({ length: 500 }, (_, index) => ({ name: `c${index}`, image: 'i' }));
    expect(readPodRecord(podRecord(sent, withSpec({ containers: many })))?.changes).toHaveLength(20);
  });

  it('keeps its size when what was changed has a long name', () => {
    const injected = withSpec({ containers: [...sent.spec.containers, { name: 'c'.repeat(500), image: 'i' }] });
    expect(readPodRecord(podRecord(sent, injected))?.changes?.[0]).toHaveLength(200);
  });

  it.each([undefined, '', '{', '{}', '{"uid":""}'])('is none: %j', (text) =>
    expect(readPodRecord(text)).toBeUndefined(),
  );
});

describe('what a webhook changed at the creation of a pod', () => {
  const proxy = 'spec.containers[proxy]';
  const image = 'spec.containers[proxy].image';
  const annotation = 'metadata.annotations[sidecar.istio.io/status]';

  it.each<[string, string[] | undefined, string[], string[]]>([
    ['nothing, with nothing allowed', undefined, [], []],
    ['with nothing allowed', [proxy], [], [proxy]],
    ['that itself is allowed', [proxy], [proxy], []],
    ['below what is allowed, a field', [image], [proxy], []],
    ['below what is allowed, an entry', [proxy, annotation], ['spec.containers', 'metadata.annotations'], []],
    ['above what is allowed', [proxy], [image], [proxy]],
    ['that begins as what is allowed', ['spec.containersMore', proxy], ['spec.containers'], ['spec.containersMore']],
    ['that ends as what is allowed', [proxy], ['containers[proxy]'], [proxy]],
    ['with an empty path allowed', [proxy], [''], [proxy]],
    ['beside what is allowed', [proxy, annotation], [proxy], [annotation]],
    [
      'in so many fields that some may not be listed',
      Array.from({ length: 20 }, () => proxy),
      [proxy],
      Array.from({ length: 20 }, () => proxy),
    ],
    ['in one field less', Array.from({ length: 19 }, () => proxy), [proxy], []],
  ])('%s', (_name, changes, allowed, wanted) =>
    expect(changesAtCreation({ ...record, ...(changes && { changes }) }, allowed)).toEqual(wanted),
  );
});
