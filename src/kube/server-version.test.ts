import { expect, it } from 'vitest';
import { isOlder, serverVersion } from './server-version.ts';

it.each([
  ['v1.9.0', 'v1.28.0', true],
  ['v1.28.0', 'v1.9.0', false],
  ['v1.28.0', 'v1.28.0', false],
  ['v1.28.3', 'v1.28.10', true],
  ['v0.99.0', 'v1.0.0', true],
  ['v2.0.0', 'v1.28.0', false],
  ['what', 'v1.28.0', false],
])('%s is older than %s: %s', (version, than, older) => expect(isOlder(version, than)).toBe(older));

it.each([
  ['{"major":"1","gitVersion":"v1.29.1-eks-508b6b3"}', 'v1.29.1-eks-508b6b3'],
  ['{"gitVersion":"latest"}', undefined],
  ['{"gitVersion":7}', undefined],
  ['{}', undefined],
  ['null', undefined],
  ['<html>', undefined],
])('a server that says %s is %s', async (text, version) => {
  const asked: string[] = [];
  const raw = (method: string, path: string) => (asked.push(`${method} ${path}`), Promise.resolve(text));
  expect(await serverVersion({ raw }, new AbortController().signal)).toBe(version);
  expect(asked).toEqual(['GET /version']);
});
