import { describe, expect, it } from 'vitest';
import { defaultValidationContext } from '../api/pipeline/v1/validation.ts';
import { createLogger } from '../log.ts';
import { webhookRoutes } from './routes.ts';

const told: string[] = [];
const routes = webhookRoutes({
  settings: () => defaultValidationContext,
  gates: { runControllers: [], signers: [], resolvers: [], allowUnsigned: true },
  configNames: {},
  log: createLogger({ name: 'test', level: 'silent' }),
  onAnswer: (path, outcome) => told.push(`${path} ${outcome}`),
});

async function post(path: string, body: string): Promise<{ status: number; body: string }> {
  const route = routes.find((each) => each.path === path);
  const signal = new AbortController().signal;
  const sent = { query: new URLSearchParams(), rawQuery: '', params: {}, headers: {}, rawHeaders: [] };
  const request = { method: 'POST', path, ...sent, signal };
  const answer = await route?.handler({ ...request, body: Buffer.from(body) });
  return { status: answer?.status ?? 404, body: String((answer as { body?: unknown } | undefined)?.body) };
}

describe.each(['/defaulting', '/resource-validation', '/config-validation', '/gates', '/resource-conversion'])(
  '%s',
  (path) => {
    it.each([
      ['nothing', ''],
      ['no JSON', '{'],
      ['a list', '[]'],
      ['null', 'null'],
      ['another kind', '{"kind":"Pod"}'],
      ['no request', '{"kind":"AdmissionReview"}'],
      ['a request of nothing', '{"kind":"AdmissionReview","request":{}}'],
      [
        'a request without a resource',
        '{"kind":"AdmissionReview","request":{"uid":"u","kind":{},"operation":"CREATE"}}',
      ],
      [
        'a request of null',
        '{"kind":"AdmissionReview","request":{"uid":"u","kind":null,"resource":null,"operation":"CREATE"}}',
      ],
      ['no objects', '{"kind":"ConversionReview","request":{"uid":"u","desiredAPIVersion":"tekton.dev/v1"}}'],
    ])('%s is answered with what is wrong', async (_what, body) => {
      told.length = 0;
      const answer = await post(path, body);
      expect(answer.status).toBe(400);
      expect(answer.body).toMatch(/^the (body|AdmissionReview|ConversionReview) /);
      expect(told).toEqual([`${path} failed`]);
    });
  },
);

describe('/resource-conversion', () => {
  it.each([
    ['an unknown version', 'tekton.dev/v9', { apiVersion: 'tekton.dev/v1', kind: 'Task' }],
    ['an unknown kind', 'tekton.dev/v1', { apiVersion: 'tekton.dev/v1beta1', kind: 'Tusk' }],
  ])('%s fails the review, and says so', async (_what, desiredAPIVersion, object) => {
    const review = { kind: 'ConversionReview', request: { uid: 'u', desiredAPIVersion, objects: [object] } };
    const { status, body } = await post('/resource-conversion', JSON.stringify(review));
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({
      response: { uid: 'u', result: { status: 'Failure', message: expect.stringMatching(/^no conversion of T/) } },
    });
  });
});
