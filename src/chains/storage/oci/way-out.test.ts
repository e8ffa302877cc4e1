import { describe, expect, it } from 'vitest';
import { HttpError, LeavesTlsError } from '../../../http/http-error.ts';
import { RegistryError } from '../../../registry/client.ts';
import { wayOut } from './way-out.ts';

const plain = new LeavesTlsError(307, new URL('https://a.test/v2/'), new URL('http://b.test/x'));
const late = new HttpError({ host: 'a.test', status: 0, retryable: true }, 'a.test did not answer');

describe('the setting that lets a registry’s answer pass', () => {
  it.each<[string, unknown, string | undefined]>([
    [
      'a redirect to plain HTTP',
      new RegistryError(307, plain.message, { cause: plain }),
      'or allow it with storage.oci.repository.insecure',
    ],
    ['a registry that does not answer', new RegistryError(0, late.message, { cause: late }), undefined],
    ['a refusal', new RegistryError(403, 'a.test answered 403: DENIED'), undefined],
    ['such a redirect of another server than the registry', plain, undefined],
  ])('%s', (_name, error, wanted) => expect(wayOut(error)).toBe(wanted));
});
