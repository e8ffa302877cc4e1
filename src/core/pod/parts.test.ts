import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { entrypointArguments, messageLimit } from './entrypoint.ts';
import { pinned } from './image.ts';
import { mergePodTemplates } from '../../api/core/podtemplate.merge.ts';
import { formatQuantity, parseQuantity } from './quantity.ts';
import { mergeStepTemplate } from './steptemplate.ts';

describe('parseQuantity', () => {
  it.each<[string | number, bigint | undefined]>([
    ['1', 1_000_000_000n],
    [2, 2_000_000_000n],
    ['500m', 500_000_000n],
    ['1Ki', 1_024_000_000_000n],
    ['1.5Gi', 1_610_612_736_000_000_000n],
    ['1e3', 1_000_000_000_000n],
    ['1E3', 1_000_000_000_000n],
    ['1E', 10n ** 27n],
    ['-1', -1_000_000_000n],
    ['.5', 500_000_000n],
    ['100n', 100n],
    ['0.1n', 1n],
    ['', undefined],
    ['x', undefined],
    ['1Kb', undefined],
    ['$(params.cpu)', undefined],
  ])('%j', (text, expected) => expect(parseQuantity(text)).toBe(expected));

  it('reads back what it prints', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 24n }), (milli) => {
        expect(parseQuantity(formatQuantity(milli * 1_000_000n))).toBe(milli * 1_000_000n);
      }),
    );
  });
});

it.each([
  ['busybox', 'busybox@sha256:1'],
  ['busybox:1.36', 'busybox@sha256:1'],
  ['localhost:5000/a', 'localhost:5000/a@sha256:1'],
  ['localhost:5000/a:b', 'localhost:5000/a@sha256:1'],
  ['a@sha256:2', 'a@sha256:2'],
])('pinned %s', (image, expected) => expect(pinned(image, 'sha256:1')).toBe(expected));

describe('mergeStepTemplate', () => {
  it('lets the step win, key by key', () => {
    const [merged] = mergeStepTemplate(
      [
        {
          name: 's',
          image: '',
          command: [],
          env: [
            { name: 'B', value: 'step' },
            { name: 'C', value: 'step' },
          ],
          volumeMounts: [{ name: 'v2', mountPath: '/a' }],
          computeResources: { requests: { cpu: '2' } },
          securityContext: { capabilities: { add: ['X'] } },
        },
      ],
      {
        image: 'base',
        command: ['sh'],
        env: [
          { name: 'A', value: 'template' },
          { name: 'B', value: 'template' },
        ],
        volumeMounts: [{ name: 'v1', mountPath: '/a' }],
        computeResources: { requests: { cpu: '1', memory: '1Gi' } },
        securityContext: { runAsUser: 1, capabilities: { drop: ['Y'] } },
      },
    );
    expect(merged).toEqual({
      name: 's',
      image: 'base',
      command: ['sh'],
      env: [
        { name: 'A', value: 'template' },
        { name: 'B', value: 'step' },
        { name: 'C', value: 'step' },
      ],
      volumeMounts: [{ name: 'v2', mountPath: '/a' }],
      computeResources: { requests: { cpu: '2', memory: '1Gi' } },
      securityContext: { runAsUser: 1, capabilities: { add: ['X'], drop: ['Y'] } },
    });
  });
});

it('mergePodTemplates', () => {
  const operator = {
    nodeSelector: { a: '1' },
    env: [
      { name: 'X', value: 'op' },
      { name: 'Y', value: 'op' },
    ],
    schedulerName: 'slow',
  };
  expect(mergePodTemplates({ env: [{ name: 'X', value: 'run' }], nodeSelector: { b: '2' } }, operator)).toEqual({
    nodeSelector: { b: '2' },
    schedulerName: 'slow',
    env: [
      { name: 'Y', value: 'op' },
      { name: 'X', value: 'run' },
    ],
  });
  expect(mergePodTemplates(undefined, operator)).toBe(operator);
});

/**
 * Flags that the builder may write are those the binary knows: both sides read this file (src/entrypoint/CONTRACT.md).
 */
it('writes only flags of the contract', () => {
  const contract = JSON.parse(
    readFileSync(new URL('../../../test/contract/entrypoint-flags.json', import.meta.url), 'utf8'),
  ) as { step: { flags: { name: string }[] } };
  const known = new Set(contract.step.flags.map(({ name }) => name));
  const args = entrypointArguments(
    {
      onError: 'continue',
      timeout: '1m',
      stdoutConfig: { path: 'o' },
      stderrConfig: { path: 'e' },
      results: [{ name: 'r' }],
      when: [{ input: 'a' }],
      args: ['b'],
    },
    1,
    ['cmd', 'a'],
    {
      credentials: ['-basic-git=a=b', '-docker-cfg=c'],
      resultsFromSidecar: true,
      compressTerminationMessage: true,
      messageLimit: 3072,
      results: ['x', 'y'],
      debug: ['-breakpoint_on_failure', '-debug_before_step'],
    },
  );
  const flags = args
    .slice(0, args.indexOf('--'))
    .filter((arg) => /^-[a-z]/.test(arg))
    .map((arg) => arg.slice(1).split('=')[0]);
  expect(flags.filter((flag) => !known.has(flag ?? ''))).toEqual([]);
  expect(args.slice(args.indexOf('-entrypoint'))).toEqual(['-entrypoint', 'cmd', '--', 'a', 'b']);
});

it.each([
  [1, 4096],
  [3, 4096],
  [4, 3072],
  [5, 2457],
  [10, 1228],
  [30, 409],
  [100, 122],
])('the kubelet keeps of each of %i containers a message of %i bytes', (containers, expected) => {
  expect(messageLimit(containers)).toBe(expected);
});

it('the shares of 3 to 30 containers never exceed what the kubelet keeps of a pod', () => {
  for (let containers = 3; containers <= 30; containers++) {
    expect(messageLimit(containers) * containers).toBeLessThanOrEqual(12_288);
    expect((messageLimit(containers) + 1) * containers).toBeGreaterThan(containers === 3 ? 0 : 12_288);
  }
});
