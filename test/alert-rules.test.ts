import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { attempt } from '../hack/command.ts';
import { promtool } from '../hack/verify/promtool.ts';

/** Prometheus' own promtool on the chart's alert rules and the dashboard: when each alert comes, and when not. */
const chart = path.resolve(import.meta.dirname, '../config/chart/files');
const alertsFile = path.join(chart, 'alerts.yaml');
interface Rule {
  alert: string;
  labels: { severity: string };
  annotations: { summary: string; description: string };
}
const rules = (parse(readFileSync(alertsFile, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const dashboard = JSON.parse(readFileSync(path.join(chart, 'dashboard.json'), 'utf8')) as {
  panels: { title: string; targets: { expr: string }[] }[];
};

/** Values of series, a minute apart, in promtool's notation: `0+2x60` is 0, 2, 4 and so on, 61 of them; `_` is none. */
type Series = Record<string, string>;
interface Row {
  alert: string;
  when: string;
  series: Series;
  /** Minutes: it is there, with these labels and this description. */
  at: number;
  labels?: Record<string, string>;
  says: string;
  /** Minutes: it is not there yet, though its condition holds. */
  notYet?: number;
  /** The same, but below its threshold. */
  quiet: Series;
}

const waiting = (kind: string) => `tekton_pipelines_controller_running_${kind}`;
const answers = (code: string) => `kn_k8s_client_http_response_status_code_total{http_response_status_code="${code}"}`;
/** A histogram whose every observation, ten a minute, is above `bound` or below it. */
const histogram = (name: string, labels: string, [low, bound, high]: readonly [string, string, string]) => ({
  above: {
    [`${name}_bucket{${labels}le="${low}"}`]: '0+0x120',
    [`${name}_bucket{${labels}le="${bound}"}`]: '0+0x120',
    [`${name}_bucket{${labels}le="${high}"}`]: '0+10x120',
    [`${name}_bucket{${labels}le="+Inf"}`]: '0+10x120',
  },
  below: {
    [`${name}_bucket{${labels}le="${low}"}`]: '0+0x120',
    [`${name}_bucket{${labels}le="${bound}"}`]: '0+10x120',
    [`${name}_bucket{${labels}le="${high}"}`]: '0+10x120',
    [`${name}_bucket{${labels}le="+Inf"}`]: '0+10x120',
  },
});
const queue = histogram('kn_workqueue_queue_duration_seconds', 'name="taskrun",', ['5', '7.5', '10']);
const fulcio = histogram('watcher_service_call_seconds', 'service="fulcio",', ['2.5', '5', '10']);
const signing = histogram('watcher_completion_to_signed_seconds', 'kind="taskrun",', ['60', '300', '1800']);
const definitions =
  'At all times in the last 15 minutes runs waited for a remote Task or Pipeline. See the resolvers, and the ResolutionRequests that are not answered.';

const rows: Row[] = [
  {
    alert: 'TektiteRunsStuck',
    when: 'one of two replicas has had a key in work for more than four minutes',
    series: {
      'kn_workqueue_longest_running_processor_seconds{name="taskrun",pod="a"}': '0+0x30',
      'kn_workqueue_longest_running_processor_seconds{name="taskrun",pod="b"}': '300+0x30',
    },
    at: 10,
    labels: { name: 'taskrun' },
    says: 'Queue taskrun has a key in work for 5m 0s. It is broken off after five minutes and tried again; the log names the key.',
    notYet: 4,
    quiet: { 'kn_workqueue_longest_running_processor_seconds{name="taskrun"}': '239+0x30' },
  },
  ...[
    'pipelineruns_waiting_on_pipeline_resolution',
    'pipelineruns_waiting_on_task_resolution',
    'taskruns_waiting_on_task_resolution_count',
  ].map((kind) => ({
    alert: 'TektiteRunsWaitForDefinitions',
    when: kind.replaceAll('_', ' '),
    series: { [waiting(kind)]: '2+0x30' },
    at: 20,
    says: definitions,
    notYet: 14,
    // Each waits its minute, and now and then none does.
    quiet: { [waiting(kind)]: '2+0x8 0 2+0x8 0 2+0x8' },
  })),
  ...['quota', 'node'].map((by) => ({
    alert: 'TektiteRunsThrottled',
    when: `pods find no room by ${by}`,
    series: { [waiting(`taskruns_throttled_by_${by}`)]: '3+0x60' },
    at: 40,
    says: 'For half an hour pods of 3 TaskRuns have waited for a quota or for room on the nodes.',
    notYet: 29,
    quiet: { [waiting(`taskruns_throttled_by_${by}`)]: '3+0x20 0 3+0x20' },
  })),
  {
    alert: 'TektiteQueueDeep',
    when: 'the replicas together have more than a thousand keys',
    series: {
      'kn_workqueue_depth{name="taskrun",pod="a"}': '600+0x30',
      'kn_workqueue_depth{name="taskrun",pod="b"}': '600+0x30',
    },
    at: 15,
    labels: { name: 'taskrun' },
    says: 'Queue taskrun has 1200 keys. More replicas with more buckets share it.',
    notYet: 9,
    quiet: { 'kn_workqueue_depth{name="taskrun"}': '1000+0x30', 'kn_workqueue_depth{name="pipelinerun"}': '1000+0x30' },
  },
  {
    alert: 'TektiteQueueSlow',
    when: 'keys wait for ten seconds',
    series: queue.above,
    at: 25,
    labels: { name: 'taskrun' },
    says: 'One key in twenty of queue taskrun waits longer than 9 s.',
    notYet: 9,
    quiet: queue.below,
  },
  ...['429', '503'].map((code) => ({
    alert: 'TektiteApiServerRefuses',
    when: `one answer in ten is ${code}`,
    series: { [answers(code)]: '0+10x60', [answers('200')]: '0+90x60' },
    at: 25,
    says: '10% of requests are answered with 429 or a failure of the server.',
    notYet: 9,
    quiet: { [answers(code)]: '0+5x60', [answers('404')]: '0+50x60', [answers('200')]: '0+45x60' },
  })),
  {
    alert: 'TektiteEventsLost',
    when: 'ten events a minute are dropped',
    series: { 'tekton_pipelines_controller_events_total{result="dropped"}': '0+10x60' },
    at: 40,
    labels: { result: 'dropped' },
    says: '300 events of half an hour were dropped.',
    quiet: {
      'tekton_pipelines_controller_events_total{result="dropped"}': '0+3x60',
      'tekton_pipelines_controller_events_total{result="created"}': '0+100x60',
    },
  },
  ...['taskrun', 'pipelinerun'].map((kind) => ({
    alert: 'TektiteSigningFails',
    when: `a ${kind} fails again and again`,
    series: { [`watcher_${kind}_signing_failures_total{error_type="storage"}`]: '0+1x60' },
    at: 30,
    labels: { error_type: 'storage' },
    says: 'Signing fails with storage. The annotation chains.tekton.dev/problems of the runs says why; what failed is tried again.',
    notYet: 14,
    // Once: what was tried again went well.
    quiet: { [`watcher_${kind}_signing_failures_total{error_type="storage"}`]: '0+0x9 1+0x50' },
  })),
  {
    alert: 'TektiteRunsLeftUnsigned',
    when: 'the first run is given up',
    series: { 'watcher_marked_failed_total{kind="taskrun"}': '0+0x20 1+0x30' },
    at: 30,
    labels: { kind: 'taskrun' },
    says: '1 taskruns of the last hour will not be signed. Their annotation chains.tekton.dev/problems says why.',
    notYet: 20,
    quiet: { 'watcher_marked_failed_total{kind="taskrun"}': '7+0x60' },
  },
  {
    alert: 'TektiteCertificatesSlow',
    when: 'certificates take more than five seconds',
    series: fulcio.above,
    at: 35,
    says: 'One certificate in twenty takes longer than 9.75 s.',
    notYet: 14,
    quiet: {
      ...fulcio.below,
      ...histogram('watcher_service_call_seconds', 'service="rekor",', ['2.5', '5', '10']).above,
    },
  },
  {
    alert: 'TektiteSigningLate',
    when: 'signatures come half an hour late',
    series: signing.above,
    at: 35,
    labels: { kind: 'taskrun' },
    says: 'One taskrun in twenty is signed more than five minutes after its end. What waits for signatures, pruning too, waits as long.',
    notYet: 14,
    quiet: signing.below,
  },
  {
    alert: 'TektiteWebhookFails',
    when: 'the first request fails',
    series: { 'tekton_pipelines_webhook_answers_total{path="/defaulting",outcome="failed"}': '0+0x10 2+0x20' },
    at: 18,
    labels: { path: '/defaulting' },
    says: '2 requests to /defaulting failed in ten minutes: what they asked for was refused.',
    notYet: 14,
    quiet: {
      'tekton_pipelines_webhook_answers_total{path="/defaulting",outcome="failed"}': '5+0x30',
      'tekton_pipelines_webhook_answers_total{path="/defaulting",outcome="refused"}': '0+5x30',
    },
  },
  {
    alert: 'TektitePruningFails',
    when: 'deletions fail for half an hour',
    series: { 'tekton_pruner_controller_resources_errors_total{namespace="ci",error_type="permission"}': '0+1x90' },
    at: 60,
    labels: { namespace: 'ci', error_type: 'permission' },
    says: 'In namespace ci: permission. The log has the whole error.',
    notYet: 29,
    quiet: {
      'tekton_pruner_controller_resources_errors_total{namespace="ci",error_type="permission"}': '0+0x9 1+0x25 1+0x50',
    },
  },
  {
    alert: 'TektitePruningBehind',
    when: 'more than a thousand runs are held for an hour',
    series: {
      'tekton_pruner_controller_pending_deletions{namespace="ci",resource_type="pipelinerun"}': '600+0x90',
      'tekton_pruner_controller_pending_deletions{namespace="ci",resource_type="taskrun"}': '600+0x90',
    },
    at: 70,
    labels: { namespace: 'ci' },
    says: '1200 runs of namespace ci wait for their deletion; "tektite prune --dry-run" says what holds each.',
    notYet: 59,
    quiet: {
      'tekton_pruner_controller_pending_deletions{namespace="ci",resource_type="pipelinerun"}': '600+0x90',
      'tekton_pruner_controller_pending_deletions{namespace="dev",resource_type="pipelinerun"}': '600+0x90',
    },
  },
];

let program: string;
let folder: string;
beforeAll(async () => {
  program = await promtool();
  folder = await mkdtemp(path.join(tmpdir(), 'alerts-'));
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

async function judged(words: string[], name: string, document: object): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, stringify(document));
  const { status, output } = await attempt([program, ...words, file]);
  return status === 0 ? 'SUCCESS' : output;
}

/** promtool's document for a row: it comes, not before its time, and not below its threshold. */
function testsOf({ alert, series, at, labels = {}, says, notYet, quiet }: Row): object {
  const rule = rules.find((each) => each.alert === alert);
  const input = (all: Series) => Object.entries(all).map(([name, values]) => ({ series: name, values }));
  const expected = {
    exp_labels: { ...rule?.labels, ...labels },
    exp_annotations: { summary: rule?.annotations.summary, description: says },
  };
  const early = notYet === undefined ? [] : [{ eval_time: `${notYet}m`, alertname: alert, exp_alerts: [] }];
  const never = Array.from({ length: 12 }, (_, index) => ({
    eval_time: `${10 * (index + 1)}m`,
    alertname: alert,
    exp_alerts: [],
  }));
  return {
    rule_files: [alertsFile],
    evaluation_interval: '1m',
    tests: [
      {
        interval: '1m',
        input_series: input(series),
        alert_rule_test: [...early, { eval_time: `${at}m`, alertname: alert, exp_alerts: [expected] }],
      },
      { interval: '1m', input_series: input(quiet), alert_rule_test: never },
    ],
  };
}

describe('alerts, as Prometheus raises them', () => {
  it('have a row each', () => {
    expect([...new Set(rows.map(({ alert }) => alert))]).toEqual(rules.map(({ alert }) => alert));
  });

  it('are rules of its form', async () => {
    const { status, output } = await attempt([program, 'check', 'rules', '--lint=all', '--lint-fatal', alertsFile]);
    expect(status, output).toBe(0);
    expect(output).toContain(`${rules.length} rules found`);
  });

  it.each(rows)('$alert comes when $when, and else it does not', async (row) => {
    expect(await judged(['test', 'rules'], 'test.yaml', testsOf(row))).toBe('SUCCESS');
  });

  it('the check sees an alert that does not come', async () => {
    const [row] = rows;
    const found = await judged(['test', 'rules'], 'test.yaml', testsOf({ ...(row as Row), series: row?.quiet ?? {} }));
    expect(found).toContain('TektiteRunsStuck');
  });
});

describe('the dashboard', () => {
  it('asks in a form that Prometheus understands', async () => {
    const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    const recorded = expressions.map((expr, index) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$__range', '1h'),
    }));
    const document = { groups: [{ name: 'dashboard', rules: recorded }] };
    expect(recorded.length).toBeGreaterThan(10);
    expect(await judged(['check', 'rules'], 'dashboard.yaml', document)).toBe('SUCCESS');
  });
});
