import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { imageRecipes } from './recipes.ts';

const root = resolve(import.meta.dirname, '../..');
const lines = readFileSync(join(root, 'Dockerfile'), 'utf8').split('\n');

/** Instructions of the stage that ends as image `target`, by name; the last of each counts. */
function stage(target: string): Map<string, string> {
  const start = lines.findIndex((line) => line.startsWith('FROM ') && line.endsWith(` AS ${target}`));
  const end = lines.findIndex((line, index) => index > start && line.startsWith('FROM '));
  return new Map(
    lines
      .slice(start + 1, end < 0 ? undefined : end)
      .map((line) => /^([A-Z]+) (.*)$/.exec(line) ?? [])
      .map(([, name = '', rest = '']) => [name, rest]),
  );
}

test.each(['tektite', 'entrypoint'])('the Dockerfile configures %s as hack/images does', async (name) => {
  const config = (await imageRecipes(root)).find((recipe) => recipe.name === name)?.config;
  const instructions = stage(name);
  expect(JSON.parse(instructions.get('ENTRYPOINT') ?? '[]')).toEqual(config?.entrypoint);
  expect(instructions.get('USER')).toBe(config?.user);
  expect(instructions.get('WORKDIR')).toBe(config?.workingDir);
  const env = (instructions.get('ENV') ?? '').split(' ').filter((pair) => pair !== '');
  expect(env.toSorted()).toEqual(config?.env?.filter((pair) => !pair.startsWith('PATH=')).toSorted());
});

test('every image that the Dockerfile starts from is pinned by digest', () => {
  const bases = lines.flatMap((line) => /^ARG \w+_IMAGE=(.*)$/.exec(line)?.[1] ?? []);
  expect(bases).toHaveLength(3);
  for (const base of bases) expect(base).toMatch(/^[a-z.]+\/\S+:\S+@sha256:[0-9a-f]{64}$/);
  const stages = new Set(lines.flatMap((line) => /^FROM .*\S+ AS (\S+)$/.exec(line)?.[1] ?? []));
  for (const from of lines.flatMap((line) => /^FROM (?:--platform=\S+ )?(\S+)/.exec(line)?.[1] ?? [])) {
    expect(from === 'scratch' || from.startsWith('${') || stages.has(from), from).toBe(true);
  }
});

test('what is compiled is compiled by the builder’s processor, for the target’s', () => {
  const own = lines.flatMap((line) => /^FROM --platform=\$BUILDPLATFORM \S+ AS (\S+)$/.exec(line)?.[1] ?? []);
  expect(own).toEqual(['bundle', 'steps']);
  expect(lines.filter((line) => line === 'ARG TARGETARCH')).toHaveLength(own.length);
  const building = lines.findIndex((line) => line.includes('CGO_ENABLED=0'));
  expect(lines[building]).toContain('GOOS=linux GOARCH=$TARGETARCH');
  // No other stage compiles.
  const stripping = lines.findIndex((line) => line.endsWith(' AS node'));
  expect(lines.slice(stripping).filter((line) => /\b(go build|npm|node_modules)\b/.test(line))).toEqual([]);
});
