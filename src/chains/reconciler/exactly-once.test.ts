import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { annotations } from '../annotations.ts';
import { World, runs, taskRun } from './world.fake.ts';

/** The process dies: whatever it was doing never goes on. */
class Death {
  readonly promise: Promise<never>;
  readonly #reject: (error: Error) => void;
  isDead = false;
  constructor() {
    const { promise, reject } = Promise.withResolvers<never>();
    this.promise = promise;
    this.#reject = reject;
  }
  now(): Promise<never> {
    this.isDead = true;
    this.#reject(new Error('killed'));
    return new Promise<never>(() => {
      /* never */
    });
  }
}

/** What happens at each call to the outside, in order; the list's end means that all goes well from there on. */
type Fate = 'well' | 'fails' | 'dies';
const fates = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Fate>('well') },
    { weight: 2, arbitrary: fc.constant<Fate>('fails') },
    { weight: 2, arbitrary: fc.constant<Fate>('dies') },
  ),
  { maxLength: 40 },
);

const settings = fc.record({
  transparency: fc.constantFrom('true', 'false'),
  taskrun: fc.constantFrom('tekton', 'oci', 'tekton,oci', 'oci,kafka,gcs', 'archivista'),
  oci: fc.constantFrom('oci', 'oci,tekton'),
  images: fc.integer({ min: 0, max: 3 }),
  isRelabelled: fc.boolean(),
});

describe('whatever fails and whenever the process dies', () => {
  it('ends with each payload signed once, logged once, and once in each backend', async () => {
    await fc.assert(
      fc.asyncProperty(settings, fates, async (given, plan) => {
        const world = new World({
          'transparency.enabled': given.transparency,
          'artifacts.taskrun.storage': given.taskrun,
          'artifacts.oci.storage': given.oci,
          'signing.attempts': '100',
        });
        const results = Array.from({ length: given.images }, (_, index) => ({
          name: `IMAGE${index}`,
          value: `digest${index}`,
        }));
        const run = taskRun('a', {
          status: {
            conditions: [{ type: 'Succeeded', status: 'True' }],
            completionTime: '2026-01-01T00:00:59Z',
            results,
          },
        });
        world.add(run);
        await live(world, run, plan, given.isRelabelled);

        const written = (await world.client.get(runs.taskrun, 'ns', 'a')).metadata;
        expect(written.annotations?.[annotations.signed]).toBe('true');
        for (const name of [annotations.pending, annotations.retries])
          expect(written.annotations).not.toHaveProperty(name);
        // The attestation here names no image: where only a registry would keep it, the run says so.
        expect(written.annotations?.[annotations.problems] ?? 'no signable target').toContain('no signable target');
        expect(written.finalizers ?? []).toEqual([]);

        // A payload is never signed and published twice. Labels are part of the attestation: relabelled is another.
        const artifacts = 1 + given.images;
        const onlyTekton = given.taskrun === 'tekton' && given.images === 0 && given.transparency === 'false';
        const count = (published: { payload: string }[], expected: number) => {
          expect(new Set(published.map(({ payload }) => payload)).size).toBe(published.length);
          if (given.isRelabelled) expect(published.length).toBeGreaterThanOrEqual(expected);
          else expect(published).toHaveLength(expected);
        };
        count(world.logged, given.transparency === 'true' ? artifacts : 0);
        for (const backend of ['oci', 'kafka', 'gcs', 'archivista', 'tekton']) {
          const expected =
            (given.taskrun.split(',').includes(backend) ? 1 : 0) +
            (given.oci.split(',').includes(backend) ? given.images : 0);
          const stored = world.stored.filter((one) => one.backend === backend);
          // Annotations of the run alone are overwritten by a later signature: nothing is left of the earlier one.
          if (!(onlyTekton && backend === 'tekton')) count(stored, expected);
          if (given.transparency === 'true') expect(stored.every(({ withLogEntry }) => withLogEntry)).toBe(true);
        }
      }),
      { numRuns: 400 },
    );
  });
});

/** Lets processes work on the run, one after another as they die, until one has nothing to do. */
async function live(world: World, run: ReturnType<typeof taskRun>, plan: Fate[], isRelabelled: boolean): Promise<void> {
  const fate = plan[Symbol.iterator]();
  for (let life = 0; life < 200; life++) {
    world.disturb = () => undefined;
    const death = new Death();
    death.promise.catch(() => {
      /* looked at below */
    });
    // Other controllers write on finished runs: what is stored must be whole all the same.
    if (isRelabelled)
      await world.client.patch(runs.taskrun, 'ns', 'a', {
        type: 'merge',
        body: { metadata: { labels: { life: String(Math.min(life, 3)) } } },
      });
    world.disturb = async (what) => {
      if (death.isDead) return death.now();
      const next = fate.next().value ?? 'well';
      if (next === 'dies') return death.now();
      // A backend whose answer is lost has stored; a patch whose answer is lost is written.
      if (next === 'fails') throw new Error(`${what} failed`);
    };
    const outcome = await Promise.race([world.reconcile(run), death.promise]).catch(() => undefined);
    if (outcome?.kind === 'done') {
      world.disturb = () => undefined;
      await world.reconcile(run);
      return;
    }
    if (outcome?.kind === 'requeueAfter') world.now += outcome.ms;
  }
  throw new Error('never signed');
}
