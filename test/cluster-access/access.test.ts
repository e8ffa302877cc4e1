import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openCluster, type AccessOptions } from './access.ts';

let file = '';
beforeEach(() => {
  file = path.join(mkdtempSync(path.join(tmpdir(), 'tektite-access-')), 'config');
  writeFileSync(
    file,
    `{apiVersion: v1, kind: Config, current-context: one,
      clusters: [{name: one, cluster: {server: "https://127.0.0.1:1"}}],
      contexts: [{name: one, context: {cluster: one}}, {name: two, context: {cluster: one}}]}`,
  );
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(path.dirname(file), { recursive: true });
});

/** All options of the scripts that use it: `npm run conformance` and `npm run bench`. */
const others = { parallel: '4', timeout: '300', keep: false, runs: '5' };

describe('the flags by which kubectl reaches the same cluster', () => {
  it.each<[string, () => AccessOptions, () => string | undefined, () => string[]]>([
    ['--kubeconfig', () => ({ kubeconfig: file }), () => undefined, () => ['--kubeconfig', file]],
    ['--context', () => ({ context: 'two' }), () => file, () => ['--context', 'two']],
    [
      '--kubeconfig and --context',
      () => ({ kubeconfig: file, context: 'two' }),
      () => undefined,
      () => ['--kubeconfig', file, '--context', 'two'],
    ],
    ['KUBECONFIG alone', () => ({}), () => file, () => []],
  ])('%s', async (_name, options, environment, expected) => {
    vi.stubEnv('KUBECONFIG', environment());
    const access = await openCluster({ ...others, ...options() }, 'test');
    await access.client.close();
    expect(access.kubectlFlags).toEqual(expected());
  });
});
