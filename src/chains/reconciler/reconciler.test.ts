import { describe, expect, it } from 'vitest';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { ApiError } from '../../kube/client.ts';
import { annotations, finalizers } from '../annotations.ts';
import { dayAfter, runOf, signedEntries, spireServer, statedMessage } from '../../core/spire/spire.fake.ts';
import { stepIdentity } from '../../core/spire/statement.ts';
import { artifactsOf, childOf, concluded, pipelineRun, runs, taskRun, World } from './world.fake.ts';

const withImages = (...values: string[]): TaskRun['status'] => ({
  conditions: [{ type: 'Succeeded', status: 'True' }],
  completionTime: '2026-01-01T00:00:59Z',
  results: values.map((value, index) => ({ name: `IMAGE${index}`, value })),
});

function world(data: Record<string, string>, ...objects: Parameters<World['add']>): World {
  const made = new World(data);
  made.add(...objects);
  return made;
}

/** The calls of the API in order; the lists are those of the caches. */
function apiCalls({ client }: World): string[] {
  return client.calls.filter(({ verb }) => verb !== 'list').map(({ verb, resource }) => `${verb} ${resource}`);
}

async function metadata(at: World, name = 'a', kind: keyof typeof runs = 'taskrun') {
  return (await at.client.get(runs[kind], 'ns', name)).metadata;
}

/** Works until the run asks for nothing more, as the queue would; says how often. */
async function untilDone(at: World, run: Parameters<World['reconcile']>[0], limit = 20): Promise<number> {
  for (let rounds = 1; rounds <= limit; rounds++) {
    const outcome = await at.reconcile(run);
    if (outcome.kind !== 'requeueAfter') return rounds;
    at.now += outcome.ms;
  }
  throw new Error('does not end');
}

describe('a TaskRun', () => {
  it('stored in its annotations costs one read and one write besides', async () => {
    const run = taskRun('a');
    const at = world({}, run);
    expect(await at.reconcile(run)).toEqual({ kind: 'done' });
    expect(apiCalls(at)).toEqual(['get taskruns', 'patch taskruns']);
    expect((await metadata(at)).annotations).toEqual(concluded('uid-a'));
    expect(at.counts).toMatchObject({
      'taskrun sign_created': 1,
      'taskrun payload_stored': 1,
      'taskrun marked_signed': 1,
    });
    expect(at.events).toEqual([]);
  });

  it('stored elsewhere is noted before anybody sees the signature', async () => {
    const run = taskRun('a', { status: withImages('one', 'two') });
    const at = world({ 'transparency.enabled': 'true' }, run);
    const order: string[] = [];
    at.disturb = (what) => {
      order.push(what);
    };
    await at.reconcile(run);
    expect(order.indexOf('patch taskruns')).toBeGreaterThan(order.lastIndexOf('sign oci'));
    expect(order.indexOf('patch taskruns')).toBeLessThan(order.indexOf('upload'));
    expect(at.stored.map(({ backend, artifact, withLogEntry }) => ({ backend, artifact, withLogEntry }))).toEqual(
      expect.arrayContaining([
        { backend: 'tekton', artifact: 'taskrun-uid-a', withLogEntry: true },
        { backend: 'oci', artifact: 'one', withLogEntry: true },
        { backend: 'oci', artifact: 'two', withLogEntry: true },
      ]),
    );
    expect((await metadata(at)).annotations).toEqual({
      ...concluded('uid-a'),
      [annotations.transparency]: expect.stringContaining('logIndex=') as string,
    });
    expect(at.counts).toMatchObject({
      'taskrun sign_created': 3,
      'taskrun payload_uploaded': 3,
      'taskrun payload_stored': 3,
      'taskrun marked_signed': 1,
    });
  });

  it('that is signed is not even read', async () => {
    const run = taskRun('a', { annotations: concluded('uid-a') });
    const at = world({}, run);
    await at.reconcile(run);
    expect(apiCalls(at)).toEqual([]);
  });

  it('is signed again when the mark is removed', async () => {
    const run = taskRun('a');
    const at = world({ 'artifacts.taskrun.storage': 'gcs' }, run);
    await at.reconcile(run);
    await at.client.patch(runs.taskrun, 'ns', 'a', {
      type: 'merge',
      body: { metadata: { annotations: { [annotations.signed]: null } } },
    });
    await at.reconcile(run);
    expect(at.signatures).toBe(2);
    expect((await metadata(at)).annotations).toEqual(concluded('uid-a'));
  });

  it('whose registry is down for a while: only that is done again, by the same signature', async () => {
    const run = taskRun('a', { status: withImages('one') });
    const at = world({ 'artifacts.taskrun.storage': 'tekton,oci', 'transparency.enabled': 'true' }, run);
    let left = 4;
    at.disturb = (what) => {
      if (what === 'store oci' && left-- > 0) throw new Error('UNAUTHORIZED: pull secret of ServiceAccount default');
    };
    await at.reconcile(run);
    const failed = (await metadata(at)).annotations ?? {};
    expect(failed[annotations.retries]).toBe('0');
    expect(JSON.parse(failed[annotations.problems] ?? '')).toMatchObject({
      failedAttempts: 1,
      nextAttempt: '2026-01-01T00:01:01.000Z',
      problems: [
        { artifact: 'taskrun-uid-a', at: 'storage oci', reason: expect.stringContaining('UNAUTHORIZED') as string },
        { artifact: 'one', at: 'storage oci' },
      ],
    });
    expect((await metadata(at)).finalizers).toEqual([finalizers.taskrun]);
    expect(at.counts['taskrun failures storage']).toBe(2);
    await untilDone(at, run);
    expect(at.calls.filter((call) => call.startsWith('sign'))).toHaveLength(2);
    expect(at.calls.filter((call) => call === 'upload')).toHaveLength(2);
    expect(at.calls.filter((call) => call === 'store tekton')).toHaveLength(1);
    expect(await metadata(at)).not.toHaveProperty('finalizers');
    expect((await metadata(at)).annotations).toEqual({
      ...concluded('uid-a'),
      [annotations.transparency]: expect.any(String) as string,
    });
  });

  it('looks at nothing before its next attempt is due, however often it is woken', async () => {
    const run = taskRun('a');
    const at = world({ 'artifacts.taskrun.storage': 'oci' }, run);
    at.disturb = (what) => {
      if (what === 'store oci') throw new Error('down');
    };
    await at.reconcile(run);
    const calls = apiCalls(at);
    expect(await at.reconcile(run)).toEqual({ kind: 'requeueAfter', ms: 1000 });
    expect(apiCalls(at)).toEqual(calls);
  });

  it('that fails for good says why, and is not looked at again', async () => {
    const run = taskRun('a');
    const at = world({ 'artifacts.taskrun.storage': 'oci' }, run);
    at.disturb = (what) => {
      if (what === 'store oci') throw new Error('no such registry');
    };
    await untilDone(at, run);
    const { annotations: written, finalizers: present } = await metadata(at);
    expect(written).toMatchObject({ [annotations.signed]: 'failed', [annotations.retries]: '3' });
    expect(JSON.parse(written?.[annotations.problems] ?? '')).toMatchObject({
      failedAttempts: 5,
      problems: [{ artifact: 'taskrun-uid-a', at: 'storage oci', reason: 'no such registry' }],
    });
    expect(present).toBeUndefined();
    expect(at.events.map(({ reason }) => reason)).toEqual([
      'SigningFailed',
      'SigningFailed',
      'SigningFailed',
      'SigningFailed',
      'SigningFailedForGood',
    ]);
    expect(at.counts).toMatchObject({ 'taskrun failures storage': 5, 'taskrun marked_failed': 1 });
    expect(at.counts).not.toHaveProperty('taskrun marked_signed');
  });

  it('that failed for good and lost the mark begins anew', async () => {
    const run = taskRun('a');
    const at = world({ 'artifacts.taskrun.storage': 'oci' }, run);
    at.disturb = (what) => {
      if (what === 'store oci') throw new Error('down');
    };
    await untilDone(at, run);
    at.disturb = () => undefined;
    await at.client.patch(runs.taskrun, 'ns', 'a', {
      type: 'merge',
      body: { metadata: { annotations: { [annotations.signed]: null } } },
    });
    await at.reconcile(run);
    expect((await metadata(at)).annotations).toMatchObject(concluded('uid-a'));
    expect(at.signatures).toBe(2);
  });

  it('without its log entry is not stored, but at the last attempt', async () => {
    const run = taskRun('a');
    const at = world(
      { 'artifacts.taskrun.storage': 'oci', 'transparency.enabled': 'true', 'transparency.url': 'doesnotexist' },
      run,
    );
    at.disturb = (what) => {
      if (what === 'upload') throw new Error('not a URL');
    };
    await at.reconcile(run);
    expect(at.stored).toEqual([]);
    await untilDone(at, run);
    expect(at.stored).toMatchObject([{ withLogEntry: false }]);
    expect((await metadata(at)).annotations?.[annotations.signed]).toBe('failed');
    expect(at.counts['taskrun failures tlog']).toBe(5);
  });

  it.each([
    [
      'dsse',
      [expect.stringMatching(/^{"payloadType":/), expect.stringMatching(/^key signature 2/)],
      ['envelope', 'signature'],
    ],
    [
      'sigstore-bundle',
      [expect.stringMatching(/^key signature 1/), expect.stringMatching(/^key signature 2/)],
      ['signature', 'signature'],
    ],
  ])('has timestamps as cosign wants them beside %s', async (encoding, expected, stored) => {
    const run = taskRun('a', { status: withImages('sha256:one') });
    const at = world(
      {
        'artifacts.taskrun.storage': 'oci',
        'transparency.timestamp-url': 'https://tsa.example',
        'storage.oci.encoding-format': encoding,
      },
      run,
    );
    await at.reconcile(run);
    expect(at.timestamped).toEqual(expect.arrayContaining(expected));
    expect([...at.timestampsStored].sort()).toEqual(stored);
    expect((await metadata(at)).annotations).toMatchObject(concluded('uid-a'));
  });

  it('one image that cannot be stored does not keep the others', async () => {
    const run = taskRun('a', { status: withImages('one', 'two') });
    const at = world({}, run);
    let seen = 0;
    at.disturb = (what) => {
      if (what === 'store oci' && seen++ === 0) throw new Error('denied');
    };
    await at.reconcile(run);
    expect(at.stored.filter(({ backend }) => backend === 'oci')).toHaveLength(1);
    expect(at.stored.filter(({ backend }) => backend === 'tekton')).toHaveLength(1);
  });

  it('without a key says so on the run', async () => {
    const run = taskRun('a');
    const at = world({}, run);
    at.disturb = (what) => {
      if (what.startsWith('sign')) throw new Error('Secret signing-secrets has neither x509.pem nor cosign.key');
    };
    await untilDone(at, run);
    const written = (await metadata(at)).annotations ?? {};
    expect(JSON.parse(written[annotations.problems] ?? '')).toMatchObject({
      problems: [{ at: 'signing', reason: expect.stringContaining('neither') as string }],
    });
    expect(at.counts['taskrun failures signing']).toBe(5);
  });

  it('that is too large for its annotations goes to the next backend', async () => {
    const run = taskRun('a');
    const at = world({ 'artifacts.taskrun.storage': 'tekton,gcs' }, run);
    at.refuses = { tekton: 'annotations of an object may have 256 KiB' };
    await at.reconcile(run);
    expect(at.stored.map(({ backend }) => backend)).toEqual(['gcs']);
    const written = (await metadata(at)).annotations ?? {};
    expect(written[annotations.signed]).toBe('true');
    expect(written[annotations.problems]).toContain('256 KiB');
  });

  it('that no format can cope with fails, and its reason is told', async () => {
    const run = taskRun('a');
    const at = world({}, run);
    at.formats = () => {
      throw new Error('step build has no image digest');
    };
    await at.reconcile(run);
    expect((await metadata(at)).annotations).toMatchObject({
      [annotations.signed]: 'failed',
      [annotations.problems]: expect.stringContaining('no image digest') as string,
    });
    expect(at.counts['taskrun failures payload_creation']).toBe(1);
  });

  it('the payload does not tell what Chains wrote on the run', async () => {
    const run = taskRun('a', {
      annotations: {
        mine: 'yes',
        [annotations.transparencyUpload]: 'true',
        [annotations.retries]: '1',
        'chains.tekton.dev/payload-x': 'y',
      },
      finalizers: [finalizers.taskrun],
    });
    const at = world({}, run);
    let seen: object | undefined;
    at.formats = (given) => {
      seen = { annotations: given.metadata.annotations, finalizers: given.metadata.finalizers };
      return artifactsOf(given);
    };
    await at.reconcile(run);
    expect(seen).toEqual({
      annotations: { mine: 'yes', [annotations.transparencyUpload]: 'true' },
      finalizers: undefined,
    });
  });

  it('that still runs is kept from being deleted, and let go when it is deleted all the same', async () => {
    const run = taskRun('a', { status: { conditions: [{ type: 'Succeeded', status: 'Unknown' }] } });
    const at = world({}, run);
    await at.reconcile(run);
    expect((await metadata(at)).finalizers).toEqual([finalizers.taskrun]);
    await at.client.delete(runs.taskrun, 'ns', 'a');
    await at.reconcile(run);
    await expect(metadata(at)).rejects.toThrow('not found');
  });

  it('that is done and deleted is signed, then gone', async () => {
    const run = taskRun('a', { finalizers: [finalizers.taskrun] });
    const at = world({ 'artifacts.taskrun.storage': 'oci' }, run);
    await at.client.delete(runs.taskrun, 'ns', 'a');
    await at.reconcile(run);
    expect(at.stored).toHaveLength(1);
    await expect(metadata(at)).rejects.toThrow('not found');
  });

  it('that is done and deleted does not stay for ever when it cannot be signed', async () => {
    const run = taskRun('a', { finalizers: [finalizers.taskrun] });
    const at = world({ 'artifacts.taskrun.storage': 'oci' }, run);
    await at.client.delete(runs.taskrun, 'ns', 'a');
    at.disturb = (what) => {
      if (what === 'store oci') throw new Error('down');
    };
    await untilDone(at, run);
    await expect(metadata(at)).rejects.toThrow('not found');
  });

  it("another controller's finalizer and annotation survive, also those written meanwhile", async () => {
    const run = taskRun('a', { finalizers: ['results.tekton.dev/taskrun', finalizers.taskrun] });
    const at = world({ 'artifacts.taskrun.storage': 'oci' }, run);
    at.disturb = async (what) => {
      if (what !== 'store oci') return;
      at.disturb = () => undefined;
      await at.client.patch(runs.taskrun, 'ns', 'a', {
        type: 'merge',
        body: {
          metadata: {
            annotations: { 'results.tekton.dev/record': 'r' },
            finalizers: ['more', 'results.tekton.dev/taskrun', finalizers.taskrun],
          },
        },
      });
    };
    await at.reconcile(run);
    expect(await metadata(at)).toMatchObject({
      finalizers: ['more', 'results.tekton.dev/taskrun'],
      annotations: { [annotations.signed]: 'true', 'results.tekton.dev/record': 'r' },
    });
  });

  it('that another replica has begun to sign is left to it', async () => {
    const run = taskRun('a', { annotations: { x: 'y' } });
    const at = world({ 'artifacts.taskrun.storage': 'oci' }, run);
    at.disturb = async (what) => {
      if (!what.startsWith('sign')) return;
      at.disturb = () => undefined;
      await at.client.patch(runs.taskrun, 'ns', 'a', {
        type: 'merge',
        body: { metadata: { annotations: { [annotations.pending]: 'theirs' } } },
      });
    };
    await expect(at.reconcile(run)).rejects.toThrow(ApiError);
    expect(at.stored).toEqual([]);
    expect((await metadata(at)).annotations?.[annotations.pending]).toBe('theirs');
  });

  it('made anew under the same name is another run', async () => {
    const run = taskRun('a', { finalizers: [finalizers.taskrun] });
    const at = world({ 'artifacts.taskrun.storage': 'oci' }, run);
    at.disturb = async (what) => {
      if (what !== 'store oci') return;
      at.disturb = () => undefined;
      await at.client.patch(runs.taskrun, 'ns', 'a', { type: 'merge', body: { metadata: { finalizers: null } } });
      await at.client.delete(runs.taskrun, 'ns', 'a');
      at.add(taskRun('a', { uid: 'uid-second' }));
    };
    await at.reconcile(run);
    expect((await metadata(at)).annotations ?? {}).not.toHaveProperty(annotations.signed);
  });

  it('an end of the process in the middle is no failure of the run', async () => {
    const run = taskRun('a');
    const at = world({ 'artifacts.taskrun.storage': 'oci' }, run);
    const end = new AbortController();
    at.disturb = (what) => {
      if (what !== 'store oci') return;
      end.abort(new Error('the process is ending'));
      throw end.signal.reason as Error;
    };
    await expect(at.reconcile(run, end.signal)).rejects.toThrow('ending');
    expect((await metadata(at)).annotations).not.toHaveProperty(annotations.retries);
    expect((await metadata(at)).annotations).toHaveProperty(annotations.pending);
  });

  it('an API server that fails is no attempt', async () => {
    const run = taskRun('a');
    const at = world({}, run);
    at.disturb = (what) => {
      if (what === 'patch taskruns') throw new ApiError(500, { message: 'etcd' });
    };
    await expect(at.reconcile(run)).rejects.toThrow('etcd');
    expect((await metadata(at)).annotations).toBeUndefined();
  });
});

describe('a PipelineRun', () => {
  const signed = concluded('uid-a');

  it('waits for its TaskRuns, then is signed with all of them', async () => {
    const parent = pipelineRun('p', ['a', 'b']);
    const children = [taskRun('a', { ...childOf('p'), annotations: signed }), taskRun('b', childOf('p'))];
    const at = world({}, parent, ...children);
    expect(await at.reconcile(parent)).toEqual({ kind: 'done' });
    expect(at.calls).toEqual([]);
    await at.reconcile(children[1] as TaskRun);
    let seen: string[] = [];
    at.formats = (run, given) => {
      seen = given.map(({ metadata: { name = '' } }) => name);
      return artifactsOf(run);
    };
    await at.reconcile(parent);
    expect(seen).toEqual(['a', 'b']);
    expect((await metadata(at, 'p', 'pipelinerun')).annotations).toEqual(concluded('uid-p'));
    expect(at.counts).toMatchObject({ 'pipelinerun marked_signed': 1, 'taskrun marked_signed': 1 });
  });

  it('with a pruned TaskRun, a custom run and a child pipeline is signed; the gap is told', async () => {
    const parent = pipelineRun('p', ['a', 'pruned'], {});
    parent.status?.childReferences?.push(
      { apiVersion: 'tekton.dev/v1beta1', kind: 'CustomRun', name: 'c' },
      { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', name: 'q' },
    );
    const at = world({}, parent, taskRun('a', { ...childOf('p'), annotations: signed }));
    await at.reconcile(parent);
    const written = (await metadata(at, 'p', 'pipelinerun')).annotations ?? {};
    expect(written[annotations.signed]).toBe('true');
    expect(JSON.parse(written[annotations.problems] ?? '')).toMatchObject({
      problems: ['pruned', 'q'].map((artifact) => ({
        artifact,
        reason: expect.stringContaining('deleted before') as string,
      })),
    });
  });

  it('a TaskRun made later under the name of a pruned one is not its child', async () => {
    const parent = pipelineRun('p', ['a']);
    const at = world({}, parent, taskRun('a', { ...childOf('other'), annotations: signed }));
    let seen: unknown[] = ['not asked'];
    at.formats = (run, given) => {
      seen = given;
      return artifactsOf(run);
    };
    await at.reconcile(parent);
    expect(seen).toEqual([]);
    expect((await metadata(at, 'p', 'pipelinerun')).annotations?.[annotations.problems]).toContain(
      'was not made by the PipelineRun',
    );
  });

  it.each([
    ['nobody made', {}],
    ['another run made', childOf('other')],
  ])('does not wait for a TaskRun of the name that %s, for it would wake nobody', async (_name, owner) => {
    const parent = pipelineRun('p', ['a']);
    const at = world({}, parent, taskRun('a', owner));
    expect(await at.reconcile(parent)).toEqual({ kind: 'done' });
    expect((await metadata(at, 'p', 'pipelinerun')).annotations).toMatchObject(concluded('uid-p'));
  });

  it('looks at the API server for a TaskRun that the cache does not have yet', async () => {
    const parent = pipelineRun('p', ['a']);
    const at = world({}, parent);
    // Comes after the caches were filled.
    at.client.intercept = ({ verb, resource }) => {
      if (verb !== 'get' || resource !== 'pipelineruns') return;
      at.client.intercept = undefined;
      at.add(taskRun('a', childOf('p')));
    };
    expect(await at.reconcile(parent)).toEqual({ kind: 'done' });
    expect(at.stored).toEqual([]);
  });
});

describe('results signed by means of SPIRE', () => {
  const server = spireServer();
  const svid = server.issue('URI:spiffe://example.org/ns/default/taskrun/build');
  const bundle = { authorities: [server.authority.certificate] };
  const value = 'sha256:1';
  const entries = signedEntries(svid, { IMAGE: value });
  const sound = runOf([entries], [{ name: 'IMAGE', value }], svid);
  const tampered = runOf([entries], [{ name: 'IMAGE', value: 'sha256:2' }], svid);
  const at = (...objects: Parameters<World['add']>) => {
    const made = world({}, ...objects);
    made.now = dayAfter(svid, 20).getTime();
    made.trustBundle = () => Promise.resolve(bundle);
    return made;
  };
  /** Where artifacts.taskrun.spire.required is set. */
  const requiring = (...objects: Parameters<World['add']>) => {
    const where = at(...objects);
    where.config = { ...where.config, spire: { ...where.config.spire, required: true } };
    return where;
  };
  const stateOf = async (where: World, of: { kind: keyof typeof runs; name: string }) =>
    (await where.client.get(runs[of.kind], 'default', of.name)).metadata.annotations;
  const build = { kind: 'taskrun', name: 'build' } as const;
  const pipeline = {
    ...pipelineRun('p', ['build']),
    metadata: { ...pipelineRun('p', []).metadata, namespace: 'default' },
  };
  const childOfPipeline = (child: TaskRun): TaskRun => ({
    ...child,
    metadata: {
      ...child.metadata,
      ...childOf('p'),
      labels: { 'tekton.dev/pipelineTask': 'build' },
      annotations: concluded(child.metadata.uid ?? ''),
    },
  });

  it('that hold are attested without a word', async () => {
    const where = at(sound);
    await where.reconcile(sound);
    expect(await stateOf(where, build)).toEqual(concluded(sound.metadata.uid ?? ''));
    expect(where.events).toEqual([]);
    expect(where.signatures).toBe(2);
  });

  it('are asked for where the setting says so: a run without them is not attested, nor one without a statement', async () => {
    for (const unsigned of [runOf([{ IMAGE: value }], [{ name: 'IMAGE', value }], svid), sound]) {
      const where = requiring(unsigned);
      await where.reconcile(unsigned);
      expect(where.calls).toEqual([]);
      const told = await stateOf(where, build);
      expect(told?.[annotations.signed]).toBe('failed');
      expect(told?.[annotations.problems]).toMatch(/signed nothing|RESULT_STATEMENT of step s0 is missing/);
    }
  });

  const identity = stepIdentity('uid-build', 'build-pod', 'step-s0');
  const message = statedMessage(svid, identity, [{ key: 'IMAGE', value, type: 1 }]);
  const [step] = sound.status?.steps ?? [];
  const whole: TaskRun = {
    ...sound,
    status: {
      ...sound.status,
      podName: 'build-pod',
      taskSpec: { results: [{ name: 'IMAGE' }] },
      steps: [{ ...step, container: 'step-s0', terminated: { ...step?.terminated, exitCode: 0, message } }],
    },
  };
  const stepless: TaskRun = { ...sound, status: { ...sound.status, steps: [], results: [] } };

  it('are asked for where the setting says so: a run that signed all of it is attested', async () => {
    const where = requiring(whole);
    await where.reconcile(whole);
    expect(await stateOf(where, build)).toEqual(concluded('uid-build'));
  });

  it.each<[string, TaskRun, string, boolean]>([
    [
      'a run of which no step is told',
      stepless,
      'no step signed what it reports, and artifacts.taskrun.spire.required',
      true,
    ],
    ['a run that nobody can check, without a trust bundle', whole, 'no trust bundle is configured', false],
  ])('are asked for where the setting says so: nor is %s', async (_name, run, reason, hasBundle) => {
    const where = requiring(run);
    if (!hasBundle) where.trustBundle = () => Promise.resolve(undefined);
    await where.reconcile(run);
    expect(where.calls).toEqual([]);
    const told = await stateOf(where, build);
    expect(told?.[annotations.signed]).toBe('failed');
    expect(told?.[annotations.problems]).toContain(reason);
  });

  it('that were changed are not: nothing is signed, neither the run nor its images, and it is said why', async () => {
    const where = at(tampered);
    expect(await where.reconcile(tampered)).toEqual({ kind: 'done' });
    expect(where.calls).toEqual([]);
    const told = await stateOf(where, build);
    expect(told?.[annotations.signed]).toBe('failed');
    expect(JSON.parse(told?.[annotations.problems] ?? '')).toEqual({
      failedAttempts: 1,
      problems: [
        { artifact: 'build', at: 'verification', reason: 'result IMAGE of the TaskRun is not what the step wrote' },
      ],
    });
    expect(where.events).toEqual([
      {
        type: 'Warning',
        reason: 'SigningFailedForGood',
        message: expect.stringContaining('build: verification: result IMAGE') as string,
      },
    ]);
    expect(where.counts).toEqual({ 'taskrun failures verification': 1, 'taskrun marked_failed': 1 });
  });

  it('without a trust bundle are attested with a note', async () => {
    const where = at(sound);
    where.trustBundle = () => Promise.resolve(undefined);
    await where.reconcile(sound);
    const told = await stateOf(where, build);
    expect(told?.[annotations.signed]).toBe('true');
    expect(told?.[annotations.problems]).toContain('no trust bundle is configured');
  });

  it('wait for a trust bundle that cannot be read', async () => {
    const where = at(sound);
    let reads = 0;
    where.trustBundle = () =>
      ++reads > 1 ? Promise.resolve(bundle) : Promise.reject(new Error('/bundle.pem cannot be read'));
    const outcome = await where.reconcile(sound);
    expect(outcome.kind).toBe('requeueAfter');
    expect(where.events).toEqual([
      {
        type: 'Warning',
        reason: 'SigningFailed',
        message: expect.stringMatching(/: signed results: verification: \/bundle.pem cannot be read$/) as string,
      },
    ]);
    expect(where.calls).toEqual([]);
    where.now += outcome.kind === 'requeueAfter' ? outcome.ms : 0;
    await where.reconcile(sound);
    expect(await stateOf(where, build)).toEqual(concluded(sound.metadata.uid ?? ''));
  });

  it('are not attested when the trust bundle never can be read', async () => {
    const where = at(sound);
    where.trustBundle = () => Promise.reject(new Error('/bundle.pem cannot be read'));
    expect(await untilDone(where, sound)).toBe(5);
    expect((await stateOf(where, build))?.[annotations.signed]).toBe('failed');
    expect(where.calls).toEqual([]);
  });

  it('of runs without any do not need the trust bundle', async () => {
    const plain = taskRun('a');
    const where = at(plain);
    where.trustBundle = () => Promise.reject(new Error('not asked'));
    await where.reconcile(plain);
    expect((await metadata(where)).annotations).toEqual(concluded('uid-a'));
  });

  it("of a PipelineRun's TaskRun: changed ones keep the PipelineRun from being attested, sound ones do not", async () => {
    for (const [child, signed] of [
      [tampered, 'failed'],
      [sound, 'true'],
    ] as const) {
      const where = at(pipeline, childOfPipeline(child));
      await where.reconcile(pipeline);
      expect((await stateOf(where, { kind: 'pipelinerun', name: 'p' }))?.[annotations.signed]).toBe(signed);
    }
  });
});
