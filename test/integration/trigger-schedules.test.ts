import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { pipelineRuns } from '../../src/api/resources.ts';
import { eventListeners, triggers, type ScheduleStatus, type Trigger } from '../../src/api/triggers/objects.ts';
import { isConflict } from '../../src/kube/api-error.ts';
import { events } from '../../src/kube/resources.ts';
import { main as triggersController } from '../../src/triggers/controller.ts';
import { eventually, TriggersWorld } from './triggers-world.ts';

/**
 * Two sinks of one listener keep a schedule on a real API server, with the rights that the chart's roles give. Its time
 * is New Year: the test moves what is recorded, not the clock.
 */
const runs = pipelineRuns;
const annotations = { 'triggers.tektite.dev/schedule': '0 0 1 1 *', 'triggers.tektite.dev/time-zone': 'Europe/Berlin' };
const run = {
  apiVersion: 'tekton.dev/v1',
  kind: 'PipelineRun',
  metadata: { generateName: 'yearly-' },
  spec: {
    pipelineRef: { name: 'any' },
    status: 'PipelineRunPending',
    params: [{ name: 'time', value: '$(tt.params.time)' }],
  },
};
const apiVersion = 'triggers.tekton.dev/v1beta1';
const manifests = [
  {
    apiVersion,
    kind: 'Trigger',
    metadata: { name: 'yearly', annotations },
    spec: {
      bindings: [{ name: 'time', value: '$(body.scheduledTime)' }],
      template: { spec: { params: [{ name: 'time' }], resourcetemplates: [run] } },
    },
  },
  {
    apiVersion,
    kind: 'Trigger',
    metadata: { name: 'lonely', annotations },
    spec: { template: { spec: { resourcetemplates: [run] } } },
  },
  {
    apiVersion,
    kind: 'EventListener',
    metadata: { name: 'clock', annotations: { 'triggers.tektite.dev/answer': 'outcome' } },
    spec: { triggers: [{ triggerRef: 'yearly' }] },
  },
];
let world: TriggersWorld;
let sinks: Awaited<ReturnType<TriggersWorld['startSink']>>[] = [];

beforeAll(async () => {
  world = await TriggersWorld.open('schedules');
  await world.apply(manifests.map((each) => stringify(each)).join('---\n'));
}, 120_000);

afterAll(() => world.close(), 60_000);

const yearly = () => world.client.get<Trigger>(triggers, world.namespace, 'yearly');
const made = async () => (await world.client.list(runs, { namespace: world.namespace })).items;

async function record(change: ScheduleStatus): Promise<void> {
  await eventually(async () => {
    const trigger = await yearly();
    const { lastScheduleTime: _over, ...schedule } = trigger.status?.schedule ?? {};
    const status = { ...trigger.status, schedule: { ...schedule, lastOutcome: 'none', ...change } };
    return world.client.replaceStatus(triggers, { ...trigger, status }).catch((error: unknown) => {
      if (isConflict(error)) return undefined;
      throw error;
    });
  }, 'the record');
}

/** What came of the schedule's last time. */
const outcome = () =>
  eventually(async () => {
    const { lastOutcome, lastScheduleTime, lastCreated } = (await yearly()).status?.schedule ?? {};
    return lastScheduleTime === undefined ? undefined : { lastOutcome, lastScheduleTime, lastCreated };
  }, 'the firing');

/** No run is there, and so many sinks are, which have seen nothing: also where a row is tried again. */
async function beginAnew(count: number): Promise<void> {
  await Promise.all(sinks.map(({ end }) => end()));
  for (const { metadata } of await made()) await world.client.delete(runs, world.namespace, metadata.name ?? '');
  sinks = await Promise.all(Array.from({ length: count }, () => world.startSink('clock')));
}

it('a time that both sinks see creates one run', async () => {
  await beginAnew(2);
  await eventually(async () => (await yearly()).status?.schedule?.since, 'the beginning');
  expect(await made()).toEqual([]);
  await record({ since: '2024-06-01T00:00:00Z' });
  const { lastOutcome, lastScheduleTime = '', lastCreated = [] } = await outcome();
  expect(lastScheduleTime).toMatch(/^\d{4}-12-31T23:00:00Z$/);
  expect(['created', 'repeated']).toContain(lastOutcome);
  const [only, ...others] = await made();
  expect(others).toEqual([]);
  expect(lastCreated).toEqual([`PipelineRun ${only?.metadata.name}`]);
  expect(only?.spec.params).toEqual([{ name: 'time', value: lastScheduleTime }]);
  expect(only?.metadata).toMatchObject({
    labels: { 'triggers.tekton.dev/eventlistener': 'clock', 'triggers.tekton.dev/trigger': 'yearly' },
    annotations: {
      'triggers.tektite.dev/event-type': 'schedule',
      'triggers.tektite.dev/scheduled-time': lastScheduleTime,
    },
  });
});

it('a sink that died before it said so leaves no second run', async () => {
  await record({ since: '2024-06-01T00:00:00Z' });
  expect(await outcome()).toMatchObject({ lastOutcome: 'repeated' });
  expect((await made()).length).toBe(1);
});

it('what is over stays so after all sinks were started anew and the run is gone', async () => {
  await Promise.all(sinks.map(({ end }) => end()));
  const [only] = await made();
  await world.client.delete(runs, world.namespace, only?.metadata.name ?? '');
  sinks = [await world.startSink('clock')];
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await made()).toEqual([]);
});

it('a time that came while no sink was there is made up for', async () => {
  await beginAnew(0);
  await record({ since: '2024-06-01T00:00:00Z' });
  sinks = [await world.startSink('clock')];
  expect(await outcome()).toMatchObject({ lastOutcome: 'created' });
  expect((await made()).length).toBe(1);
});

it('an event from outside starts nothing of a schedule', async () => {
  const answer = await fetch(`http://127.0.0.1:${sinks[0]?.port}/`, { method: 'POST', body: '{"scheduledTime":"x"}' });
  expect([answer.status, await answer.json()]).toMatchObject([202, { triggers: [] }]);
  expect((await made()).length).toBe(1);
});

it('a wrong schedule is told on the Trigger', async () => {
  const wrong = { metadata: { annotations: { 'triggers.tektite.dev/schedule': 'often' } } };
  await world.client.patch(triggers, world.namespace, 'yearly', { type: 'merge', body: wrong });
  const condition = await eventually(async () => {
    const found = (await yearly()).status?.conditions?.find(({ type }) => type === 'Scheduled');
    return found?.status === 'False' ? found : undefined;
  }, 'the condition');
  expect(condition.message).toContain('triggers.tektite.dev/schedule is "often": it has not five fields');
});

it('a schedule that no listener selects is told on the Trigger, until one does', async () => {
  const select = (...names: string[]) => {
    const body = { spec: { triggers: names.map((triggerRef) => ({ triggerRef })) } };
    return world.client.patch(eventListeners, world.namespace, 'clock', { type: 'merge', body });
  };
  await select('yearly');
  world.start(triggersController, [
    `--kubeconfig=${world.kubeconfig}`,
    '--el-image=example.com/t:test',
    '--disable-ha',
  ]);
  const reason = (wanted: string) =>
    eventually(async () => {
      const { status } = await world.client.get<Trigger>(triggers, world.namespace, 'lonely');
      return status?.conditions?.find((condition) => condition.reason === wanted);
    }, wanted);
  expect(await reason('NotSelected')).toMatchObject({ type: 'Scheduled', status: 'False' });
  const told = await eventually(async () => {
    const { items } = await world.client.list(events, { namespace: world.namespace });
    return items.find((event) => (event as { reason?: string }).reason === 'ScheduleNotKept');
  }, 'the event');
  expect(told).toMatchObject({ type: 'Warning', involvedObject: { kind: 'Trigger', name: 'lonely' } });
  await select('yearly', 'lonely');
  expect(await reason('Scheduled')).toMatchObject({ status: 'True' });
});
