import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { PipelineRun } from '../../api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../api/pipeline/v1/taskrun.ts';
import { labels } from '../../core/labels.ts';
import { recordAnnotations } from '../../core/digest/record.ts';
import { annotations } from '../annotations.ts';
import { createSeal } from '../plan/seal.ts';
import { encodeJournal, payloadDigest, type JournalEntry } from '../plan/journal.ts';
import { writeMark } from '../plan/mark.ts';
import { recordedPipelineRun, recordedTaskRun } from './recorded.fake.ts';
import { artifactsOf, childOf, concluded, pipelineRun, runs, seal, taskRun, World } from './world.fake.ts';

/** What whoever may edit a run in his own namespace can do to its attestation. */

const steps = (script: string) => ({ steps: [{ name: 'build', image: 'busybox', script }] });
const ran: TaskRun['status'] = {
  conditions: [{ type: 'Succeeded', status: 'True' }],
  completionTime: '2026-01-01T00:00:59Z',
  taskSpec: steps('make'),
  results: [{ name: 'IMAGE', value: 'sha256:1' }],
};
const spec: TaskRun['spec'] = {
  params: [{ name: 'ref', value: 'evil' }],
  serviceAccountName: 'builder',
  taskSpec: steps('make'),
};

function sound(name = 'a', more: Parameters<typeof taskRun>[1] = {}): TaskRun {
  return recordedTaskRun(taskRun(name, { spec, status: ran, ...more }));
}

/** With the settings as they come. */
function world(...objects: (TaskRun | PipelineRun)[]): World {
  const made = new World({ 'artifacts.unrecorded': 'refuse', 'artifacts.taskrun.storage': 'tekton,oci' });
  made.add(...objects);
  return made;
}

async function told(at: World, name = 'a', kind: keyof typeof runs = 'taskrun') {
  const found = (await at.client.get(runs[kind], 'ns', name)).metadata.annotations ?? {};
  const { problems } = JSON.parse(found[annotations.problems] ?? '{"problems":[]}') as {
    problems: { artifact: string; at: string; reason: string }[];
  };
  return { signed: found[annotations.signed], problems, annotations: found };
}

describe('a run that is not what its controller acted on', () => {
  const rows: [name: string, run: TaskRun, field: string][] = [
    ['a param was changed', edited(sound(), { params: [{ name: 'ref', value: 'main' }] }), 'spec.params'],
    ['the account was changed', edited(sound(), { serviceAccountName: 'trusted' }), 'spec.serviceAccountName'],
    ['a field was added', edited(sound(), { podTemplate: { nodeSelector: { a: 'b' } } }), 'spec.podTemplate'],
    ['a field was taken away', edited(sound(), { serviceAccountName: undefined }), 'spec.serviceAccountName'],
    ['the steps were changed', edited(sound(), { taskSpec: steps('evil') }), 'spec.taskSpec'],
    ['the resolved steps were', withStatus(sound(), { taskSpec: steps('evil') }), 'status.taskSpec.steps'],
    ['the controller noticed something', violated(sound(), 'pod a-pod spec.containers'), 'pod a-pod spec.containers'],
  ];
  it.each(rows)('%s: nothing is signed, and the field is named', async (_name, run, field) => {
    const at = world(run);
    expect(await at.reconcile(run)).toEqual({ kind: 'done' });
    expect(at.calls).toEqual([]);
    const { signed, problems } = await told(at);
    expect(signed).toBe('failed');
    expect(problems[0]).toMatchObject({ artifact: field, at: 'verification' });
    expect(at.events).toMatchObject([{ reason: 'SigningFailedForGood' }]);
    expect(at.counts).toEqual({ 'taskrun failures verification': 1, 'taskrun marked_failed': 1 });
    // And that was the end of it.
    expect(await at.reconcile(run)).toEqual({ kind: 'done' });
    expect(at.events).toHaveLength(1);
  });

  describe('whose pod a webhook changed at its creation', () => {
    const changed = (...fields: string[]) => withPodChanges(sound(), fields);
    const sidecar = 'spec.containers[proxy]';
    const many = Array.from({ length: 20 }, (_, at) => `${sidecar}.env[${at}]`);
    it.each<[name: string, run: TaskRun, data: Record<string, string>, refused: string[]]>([
      ['is signed as the setting comes', changed('spec.containers[step-build].env'), {}, []],
      [
        'is refused with enforce-nonfalsifiable',
        changed('spec.containers[step-build].env', sidecar),
        { 'enforce-nonfalsifiable': 'true' },
        ['pod a-pod spec.containers[step-build].env', `pod a-pod ${sidecar}`],
      ],
      [
        'is signed where it changed what it may',
        changed(sidecar, 'spec.volumes[proxy]', 'metadata.labels[mesh]'),
        { 'enforce-nonfalsifiable': 'true', 'artifacts.pod-changes': `${sidecar}, spec.volumes, metadata.labels` },
        [],
      ],
      [
        'is refused for a field that begins alike',
        changed('spec.volumesOfEvil', 'spec.containers[proxy-evil]'),
        { 'enforce-nonfalsifiable': 'true', 'artifacts.pod-changes': 'spec.volumes, spec.containers[proxy' },
        ['pod a-pod spec.volumesOfEvil', 'pod a-pod spec.containers[proxy-evil]'],
      ],
      [
        'is refused where more changed than is listed',
        changed(...many),
        { 'enforce-nonfalsifiable': 'true', 'artifacts.pod-changes': sidecar },
        many.slice(0, 12).map((field) => `pod a-pod ${field}`),
      ],
    ])('%s', async (_name, run, data, refused) => {
      const at = new World({ 'artifacts.taskrun.storage': 'tekton', ...data });
      at.add(run);
      await at.reconcile(run);
      const { signed, problems } = await told(at);
      expect([signed, problems.map(({ artifact }) => artifact)]).toEqual([
        refused.length > 0 ? 'failed' : 'true',
        refused,
      ]);
    });
  });

  it('but for what users may change while it runs', async () => {
    const run = edited(sound(), {
      status: 'TaskRunCancelled',
      statusMessage: 'TaskRunCancelledByPipelineRef' as never,
    });
    const at = world(run);
    await at.reconcile(run);
    expect((await told(at)).annotations).toEqual(concluded('uid-a'));
  });
});

describe('a run without a record', () => {
  const plain = taskRun('a', { spec, status: ran });
  it('is refused, with the way out', async () => {
    const at = world(plain);
    await at.reconcile(plain);
    expect(at.calls).toEqual([]);
    const { signed, problems } = await told(at);
    expect(signed).toBe('failed');
    expect(problems[0]?.reason).toContain('set artifacts.unrecorded to "sign"');
  });

  it.each([
    ['when the operator wants it', plain, { 'artifacts.unrecorded': 'sign' }],
    [
      'of a controller that the operator names',
      taskRun('a', { spec: { ...spec, managedBy: 'example.com/other' }, status: ran }),
      { 'filter.managed-by': 'example.com/other' },
    ],
  ])('is signed %s', async (_name, run, data) => {
    const at = new World({ 'artifacts.unrecorded': 'refuse', ...data });
    at.add(run);
    await at.reconcile(run);
    expect((await told(at)).signed).toBe('true');
  });

  it('is refused whatever else is set, with enforce-nonfalsifiable', async () => {
    const run = taskRun('a', { spec: { ...spec, managedBy: 'example.com/other' }, status: ran });
    const at = new World({
      'enforce-nonfalsifiable': 'true',
      'artifacts.unrecorded': 'sign',
      'filter.managed-by': 'example.com/other',
    });
    at.add(run);
    await at.reconcile(run);
    const { signed, problems } = await told(at);
    expect(signed).toBe('failed');
    expect(problems[0]?.reason).toContain('while enforce-nonfalsifiable in chains-config is "true"');
  });

  it('is refused by a value that is not known', async () => {
    const at = new World({ 'artifacts.unrecorded': 'signn' });
    at.add(plain);
    await at.reconcile(plain);
    expect((await told(at)).signed).toBe('failed');
  });
});

describe('notes that Chains did not write', () => {
  const payload = artifactsOf(sound()).artifacts[0]?.payload.json ?? Buffer.from('');
  const forged: JournalEntry = {
    kind: 'taskrun',
    shortKey: 'taskrun-uid-a',
    fullKey: 'tekton.dev-v1-TaskRun-uid-a',
    digest: payloadDigest(payload),
    signer: 'test key',
    stored: ['tekton', 'oci'],
    signature: {
      signature: Buffer.from('forged'),
      publicKeyPem: 'p',
      keyId: 'k',
      algorithm: 'ecdsa-p256-sha256',
      scheme: 'ecdsa',
    },
  };
  const stranger = createSeal(new Uint8Array(32).fill(1), new Date(0));
  const rows: [name: string, found: Record<string, string>][] = [
    ['signed', { [annotations.signed]: 'true' }],
    ['failed', { [annotations.signed]: 'failed', [annotations.retries]: '3' }],
    [
      'signed, by a seal of another key',
      { [annotations.signed]: 'true', [annotations.mark]: writeMark({ kind: 'signed' }, 'uid-a', stranger) },
    ],
    ['signed, by the mark of another run', concluded('uid-b')],
    [
      'to be tried in a year',
      { [annotations.problems]: '{"failedAttempts":1,"nextAttempt":"2027-01-01T00:00:00Z","problems":[]}' },
    ],
    ['the last attempt', { [annotations.retries]: '98' }],
    [
      'signatures, sealed by another key',
      { [annotations.pending]: encodeJournal([forged], 1e6, { uid: 'uid-a', seal: stranger }) ?? '' },
    ],
    [
      'signatures of another run',
      { [annotations.pending]: encodeJournal([forged], 1e6, { uid: 'uid-b', seal }) ?? '' },
    ],
    [
      'signatures as they once were',
      { [annotations.pending]: deflateRawSync(JSON.stringify([forged])).toString('base64') },
    ],
    ['a bomb', { [annotations.pending]: deflateRawSync(Buffer.alloc(16 * 1024 * 1024, '[')).toString('base64') }],
  ];
  it.each(rows)('%s: the run is signed as if they were not there', async (_name, found) => {
    const run = sound('a', { annotations: found });
    const at = world(run);
    await at.reconcile(run);
    expect(at.signatures).toBe(2);
    expect(at.stored.map(({ backend, artifact }) => `${backend} ${artifact}`).sort()).toEqual([
      'oci sha256:1',
      'oci taskrun-uid-a',
      'tekton taskrun-uid-a',
    ]);
    expect(at.stored.every(({ signature }) => signature.startsWith('key signature'))).toBe(true);
    expect((await told(at)).annotations).toEqual(concluded('uid-a'));
  });

  it("a run's own signature is no other run's, wherever it is copied", async () => {
    const [one, other] = [sound('a'), sound('b')];
    const at = world(one, other);
    at.disturb = (what) => {
      if (what === 'store oci') throw new Error('down');
    };
    await at.reconcile(one);
    const copied = await told(at, 'a');
    expect(copied.annotations[annotations.pending]).toBeDefined();
    at.disturb = () => undefined;
    await at.client.patch(runs.taskrun, 'ns', 'b', {
      type: 'merge',
      body: { metadata: { annotations: copied.annotations } },
    });
    await at.reconcile(other);
    const ofOther = at.stored.filter(({ artifact }) => artifact === 'taskrun-uid-b');
    expect(ofOther).toHaveLength(2);
    expect(ofOther.every(({ signature, payload: of }) => signature.endsWith(` of ${of}`))).toBe(true);
  });

  it('a deleted note costs a second signature, and nothing else', async () => {
    const run = sound();
    const at = world(run);
    at.disturb = (what) => {
      if (what === 'store oci') throw new Error('down');
    };
    await at.reconcile(run);
    at.disturb = () => undefined;
    await at.client.patch(runs.taskrun, 'ns', 'a', {
      type: 'merge',
      body: { metadata: { annotations: { [annotations.pending]: null, [annotations.mark]: null } } },
    });
    await at.reconcile(run);
    expect(at.signatures).toBe(4);
    expect((await told(at)).signed).toBe('true');
  });

  it.each([
    ['the key was changed meanwhile', (at: World) => (at.key = 'rotated')],
    [
      'the payload comes out different',
      (at: World) => (at.formats = (run) => artifactsOf({ ...run, metadata: { ...run.metadata, labels: { x: 'y' } } })),
    ],
  ])('its own signature is not used again when %s', async (_name, change) => {
    const run = sound();
    const at = world(run);
    at.disturb = (what) => {
      if (what === 'store oci') throw new Error('down');
    };
    await at.reconcile(run);
    at.disturb = () => undefined;
    at.stored.length = 0;
    change(at);
    at.now += 10_000;
    await at.reconcile(run);
    const attestation = at.stored.filter(({ artifact }) => artifact === 'taskrun-uid-a');
    expect(attestation.map(({ backend }) => backend).sort()).toEqual(['oci', 'tekton']);
    expect(
      attestation.every(({ signature, payload: of }) => signature.startsWith(at.key) && signature.endsWith(of)),
    ).toBe(true);
  });
});

describe('the children of a PipelineRun', () => {
  const child = (name: string, more: Parameters<typeof taskRun>[1] = {}) =>
    sound(name, { ...childOf('p'), annotations: concluded(`uid-${name}`), ...more });
  const parentOf = (children: TaskRun[]) => recordedPipelineRun(pipelineRun('p', ['a', 'b']), children);
  const [a, b] = [child('a'), child('b')];

  it('are attested as the PipelineRun made them', async () => {
    const parent = parentOf([a, b]);
    const at = world(parent, a, b);
    await at.reconcile(parent);
    expect((await told(at, 'p', 'pipelinerun')).signed).toBe('true');
  });

  const rows: [name: string, found: TaskRun, named: string][] = [
    [
      'another object under its name',
      child('b', { uid: 'uid-other', annotations: concluded('uid-other') }),
      'TaskRun b metadata.uid',
    ],
    ['no owner', child('b', { ownerReferences: [] }), 'TaskRun b metadata.ownerReferences'],
    ['the label of another task', child('b', { labels: { [labels.pipelineTask]: 'a' } }), 'TaskRun b metadata.labels'],
    ['a changed spec', edited(b, { params: [] }), 'TaskRun b spec'],
    ['a changed outcome', withStatus(b, { taskSpec: steps('evil') }), 'TaskRun b status.taskSpec'],
    [
      'no record',
      taskRun('b', { ...childOf('p'), spec, status: ran, annotations: concluded('uid-b') }),
      'TaskRun b status',
    ],
  ];
  it.each(rows)('%s: the PipelineRun is refused by name', async (_name, found, named) => {
    const parent = parentOf([a, b]);
    const at = world(parent, a, found);
    await at.reconcile(parent);
    expect(at.calls).toEqual([]);
    const { signed, problems } = await told(at, 'p', 'pipelinerun');
    expect(signed).toBe('failed');
    expect(problems.map(({ artifact }) => artifact).join()).toContain(named);
  });

  it.each([
    ['no owner at all', { ownerReferences: undefined }],
    [
      'an owner that is not its controller',
      { ownerReferences: [{ ...childOf('p').ownerReferences?.[0], controller: false } as never] },
    ],
    [
      'the PipelineRun of that name before this one',
      { ownerReferences: [{ ...childOf('p').ownerReferences?.[0], uid: 'old' } as never] },
    ],
    ['the label of another task', { labels: { [labels.pipelineTask]: 'a' } }],
    ['no label', { labels: {} }],
  ])('without records too: a TaskRun with %s is none', async (_name, metadata) => {
    const parent = pipelineRun('p', ['a', 'b']);
    const fake = taskRun('b', { ...childOf('p'), annotations: concluded('uid-b'), ...metadata });
    const at = new World();
    at.add(parent, taskRun('a', { ...childOf('p'), annotations: concluded('uid-a') }), fake);
    let seen: unknown[] = [];
    at.formats = (run, given) => {
      seen = given.map(({ metadata: { name } }) => name);
      return artifactsOf(run);
    };
    await at.reconcile(parent);
    expect(seen).toEqual(['a']);
    expect((await told(at, 'p', 'pipelinerun')).problems).toMatchObject([{ artifact: 'b' }]);
  });
});

describe('what the operator allows a namespace', () => {
  const digest = 'sha256:1';
  const policy = (text: string, more: Record<string, string> = {}) => {
    const at = new World({ 'signing.namespaces': text, ...more });
    const run = taskRun('a', { status: ran });
    at.add(run);
    return { at, run };
  };

  it('an image of another repository is refused by name, and so is the attestation that names it', async () => {
    const { at, run } = policy('{ns: {repositories: [ghcr.io/team/**]}}');
    at.formats = (of) => withSubject(artifactsOf(of), 'r/i', digest);
    await at.reconcile(run);
    expect(at.calls).toEqual([]);
    const { signed, problems } = await told(at);
    expect(signed).toBe('failed');
    expect(problems).toHaveLength(2);
    expect(problems[0]?.reason).toContain('image r/i@sha256:1 is refused: signing.namespaces does not list');
  });

  it('the attestation that names none goes on', async () => {
    const { at, run } = policy('{ns: {repositories: [ghcr.io/team/**]}}');
    await at.reconcile(run);
    expect(at.stored.map(({ artifact }) => artifact)).toEqual(['taskrun-uid-a']);
    expect((await told(at)).signed).toBe('failed');
  });

  it('signs with its key', async () => {
    const { at, run } = policy('{ns: {secret: team}}');
    at.disturb = (what) => {
      if (what === 'store oci') throw new Error('down');
    };
    await at.reconcile(run);
    at.disturb = () => undefined;
    // Another key by now: what the first one signed is not used.
    const before = at.signatures;
    at.now += 10_000;
    at.config = new World({ 'signing.namespaces': '{ns: {secret: other}}' }).config;
    await at.reconcile(run);
    expect(at.signatures - before).toBe(2);
  });

  it('a setting that cannot be understood signs nothing, until it is mended', async () => {
    const { at, run } = policy('{ns: {repository: [x]}}');
    expect((await at.reconcile(run)).kind).toBe('requeueAfter');
    expect(at.calls).toEqual([]);
    expect((await told(at)).problems[0]?.reason).toContain('signing.namespaces');
    at.config = new World().config;
    at.now += 10_000;
    await at.reconcile(run);
    expect((await told(at)).signed).toBe('true');
  });

  it('pushing need not be proved where nobody asks for it', async () => {
    const { at, run } = policy('', {});
    at.provePush = () => Promise.reject(new Error('not to be asked'));
    await at.reconcile(run);
    expect((await told(at)).signed).toBe('true');
  });

  it('pushing must be proved where that is asked for, and is tried again', async () => {
    const { at, run } = policy('', { 'artifacts.oci.verify-push': 'true' });
    let proofs = 0;
    at.provePush = () => (++proofs > 1 ? Promise.resolve() : Promise.reject(new Error('403: DENIED')));
    expect((await at.reconcile(run)).kind).toBe('requeueAfter');
    expect(at.stored.map(({ artifact }) => artifact)).toEqual(['taskrun-uid-a']);
    expect((await told(at)).problems).toMatchObject([
      {
        artifact: 'sha256:1',
        at: 'verification',
        reason: expect.stringContaining('not proved to be the run') as string,
      },
    ]);
    at.now += 10_000;
    await at.reconcile(run);
    expect((await told(at)).signed).toBe('true');
    expect(at.signatures).toBe(2);
  });

  it('an attestation cannot name the digest of an image that was not proved under another name', async () => {
    const { at, run } = policy('', { 'artifacts.oci.verify-push': 'true' });
    at.formats = (of) => {
      const made = artifactsOf(of);
      const json = JSON.stringify({ subject: [{ name: 'file', digest: { sha256: 'f'.repeat(64) } }] });
      return {
        ...made,
        artifacts: made.artifacts.map((one) =>
          one.kind === 'oci' ? one : { ...one, payload: { ...one.payload, json: Buffer.from(json) } },
        ),
      };
    };
    await at.reconcile(run);
    expect(at.stored.map(({ artifact }) => artifact)).toEqual(['sha256:1']);
    expect((await told(at)).problems[0]?.reason).toContain('subject "file"');
  });
});

function edited(run: TaskRun, change: object): TaskRun {
  const changed = Object.fromEntries(
    Object.entries({ ...run.spec, ...change }).filter(([, value]) => value !== undefined),
  );
  return { ...run, spec: changed };
}

function withStatus(run: TaskRun, change: object): TaskRun {
  return { ...run, status: { ...run.status, ...change } };
}

function violated(run: TaskRun, field: string): TaskRun {
  const violations = `${field}: is not as the controller made it`;
  return withStatus(run, { annotations: { ...run.status?.annotations, [recordAnnotations.violations]: violations } });
}

function withPodChanges(run: TaskRun, changes: string[]): TaskRun {
  const record = JSON.stringify({ uid: 'p', sent: 's', spec: 't', images: {}, changes });
  const { annotations: own } = run.status ?? {};
  return withStatus(run, { podName: 'a-pod', annotations: { ...own, [recordAnnotations.pod]: record } });
}

function withSubject(made: ReturnType<typeof artifactsOf>, repository: string, digest: string) {
  return {
    ...made,
    artifacts: made.artifacts.map((one) => ({
      ...one,
      payload: { ...one.payload, subjects: [{ repository, digest }] },
    })),
  };
}
