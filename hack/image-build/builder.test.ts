import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { file } from './base-files.ts';
import { createBuilder } from './builder.ts';
import type { LayerRecipe } from './layers.ts';
import type { ImageRecipe } from './recipes.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tektite-builder-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const builder = () =>
  createBuilder(
    { dir, root: resolve(import.meta.dirname, '../..'), mirror: '', architecture: 'amd64', progress: () => {} },
    () => 5,
  );

function countedLayer(name: string, text: string): LayerRecipe & { built: number } {
  const layer = {
    name,
    built: 0,
    inputs: () => Promise.resolve(text),
    entries: () => (layer.built++, Promise.resolve([file(name, text)])),
  };
  return layer;
}

const recipe = (name: string, ...layers: LayerRecipe[]): ImageRecipe => ({
  name,
  repositories: [`docker.io/library/${name}`],
  tags: ['latest'],
  layers,
  config: { cmd: ['sh'] },
});

test('an image is built once, also by a later run of the command', async () => {
  const layer = countedLayer('base', 'one');
  const first = await (await builder()).build(recipe('a', layer));
  const again = await (await builder()).build(recipe('a', layer));
  expect(layer.built).toBe(1);
  expect(again).toMatchObject({ digest: first.digest, size: first.size, dir: first.dir });
});

test('images share a layer, and only the layer whose input changed is built again', async () => {
  const [base, tool] = [countedLayer('base', 'one'), countedLayer('tool', 'one')];
  const images = await builder();
  const a = await images.build(recipe('a', base));
  const b = await images.build(recipe('b', base, tool));
  expect([base.built, tool.built]).toEqual([1, 1]);
  const newer = countedLayer('tool', 'two');
  const changed = await (await builder()).build(recipe('b', base, newer));
  expect([base.built, newer.built]).toEqual([1, 1]);
  expect(new Set([a.digest, b.digest, changed.digest]).size).toBe(3);
});

test('an image that was not built is not found; a failed layer leaves no image and no lock', async () => {
  const images = await builder();
  const broken: LayerRecipe = { ...countedLayer('x', 'y'), entries: () => Promise.reject(new Error('apt-get failed')) };
  await expect(images.build(recipe('a', broken))).rejects.toThrow('apt-get failed');
  expect(await images.find(recipe('a', broken))).toBeUndefined();
  expect(readdirSync(join(dir, 'images'))).toEqual(['layers']);
});
