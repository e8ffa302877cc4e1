/**
 * What whoever may edit runs can do, at each phase of a run, judged by the real cosign on a real registry: nothing is
 * published that does not say what ran, and the run says why.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PipelineRun } from '../../src/api/pipeline/v1/pipelinerun.ts';
import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { annotations } from '../../src/chains/annotations.ts';
import { artifactsOf } from '../../src/chains/formats/index.ts';
import { recordedPipelineRun, recordedTaskRun } from '../../src/chains/reconciler/recorded.fake.ts';
import {
  childOf,
  concluded,
  pipelineRun,
  runs,
  taskRun,
  World as Chains,
} from '../../src/chains/reconciler/world.fake.ts';
import { createSignerSource } from '../../src/chains/signing/source.ts';
import { createOciBackend } from '../../src/chains/storage/oci/backend.ts';
import { Registries } from '../../src/registry/client.ts';
import { signingSecret } from './our-signing.ts';
import { layersOf } from './tampering.ts';
import { createWorld, expectRefusal, KEY_PASSWORD, type World } from './world.ts';

const anonymous = {
  of: () => ({
    find: () => Promise.resolve({ credentials: undefined, origin: '' }),
    explain: () => Promise.resolve(''),
    forget: () => false,
  }),
};
let world: World;
let registries: Registries;
let image: Awaited<ReturnType<World['image']>>;

beforeAll(async () => {
  world = await createWorld();
  registries = new Registries();
});
afterAll(async () => {
  await registries?.close();
  await world?.stop();
});
beforeEach(async () => {
  image = await world.image();
});

/** Chains with the real formats, key and registry; the API server is in memory. */
async function chains(...objects: (TaskRun | PipelineRun)[]): Promise<Chains> {
  const made = new Chains({
    'artifacts.unrecorded': 'refuse',
    'artifacts.taskrun.storage': 'oci',
    'artifacts.pipelinerun.storage': 'oci',
    'artifacts.taskrun.format': 'slsa/v2alpha4',
    'artifacts.pipelinerun.format': 'slsa/v2alpha4',
  });
  const secret = await signingSecret(world.key, KEY_PASSWORD);
  const backend = createOciBackend({ registries, credentials: anonymous, runCredentials: anonymous });
  const signers = createSignerSource({ config: () => made.config, secret: () => secret, env: {} });
  made.real = { artifactsOf, signer: signers, backend: () => Promise.resolve(backend) };
  made.add(...objects);
  return made;
}

const steps = (script: string) => ({ steps: [{ name: 'build', image: 'busybox', script }] });
/** What ran: a build of the branch `evil`, with the record that its controller kept. */
function build(name: string, more: Parameters<typeof taskRun>[1] = {}): TaskRun {
  const [url = '', digest = ''] = image.reference.split('@');
  return recordedTaskRun(
    taskRun(name, {
      spec: { params: [{ name: 'ref', value: 'evil' }], taskSpec: steps('git checkout $(params.ref)') },
      status: {
        conditions: [{ type: 'Succeeded', status: 'True' }],
        completionTime: '2026-01-01T00:00:59Z',
        taskSpec: steps('git checkout evil'),
        results: [
          { name: 'IMAGE_URL', value: url },
          { name: 'IMAGE_DIGEST', value: digest },
        ],
      },
      ...more,
    }),
  );
}

const offline = () => ['--key', `${world.key}.pub`, '--insecure-ignore-tlog=true', '--allow-http-registry'];

async function expectNothingPublished(): Promise<void> {
  for (const [command, ...type] of [['verify'], ['verify-attestation', '--type', 'slsaprovenance1']] as const)
    expectRefusal(
      await world.cosigns.v3.try(command, ...offline(), ...type, image.reference),
      /no signatures found|no matching|none of the|not found/i,
    );
}

/** The params that the one attestation which cosign accepts tells of. */
async function attestedParams(): Promise<unknown> {
  await world.cosigns.v3.run('verify', ...offline(), image.reference);
  const found = await world.cosigns.v3.run(
    'verify-attestation',
    ...offline(),
    '--type',
    'slsaprovenance1',
    image.reference,
  );
  const [line = '', ...more] = found.trim().split('\n');
  expect(more).toEqual([]);
  const { payload } = JSON.parse(line) as { payload: string };
  const statement = JSON.parse(Buffer.from(payload, 'base64').toString()) as {
    predicate: { buildDefinition: { externalParameters: { runSpec: { params?: unknown } } } };
  };
  return statement.predicate.buildDefinition.externalParameters.runSpec.params;
}

async function told(at: Chains, name: string, kind: keyof typeof runs = 'taskrun') {
  const found = (await at.client.get(runs[kind], 'ns', name)).metadata.annotations ?? {};
  return { signed: found[annotations.signed], problems: found[annotations.problems] ?? '', annotations: found };
}

async function annotate(at: Chains, name: string, found: Record<string, string | null>): Promise<void> {
  await at.client.patch(runs.taskrun, 'ns', name, { type: 'merge', body: { metadata: { annotations: found } } });
}

const toMain = { spec: { params: [{ name: 'ref', value: 'main' }] } };
const whatRan = [{ name: 'ref', value: 'evil' }];

describe('a spec that was changed', () => {
  it('while it ran, or before it was looked at: nothing is published, the field is named', async () => {
    const run = build('a');
    const edited = { ...run, spec: { ...run.spec, ...toMain.spec } };
    const at = await chains(edited);
    await at.reconcile(edited);
    await expectNothingPublished();
    expect(await told(at, 'a')).toMatchObject({
      signed: 'failed',
      problems: expect.stringContaining('spec.params') as string,
    });
  });

  it('between two attempts, with a good signature noted: nothing is published', async () => {
    const run = build('a');
    const at = await chains(run);
    const working = at.real.backend;
    at.real.backend = () => Promise.reject(new Error('down'));
    await at.reconcile(run);
    expect((await told(at, 'a')).annotations).toHaveProperty([annotations.pending]);
    if (working) at.real.backend = working;
    await at.client.patch(runs.taskrun, 'ns', 'a', { type: 'merge', body: toMain });
    at.now += 10_000;
    await at.reconcile(run);
    await expectNothingPublished();
    expect((await told(at, 'a')).problems).toContain('spec.params');
  });

  it('after it was signed, and signed is taken away: what was published stays, nothing else is', async () => {
    const run = build('a');
    const at = await chains(run);
    await at.reconcile(run);
    await at.client.patch(runs.taskrun, 'ns', 'a', {
      type: 'merge',
      body: { ...toMain, metadata: { annotations: { [annotations.signed]: null } } },
    });
    await at.reconcile(run);
    expect((await told(at, 'a')).signed).toBe('failed');
    expect(await attestedParams()).toEqual(whatRan);
  });
});

describe('notes that Chains did not write for this run', () => {
  it.each<[string, () => Record<string, string>]>([
    ['signed', () => ({ [annotations.signed]: 'true' })],
    ['failed', () => ({ [annotations.signed]: 'failed' })],
    ['the mark of another run', () => concluded('uid-other')],
    ['rubbish', () => ({ [annotations.pending]: 'AAAA', [annotations.mark]: 'x', [annotations.problems]: '{' })],
  ])('%s: it is signed, and says what ran', async (_name, found) => {
    const run = build('a', { annotations: found() });
    const at = await chains(run);
    await at.reconcile(run);
    expect((await told(at, 'a')).annotations).toEqual(concluded('uid-a'));
    expect(await attestedParams()).toEqual(whatRan);
  });

  it('the note of another run, its signature included: cosign finds one attestation, of this run', async () => {
    const other = build('other', { spec: { params: [{ name: 'ref', value: 'main' }] } });
    const run = build('a');
    const at = await chains(other, run);
    const working = at.real.backend;
    at.real.backend = () => Promise.reject(new Error('down'));
    await at.reconcile(other);
    const { annotations: copied } = await told(at, 'other');
    expect(copied[annotations.pending]).toBeDefined();
    if (working) at.real.backend = working;
    await annotate(at, 'a', copied);
    await at.reconcile(run);
    expect(await attestedParams()).toEqual(whatRan);
    expect([(await layersOf(image, 'sig')).length, (await layersOf(image, 'att')).length]).toEqual([1, 1]);
  });
});

describe('a PipelineRun', () => {
  const parentOf = (children: TaskRun[]) => {
    const made = pipelineRun('p', ['a'], {});
    return recordedPipelineRun({ ...made, status: { ...made.status, results: build('a').status?.results } }, children);
  };
  const child = (more: Parameters<typeof taskRun>[1] = {}) =>
    build('a', { ...childOf('p'), annotations: concluded('uid-a'), ...more });

  it('with its own child is attested', async () => {
    const parent = parentOf([child()]);
    const at = await chains(parent, child());
    await at.reconcile(parent);
    expect((await told(at, 'p', 'pipelinerun')).signed).toBe('true');
    await attestedParams();
  });

  it.each<[string, Parameters<typeof taskRun>[1], string]>([
    ['another TaskRun under its name', { uid: 'uid-x', annotations: concluded('uid-x') }, 'metadata.uid'],
    ['one without an owner', { ownerReferences: [] }, 'metadata.ownerReferences'],
    ['one under another label', { labels: { 'tekton.dev/pipelineTask': 'other' } }, 'pipelineTask'],
    ['one with another spec', { spec: { params: [] } }, 'TaskRun a spec'],
  ])('with %s: nothing is published, and it is named', async (_name, more, named) => {
    const parent = parentOf([child()]);
    const at = await chains(parent, child(more));
    await at.reconcile(parent);
    await expectNothingPublished();
    expect(await told(at, 'p', 'pipelinerun')).toMatchObject({
      signed: 'failed',
      problems: expect.stringContaining(named) as string,
    });
  });
});
