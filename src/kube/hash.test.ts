import { describe, expect, test } from 'vitest';
import { leaseName } from './election-config.ts';
import { BucketSet } from './hash.ts';

const QUEUE = 'github.com.tektoncd.pipeline.pkg.reconciler.taskrun.reconciler';
const names = (buckets: number) =>
  Array.from({ length: buckets }, (_, i) =>
    leaseName('tekton-pipelines-controller', QUEUE, i, { buckets, leasePrefixes: {} }),
  );

/** The buckets of the keys ns-{k%7}/run-{k*k}, k = 0..39, as knative.dev/pkg/hash gives them (run once, with Go). */
const KNATIVE: readonly [buckets: number, owners: string][] = [
  [1, '0000000000000000000000000000000000000000'],
  [2, '1111010110000111001101000000101010100100'],
  [3, '0222020001221000120122112120211122010220'],
  [5, '2140002344012324323042124031410333412110'],
  [10, '9818964398754880457238501377086876264577'],
];

describe('BucketSet', () => {
  test.each(KNATIVE)('with %d buckets gives each key the owner that knative gives it', (buckets, owners) => {
    const set = new BucketSet(names(buckets));
    const ours = Array.from({ length: 40 }, (_, k) => names(buckets).indexOf(set.ownerOf(`ns-${k % 7}/run-${k * k}`)));
    expect(ours.join('')).toBe(owners);
  });

  test('the order of the names does not matter', () => {
    const one = new BucketSet(names(5));
    const other = new BucketSet(names(5).reverse());
    for (let k = 0; k < 200; k++) expect(other.ownerOf(`n/${k}`)).toBe(one.ownerOf(`n/${k}`));
  });

  test("names whose angles collide are told apart (the pair of knative's own test)", () => {
    const pair = ['b08006d4-81f9-42ee-808b-ea18a39cbd83', 'c9dc8df4-8c8d-4077-8750-6d2c2113a23b'];
    expect(pair).toContain(new BucketSet(pair).ownerOf('e68a64e1-19d8-4855-9ffa-04f49223a059'));
  });

  test('spreads keys fairly', () => {
    const set = new BucketSet(names(10));
    const counts = new Map<string, number>();
    for (let k = 0; k < 10_000; k++)
      counts.set(set.ownerOf(`ns-${k % 13}/run-${k}`), (counts.get(set.ownerOf(`ns-${k % 13}/run-${k}`)) ?? 0) + 1);
    for (const name of names(10)) expect(counts.get(name)).toBeGreaterThan(800);
  });

  test('needs a bucket', () => expect(() => new BucketSet([])).toThrow('at least one bucket'));
});
