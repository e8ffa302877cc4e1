import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { parseTracing, type TracingConfig } from '../../api/config/config-tracing.ts';
import { FakeClock } from '../../clock.fake.ts';
import { silentLogger } from '../../log.ts';
import type { ReconcileSpan } from '../../reconcilers/tracing.ts';
import type { Destination } from './destination.ts';
import { LiveTracing } from './live.ts';

const run = { metadata: { namespace: 'ns', name: 'run' } };
const base64 = (text: string) => Buffer.from(text).toString('base64');
const config = (data: Record<string, string>): TracingConfig => parseTracing({ enabled: 'true', ...data }).tracing;

/** Tracing whose exporters are opened in memory. */
function world(first: TracingConfig) {
  const clock = new FakeClock();
  const registry = new Registry();
  const opened: Destination[] = [];
  const told: string[] = [];
  const state = { settings: first, secret: undefined as Record<string, string> | undefined, closed: 0, reads: 0 };
  const tracing = new LiveTracing({
    settings: () => state.settings,
    readSecret: () => {
      state.reads++;
      return Promise.resolve(state.secret);
    },
    certificates: ['own'],
    onProblem: (message) => told.push(message),
    registry,
    clock,
    log: silentLogger,
    open: (destination) => {
      opened.push(destination);
      const span: ReconcileSpan = { carrier: {}, during: (_name, work) => work({}), end: () => {} };
      const close = () => {
        state.closed++;
        return Promise.resolve();
      };
      return Promise.resolve({ begin: () => span, close });
    },
  });
  const lost = async (status: string) =>
    (await registry.getSingleMetric('tekton_pipelines_controller_spans_count')?.get())?.values.find(
      ({ labels }) => labels['status'] === status,
    )?.value;
  return { tracing, state, opened, told, clock, lost };
}

describe('LiveTracing', () => {
  it('records nothing while it is off', async () => {
    const { tracing, opened } = world(parseTracing({}).tracing);
    await tracing.follow();
    expect(tracing.begin('TaskRun', run)).toBeUndefined();
    expect(opened).toEqual([]);
  });

  it('opens an exporter once for the same settings, another for others, and none when it is switched off', async () => {
    const { tracing, state, opened } = world(config({ endpoint: 'http://a/', 'sampling-ratio': '0.5' }));
    await tracing.follow();
    expect(tracing.begin('TaskRun', run)).toBeDefined();
    expect(tracing.begin('PipelineRun', run)).toBeDefined();
    expect(opened).toMatchObject([{ endpoint: 'http://a/', samplingRatio: 0.5, certificates: ['own'] }]);
    state.settings = config({ endpoint: 'http://b/' });
    await tracing.follow();
    expect(opened.map(({ endpoint }) => endpoint)).toEqual(['http://a/', 'http://b/']);
    expect(state.closed).toBe(1);
    state.settings = parseTracing({}).tracing;
    await tracing.follow();
    expect(tracing.begin('TaskRun', run)).toBeUndefined();
    expect(state.closed).toBe(2);
  });

  it('of settings that change while an exporter opens the last count', async () => {
    const { tracing, state, opened } = world(config({ endpoint: 'http://a/' }));
    void tracing.follow();
    state.settings = config({ endpoint: 'http://b/' });
    void tracing.follow();
    state.settings = config({ endpoint: 'http://c/' });
    await tracing.follow();
    expect(opened.map(({ endpoint }) => endpoint)).toEqual(['http://c/']);
  });

  it.each([
    ['no certificate', '-----BEGIN PUBLIC KEY-----', 'no certificate in it'],
    ['a file that is not there', '/nowhere/ca.crt', 'ENOENT'],
  ])('tells why it cannot begin: %s', async (_name, cacert, expected) => {
    const { tracing, told } = world(config({ cacert }));
    await tracing.follow();
    expect(tracing.begin('TaskRun', run)).toBeUndefined();
    expect(told).toEqual([expect.stringMatching(`^tracing is off until config-tracing is corrected: .*${expected}`)]);
  });

  it('sends the credentials of a Secret, read again once a minute', async () => {
    const { tracing, state, opened, clock } = world(config({ credentialsSecret: 's' }));
    await tracing.follow();
    const headers = () => opened[0]?.headers();
    await expect(headers()).rejects.toThrow('Secret s with username and password is not there');
    state.secret = { username: base64('me\n'), password: base64('pass') };
    const first = { Authorization: `Basic ${base64('me:pass')}` };
    expect([await headers(), await headers()]).toEqual([first, first]);
    expect(state.reads).toBe(2);
    state.secret = { username: base64('me'), password: base64('new') };
    await clock.advance(60_000);
    expect(await headers()).toEqual({ Authorization: `Basic ${base64('me:new')}` });
  });

  it('counts what is sent and lost, and tells once that spans are lost', async () => {
    const { tracing, opened, told, lost } = world(config({ endpoint: 'http://a/' }));
    await tracing.follow();
    const became = (spans: number, error?: Error) => opened[0]?.onExport(spans, error);
    became(3);
    became(4, new Error('refused'));
    became(5, new Error('refused'));
    expect(told).toEqual(['spans are lost, since http://a/ does not take them: refused']);
    became(1);
    became(2, new Error('again'));
    expect(told).toHaveLength(2);
    expect([await lost('sent'), await lost('lost')]).toEqual([4, 11]);
  });
});
