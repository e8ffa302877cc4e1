import crypto, { createHmac } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { coreInterceptors } from './core.ts';
import { equalBytes, signatureProblem } from './signature.ts';
import type { InterceptorRequest } from './wire.ts';
import { fakeWorld } from './world.fake.ts';

const compared = vi.spyOn(crypto, 'timingSafeEqual');
// Node's own modules give the names in them anew only when they are told to.
beforeAll(() => syncBuiltinESMExports());
beforeEach(() => {
  compared.mockClear();
});
afterAll(() => {
  compared.mockRestore();
  syncBuiltinESMExports();
});

const secret = 'hunter2';
const body = '{"ref":"refs/heads/main"}';
const now = Date.parse('2026-01-01T00:00:00Z');
const timestamp = String(now / 1000);
const secretRef = { secretName: 'hook', secretKey: 'token' };
const hex = (text: string) => createHmac('sha256', secret).update(text).digest('hex');
const header = (name: string, value: string): InterceptorRequest => ({ header: { [name]: [value] }, body });

/** What proves who sent an event, for each interceptor that knows a secret. */
const proofs: Record<string, { right: string; request: (proof: string) => InterceptorRequest }> = {
  github: { right: hex(body), request: (proof) => header('X-Hub-Signature-256', `sha256=${proof}`) },
  bitbucket: { right: hex(body), request: (proof) => header('X-Hub-Signature', `sha256=${proof}`) },
  gitlab: { right: secret, request: (proof) => header('X-Gitlab-Token', proof) },
  slack: {
    right: hex(`v0:${timestamp}:text=main`),
    request: (proof) => ({
      header: {
        'Content-Type': ['application/x-www-form-urlencoded'],
        'X-Slack-Request-Timestamp': [timestamp],
        'X-Slack-Signature': [`v0=${proof}`],
      },
      original_body: Buffer.from('text=main').toString('base64'),
      interceptor_params: { secretRef, requestedFields: ['text'] },
    }),
  },
  cel: {
    right: secret,
    request: (proof) => ({
      ...header('X-Token', proof),
      interceptor_params: { filter: "header.canonical('X-Token').compareSecret('token', 'hook')" },
    }),
  },
};

/** The same length with another character at the place. */
function changed(proof: string, place: number): string {
  const other = proof.at(place) === '0' ? '1' : '0';
  const index = place < 0 ? proof.length + place : place;
  return proof.slice(0, index) + other + proof.slice(index + 1);
}

const cases: [name: string, proof: (right: string) => string, goesOn: boolean][] = [
  ['the right proof', (right) => right, true],
  ['one whose first character is another', (right) => changed(right, 0), false],
  ['one whose last character is another', (right) => changed(right, -1), false],
  ['a shorter one', (right) => right.slice(0, -2), false],
  ['a longer one', (right) => `${right}00`, false],
];

describe.each(Object.entries(proofs))('%s compares in constant time', (name, { right, request }) => {
  it.each(cases)('%s', async (_name, proof, goesOn) => {
    const world = fakeWorld({ 'ci/hook/token': secret }, {}, now);
    const asked: InterceptorRequest = {
      interceptor_params: { secretRef },
      context: { event_url: '/', event_id: 'e', trigger_id: 'namespaces/ci/triggers/t' },
      ...request(proof(right)),
    };
    expect(await coreInterceptors.get(name)?.(asked, world)).toMatchObject({ continue: goesOn });
    // Whatever differs, as many bytes are compared as the right one has.
    expect(compared).toHaveBeenCalledOnce();
    const [given, wanted] = compared.mock.calls[0] ?? [];
    expect(given?.byteLength).toBe(wanted?.byteLength);
  });
});

describe('a signature', () => {
  it.each<[name: string, signature: string, problem: string | undefined]>([
    ['sha256', `sha256=${hex(body)}`, undefined],
    ['in capitals', `sha256=${hex(body).toUpperCase()}`, undefined],
    ['without a hash', hex(body), `error parsing signature "${hex(body).slice(0, 20)}"`],
    ['of a hash that is not taken', `md5=${hex(body)}`, 'unknown hash type prefix: "md5"'],
    ['of a hash with a long name', `${'x'.repeat(99)}=00`, `unknown hash type prefix: "${'x'.repeat(20)}"`],
    ['empty', 'sha256=', 'payload signature check failed'],
    ['no hexadecimal', `sha256=${'z'.repeat(64)}`, 'payload signature check failed'],
    ['half a byte too long', `sha256=${hex(body)}0`, 'payload signature check failed'],
  ])('%s', (_name, signature, problem) => {
    expect(signatureProblem(signature, Buffer.from(body), Buffer.from(secret))).toBe(problem);
  });
});

it('nothing is equal to nothing alone', () => {
  expect(equalBytes(Buffer.alloc(0), Buffer.alloc(0))).toBe(true);
  expect(equalBytes(Buffer.alloc(0), Buffer.from(secret))).toBe(false);
});
