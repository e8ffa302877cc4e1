/**
 * Upstream's example manifests on a real node, each as a user would create it. TEKTITE_CONFORMANCE_DIR names their
 * folder; where there is none, one skipped test says so.
 */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configMaps } from '../../src/kube/resources.ts';
import { openCluster, type Access } from '../cluster-access/access.ts';
import { attemptManifest } from './attempt.ts';
import { examplesFolder } from './examples-folder.ts';
import { manifestsOf } from './manifests.ts';
import { addSecondNode } from './second-node.ts';

const RUN_TIMEOUT_MS = 240_000;
const folder = examplesFolder();
/** Its results are of 12 KB. */
const largeResults = 'pipelineruns/alpha/pipelinerun-large-results.yaml';
/** What has results and artifacts of every kind. */
const withSidecarLogs = /large-results|task-artifacts|stepaction-results|object-results|emit-array-results/;
/** Its two tasks want nodes of different labels. */
const forTwoNodes = 'pipelineruns/beta/pipelinerun-with-matrix-and-taskrunspecs-param-substitution.yaml';
const names = folder === undefined ? [] : manifestsOf(folder).map((file) => path.relative(folder, file));

if (folder === undefined) it.skip('examples of upstream: set TEKTITE_CONFORMANCE_DIR to the folder that has them');

describe.runIf(folder !== undefined)('examples', () => {
  let access: Access;
  beforeAll(async () => {
    access = await openCluster({}, 'tektite-conformance');
  });
  afterAll(() => access.client.close());

  const pass = async (name: string) => {
    const outcome = await attemptManifest(access, path.join(folder ?? '', name), { timeoutMs: RUN_TIMEOUT_MS });
    expect(outcome).toEqual({ verdict: 'pass', detail: '' });
  };

  it.concurrent.each(names.filter((name) => name !== largeResults && name !== forTwoNodes))('%s', pass);

  describe('with results from sidecar logs', () => {
    const resultsFrom = (value: string | null) => {
      const body = { data: { 'results-from': value } };
      return access.client.patch(configMaps, 'tekton-pipelines', 'feature-flags', { type: 'merge', body });
    };
    beforeAll(() => resultsFrom('sidecar-logs'));
    afterAll(() => resultsFrom(null));

    it.concurrent.each(names.filter((name) => withSidecarLogs.test(name)))('%s', pass);
  });

  describe('on two nodes', () => {
    let second: Awaited<ReturnType<typeof addSecondNode>>;
    beforeAll(async () => {
      second = await addSecondNode(access.client);
    });
    afterAll(() => second?.remove());

    it.each(names.filter((name) => name === forTwoNodes))('%s', pass);
  });
});
