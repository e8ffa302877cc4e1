/**
 * Upstream's example manifests on a real node, each as a user would create it. TEKTITE_CONFORMANCE_DIR names their
 * folder; where there is none, one skipped test says so.
 */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCluster, type Access } from '../cluster-access/access.ts';
import { attemptManifest } from './attempt.ts';
import { examplesFolder } from './examples-folder.ts';
import { manifestsOf } from './manifests.ts';
import { judge, notYet } from './not-yet.ts';

const RUN_TIMEOUT_MS = 240_000;
const folder = examplesFolder();
const names = folder === undefined ? [] : manifestsOf(folder).map((file) => path.relative(folder, file));

it.skipIf(folder !== undefined)('examples of upstream: set TEKTITE_CONFORMANCE_DIR to the folder that has them', () => {
  expect(folder).toBeDefined();
});

describe.runIf(folder !== undefined)('examples', () => {
  let access: Access;
  beforeAll(async () => {
    access = await openCluster({}, 'tektite-conformance');
  });
  afterAll(() => access.client.close());

  it('the list of those that cannot pass yet names no example that is gone', () => {
    expect(Object.keys(notYet).filter((name) => !names.includes(name))).toEqual([]);
  });

  it.concurrent.each(names)('%s', async (name) => {
    judge(name, await attemptManifest(access, path.join(folder ?? '', name), { timeoutMs: RUN_TIMEOUT_MS }));
  });
});
