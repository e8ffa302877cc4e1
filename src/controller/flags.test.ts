import { describe, expect, it } from 'vitest';
import { FlagError } from '../role/flags.ts';
import { parseControllerFlags } from './flags.ts';

const images = ['--entrypoint-image=e', '--nop-image=n'];

describe('parseControllerFlags', () => {
  it('reads flags and environment', () => {
    const flags = parseControllerFlags([...images, '--namespaces=a, b', '--concurrency=4', '--disable-ha'], {
      POD_NAME: 'controller-0',
      SYSTEM_NAMESPACE: 'ci',
    });
    expect(flags).toMatchObject({
      namespaces: ['a', 'b'],
      concurrency: 4,
      disableHighAvailability: true,
      identity: 'controller-0',
      systemNamespace: 'ci',
      metricsPort: 9090,
    });
  });

  it.each([
    ['a missing image', ['--nop-image=n'], '--entrypoint-image is missing'],
    ['a number that is none', [...images, '--concurrency=many'], '--concurrency is "many"; give a number of 1 or more'],
    ['no workers', [...images, '--concurrency=0'], '--concurrency is "0"'],
    ['a mirror without a URL', [...images, '--registry-mirror=ghcr.io'], 'write HOST=URL'],
    ['an unknown flag', [...images, '--qps=3'], '--kube-api-qps'],
  ])('refuses %s', (_name, args, message) => {
    expect(() => parseControllerFlags(args, {})).toThrow(FlagError);
    expect(() => parseControllerFlags(args, {})).toThrow(message);
  });
});
