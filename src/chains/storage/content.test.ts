import { describe, expect, it } from 'vitest';
import { isStoredBefore, signatureContent, storageError } from './content.ts';
import { otherKey, storeRequest } from './request.fake.ts';
import { ServiceError } from '../signing/service.ts';

describe('isStoredBefore', () => {
  it.each([{ image: false }, { image: true }])('knows its own signer again (image: $image)', async ({ image }) => {
    const request = await storeRequest({ image });
    const stored = async (options: Parameters<typeof storeRequest>[0]) => {
      const { artifact, signature } = await storeRequest({ image, ...options });
      return {
        payload: artifact.payload.json,
        signature: signatureContent(signature),
        certificate: signature.certificate ?? '',
      };
    };
    expect(isStoredBefore(request, await stored({}))).toBe(true);
    expect(isStoredBefore(request, await stored({ privateKey: otherKey() }))).toBe(false);
    expect(isStoredBefore(request, await stored({ payload: { other: true } }))).toBe(false);
    expect(isStoredBefore(request, { ...(await stored({})), signature: Buffer.from('{}') })).toBe(false);
    // A payload that was changed beside a signature of ours.
    expect(
      isStoredBefore(await storeRequest({ image, payload: { other: true } }), {
        ...(await stored({})),
        payload: Buffer.from('{"other":true}'),
      }),
    ).toBe(false);
  });
});

describe('storageError', () => {
  it.each([
    { status: 503, retryable: true },
    { status: 400, retryable: false },
  ])('keeps whether $status may pass', async ({ status, retryable }) => {
    const error = storageError(
      'gcs',
      await storeRequest(),
      new ServiceError(status, 'no'),
      new AbortController().signal,
    );
    expect(error).toMatchObject({
      backend: 'gcs',
      artifact: 'taskrun-u1',
      retryable,
      message: 'storage gcs, taskrun-u1: no',
    });
  });

  it('lets an abort be one', async () => {
    const reason = new Error('stop');
    expect(storageError('gcs', await storeRequest(), new Error('fetch failed'), AbortSignal.abort(reason))).toBe(
      reason,
    );
  });
});
