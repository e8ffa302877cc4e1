import { describe, expect, it } from 'vitest';
import type { Trigger, TriggerStatus } from '../../api/triggers/objects.ts';
import { FakeClock } from '../../clock.fake.ts';
import { ApiError } from '../../kube/api-error.ts';
import { silentLogger } from '../../log.ts';
import type { TriggerOutcome } from '../sink/trigger.ts';
import { Scheduler } from './scheduler.ts';

/** One Trigger on an API server, and what its times created there. */
class World {
  readonly clock = new FakeClock('2026-06-01T10:00:30Z');
  readonly created: string[] = [];
  readonly told: string[] = [];
  trigger: Trigger;
  /** What a firing comes to, one after the other; then it creates. */
  outcomes: (TriggerOutcome['outcome'] | 'none' | 'lost')[] = [];
  /** Writes of a status that fail. */
  broken = 0;
  #version = 1;

  constructor(annotations: Record<string, string>, status?: TriggerStatus) {
    const names = Object.entries(annotations).map(([name, value]) => [`triggers.tektite.dev/${name}`, value]);
    const metadata = { name: 'nightly', namespace: 'ci', uid: 'u-1', resourceVersion: '1' };
    this.trigger = { metadata: { ...metadata, annotations: Object.fromEntries(names) }, ...(status ? { status } : {}) };
  }

  get status(): TriggerStatus {
    return this.trigger.status ?? {};
  }

  annotate(annotations: Record<string, string>): void {
    const { metadata } = this.trigger;
    const all = { ...metadata.annotations, ...annotations };
    this.trigger = { ...this.trigger, metadata: { ...metadata, annotations: all, resourceVersion: this.#next() } };
  }

  /** Starts a replica; the returned function ends it. `stale`: its cache hears of nothing. */
  replica({ stale = false } = {}): () => Promise<void> {
    const cached = this.trigger;
    const scheduler = new Scheduler({
      triggers: () => [stale ? cached : this.trigger],
      read: () => Promise.resolve(this.trigger),
      writeStatus: (trigger, status) => this.#write(trigger, status),
      fire: (_trigger, event) => this.#fire(event.id, event.scheduled?.time ?? ''),
      tell: (_trigger, reason, message) => this.told.push(`${reason}: ${message}`),
      clock: this.clock,
      log: silentLogger,
    });
    const end = new AbortController();
    const running = scheduler.run(end.signal);
    return async () => {
      end.abort(new Error('over'));
      await running;
    };
  }

  #next(): string {
    this.#version += 1;
    return String(this.#version);
  }

  #write(trigger: Trigger, status: TriggerStatus): Promise<void> {
    if (this.broken > 0) {
      this.broken -= 1;
      return Promise.reject(new Error('the API server is away'));
    }
    if (trigger.metadata.resourceVersion !== this.trigger.metadata.resourceVersion)
      return Promise.reject(new ApiError(409, { reason: 'Conflict' }));
    const metadata = { ...this.trigger.metadata, resourceVersion: this.#next() };
    this.trigger = { ...this.trigger, metadata, status };
    return Promise.resolve();
  }

  #fire(id: string, time: string): Promise<TriggerOutcome[]> {
    const outcome = this.outcomes.shift() ?? 'created';
    const who = { trigger: 'nightly', namespace: 'ci' };
    if (outcome === 'none') return Promise.resolve([]);
    if (outcome === 'lost') return Promise.reject(new Error('the sink ends'));
    if (outcome !== 'created') return Promise.resolve([{ ...who, outcome, message: `it was ${outcome}` }]);
    const isRepeated = this.created.includes(`${time} ${id}`);
    if (!isRepeated) this.created.push(`${time} ${id}`);
    const created = [{ apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', name: `nightly-${this.created.length}` }];
    return Promise.resolve([{ ...who, outcome: isRepeated ? 'repeated' : 'created', created }]);
  }

  times(): string[] {
    return this.created.map((each) => each.slice(0, 20));
  }
}

const minutes = (count: number) => count * 60_000;

describe('a schedule', () => {
  it('fires at its times, and the status says so', async () => {
    const world = new World({ schedule: '0 * * * *', 'time-zone': 'Asia/Kolkata' });
    const end = world.replica();
    await world.clock.advance(minutes(29));
    expect(world.created).toEqual([]);
    expect(world.status).toEqual({
      schedule: {
        schedule: '0 * * * *',
        timeZone: 'Asia/Kolkata',
        since: '2026-06-01T10:00:30Z',
        nextScheduleTime: '2026-06-01T10:30:00Z',
      },
      conditions: [
        {
          type: 'Scheduled',
          status: 'True',
          reason: 'Scheduled',
          message: 'The schedule is kept',
          lastTransitionTime: '2026-06-01T10:00:30Z',
        },
      ],
    });
    await world.clock.advance(minutes(61));
    expect(world.times()).toEqual(['2026-06-01T10:30:00Z', '2026-06-01T11:30:00Z']);
    expect(world.status.schedule).toMatchObject({
      lastScheduleTime: '2026-06-01T11:30:00Z',
      lastOutcome: 'created',
      lastCreated: ['PipelineRun nightly-2'],
      nextScheduleTime: '2026-06-01T12:30:00Z',
    });
    await end();
  });

  it('fires once for all replicas, also for one that hears of nothing', async () => {
    const world = new World({ schedule: '*/5 * * * *' });
    const ends = [world.replica(), world.replica(), world.replica({ stale: true })];
    await world.clock.advance(minutes(12));
    expect(world.times()).toEqual(['2026-06-01T10:05:00Z', '2026-06-01T10:10:00Z']);
    await Promise.all(ends.map((end) => end()));
    expect(world.told).toEqual([]);
  });

  it('fires once where a replica dies after it created and before it wrote so', async () => {
    const world = new World({ schedule: '*/5 * * * *' });
    const first = world.replica();
    await world.clock.advance(minutes(1));
    world.broken = 1;
    await world.clock.advance(minutes(3.5));
    await first();
    expect(world.status.schedule?.lastScheduleTime).toBeUndefined();
    const second = world.replica();
    await world.clock.advance(minutes(1));
    await second();
    expect(world.times()).toEqual(['2026-06-01T10:05:00Z']);
    expect(world.status.schedule).toMatchObject({
      lastScheduleTime: '2026-06-01T10:05:00Z',
      lastOutcome: 'repeated',
    });
  });

  it('makes up for the latest time that no replica saw', async () => {
    const world = new World({ schedule: '*/5 * * * *' });
    await world.replica()();
    await world.clock.advance(minutes(60));
    expect(world.status.schedule?.since).toBe('2026-06-01T10:00:30Z');
    const end = world.replica();
    await world.clock.advance(1_000);
    expect(world.times()).toEqual(['2026-06-01T11:00:00Z']);
    await end();
  });

  it('tells of a time that is over by more than its deadline', async () => {
    const world = new World({ schedule: '0 * * * *', 'starting-deadline': '1m' });
    await world.replica()();
    await world.clock.advance(minutes(62));
    const end = world.replica();
    await world.clock.advance(minutes(1));
    await end();
    expect(world.times()).toEqual([]);
    expect(world.status.schedule).toMatchObject({
      lastScheduleTime: '2026-06-01T11:00:00Z',
      lastOutcome: 'missed',
    });
    expect(world.told).toEqual([
      'ScheduleMissed: the time 2026-06-01T11:00:00Z was missed by more than its starting deadline',
    ]);
  });

  it('that is suspended fires nothing, then or afterwards for the time between', async () => {
    const world = new World({ schedule: '*/5 * * * *', suspend: 'true' });
    const end = world.replica();
    await world.clock.advance(minutes(11));
    expect(world.status.conditions).toMatchObject([{ type: 'Scheduled', status: 'False', reason: 'Suspended' }]);
    world.annotate({ 'triggers.tektite.dev/suspend': 'false' });
    await world.clock.advance(minutes(2));
    expect(world.times()).toEqual([]);
    await world.clock.advance(minutes(3));
    expect(world.times()).toEqual(['2026-06-01T10:15:00Z']);
    await end();
  });

  it('that is wrong fires nothing, and says why once', async () => {
    const world = new World({ schedule: '61 * * * *' });
    const end = world.replica();
    await world.clock.advance(minutes(200));
    await end();
    expect(world.created).toEqual([]);
    expect(world.status.conditions).toMatchObject([
      {
        status: 'False',
        reason: 'InvalidSchedule',
        message: expect.stringContaining('schedule is "61 * * * *"') as string,
      },
    ]);
    expect(world.told).toEqual([expect.stringMatching(/^InvalidSchedule: /)]);
  });

  it.each<[string, World['outcomes'], tries: number, object]>([
    ['passes', ['failed', 'failed'], 1, { lastOutcome: 'created' }],
    [
      'stays',
      Array.from({ length: 5 }, () => 'failed' as const),
      0,
      { lastOutcome: 'failed', lastMessage: 'it was failed' },
    ],
    ['is its interceptor', ['stopped'], 0, { lastOutcome: 'stopped', lastMessage: 'it was stopped' }],
    ['is that it was broken off', ['lost'], 1, { lastOutcome: 'created' }],
    ['is that the listener has not selected it yet', ['none'], 1, { lastOutcome: 'created' }],
  ])('is tried again while what stops it %s', async (_name, outcomes, created, wanted) => {
    const world = new World({ schedule: '0 * * * *' });
    world.outcomes = [...outcomes];
    const end = world.replica();
    await world.clock.advance(minutes(62));
    await end();
    expect(world.created.length).toBe(created);
    expect(world.status.schedule).toMatchObject({ lastScheduleTime: '2026-06-01T11:00:00Z', ...wanted });
  });

  it('that cannot be kept since its status holds anything is told', async () => {
    const world = new World({ schedule: '*/5 * * * *' }, { conditions: 'x', schedule: 7 } as unknown as TriggerStatus);
    const end = world.replica();
    await world.clock.advance(minutes(5));
    await end();
    expect(world.told[0]).toMatch(/^ScheduleFailed: its schedule cannot be kept: /);
  });

  it.each([
    ['nobody keeps it', 'NotSelected', 'False'],
    ['it waits for its sink', 'WaitingForSink', 'Unknown'],
  ] as const)('that a sink keeps again does not go on to say that %s', async (_name, reason, status) => {
    const schedule = { schedule: '@yearly', timeZone: 'Etc/UTC', since: '2026-05-01T00:00:00Z' };
    const conditions = [{ type: 'Scheduled', status, reason }];
    const world = new World({ schedule: '@yearly' }, { schedule, conditions });
    const end = world.replica();
    await world.clock.advance(minutes(1));
    expect(world.status).toMatchObject({ schedule, conditions: [{ status: 'True', reason: 'Scheduled' }] });
    await end();
  });
});
