import { describe, expect, it } from 'vitest';
import { ApiError } from '../kube/client.ts';
import { createLogger } from '../log.ts';
import { checkServerVersion, ServerVersionError } from './server-version.ts';

const log = createLogger({ name: 'test', level: 'silent' });

/** Asks a server that gives these answers one after the other; what came of it, and how often it was asked. */
async function asked(answers: (string | Error)[], least?: string): Promise<[string, number]> {
  const left = [...answers];
  const client = {
    raw: () => {
      const next = left.shift() ?? new Error('asked too often');
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    },
  };
  const env = least === undefined ? {} : { KUBERNETES_MIN_VERSION: least };
  const clock = { sleep: () => Promise.resolve() };
  const outcome = await checkServerVersion({ client, env, log, clock }, new AbortController().signal).then(
    () => 'works',
    (error: unknown) => {
      expect(error).toBeInstanceOf(ServerVersionError);
      return (error as Error).message;
    },
  );
  return [outcome, answers.length - left.length];
}

const version = (gitVersion: unknown) => JSON.stringify({ major: '1', gitVersion });
const tooOld = (found: string, least: string) =>
  `the API server is Kubernetes ${found}, older than ${least}: upgrade the cluster, or set the variable KUBERNETES_MIN_VERSION to try it all the same`;

describe('an API server', () => {
  it.each([
    { what: 'of the oldest version', answers: [version('v1.28.0')], want: 'works' },
    { what: 'that is newer', answers: [version('v1.36.2')], want: 'works' },
    { what: 'of a distribution', answers: [version('v1.29.1-eks-508b6b3')], want: 'works' },
    { what: 'that is older', answers: [version('v1.27.16+k3s1')], want: tooOld('v1.27.16+k3s1', 'v1.28.0') },
    { what: 'that is older and wanted', answers: [version('v1.20.0')], least: '1.20', want: 'works' },
    {
      what: 'older than the operator wants',
      answers: [version('v1.30.9')],
      least: 'v1.31.0',
      want: tooOld('v1.30.9', 'v1.31.0'),
    },
    { what: 'that says no version', answers: ['{}'], want: 'works' },
    { what: 'that says nonsense', answers: [version('latest')], want: 'works' },
    { what: 'that speaks no JSON', answers: ['<html>'], want: 'works' },
    { what: 'that says null', answers: ['null'], want: 'works' },
    { what: 'that forbids the question', answers: [new ApiError(403, { message: 'no' })], want: 'works' },
    {
      what: 'that is away at first',
      answers: [new Error('ECONNREFUSED'), new ApiError(503, {}), version('v1.27.0')],
      want: tooOld('v1.27.0', 'v1.28.0'),
    },
  ])('$what', async ({ answers, least, want }) => {
    expect(await asked(answers, least)).toEqual([want, answers.length]);
  });

  it.each(['latest', '1', 'v1'])('is not asked when the oldest is to be %s', async (least) => {
    expect(await asked([version('v1.30.0')], least)).toEqual([
      `KUBERNETES_MIN_VERSION is "${least}"; write a version such as v1.28.0`,
      0,
    ]);
  });
});
