import { describe, expect, it } from 'vitest';
import { deployment, pod } from './installation.fake.ts';
import { observe, type Read } from './observe.ts';
import { usualPlaces } from './places.ts';

const signal = new AbortController().signal;
const refused = (status: number, message: string) => Object.assign(new Error(message), { status });
const name = 'tekton-pipelines-controller';

/** An API server that answers by the end of the path; lists of what is not named are empty. */
function serverOf(answers: Record<string, unknown>): Read & { paths: string[] } {
  const paths: string[] = [];
  const read = (path: string): Promise<string> => {
    paths.push(path);
    const [, answer] = Object.entries(answers).find(([end]) => path.endsWith(end)) ?? [];
    if (answer instanceof Error) return Promise.reject(answer);
    if (typeof answer === 'string') return Promise.resolve(answer);
    if (path.includes('admissionregistration') && answer === undefined) return Promise.reject(refused(404, 'none'));
    return Promise.resolve(JSON.stringify(answer ?? { items: [] }));
  };
  return Object.assign(read, { paths });
}

const controller = {
  'tekton-pipelines/deployments': { items: [deployment(name), deployment('of-somebody-else')] },
  'tekton-pipelines/pods': { items: [pod('a', name), pod('b', name), pod('c', 'of-somebody-else')] },
};
const unreadOf = async (answers: Record<string, unknown>) =>
  (await observe(usualPlaces, serverOf(answers), signal)).unread.map(({ right, message }) => `${right}: ${message}`);

describe('what is read', () => {
  it("is each kind in each namespace once, and the metrics of the suite's own pods", async () => {
    const read = serverOf({ ...controller, '/version': { gitVersion: 'v1.30.1' }, '/proxy/metrics': 'kn_x 1' });
    const found = await observe(usualPlaces, read, signal);
    expect(new Set(read.paths).size).toBe(read.paths.length);
    expect(read.paths.filter((path) => path.endsWith('/configmaps'))).toEqual(
      ['tekton-pipelines', 'tekton-chains', 'tekton-pipelines-resolvers'].map(
        (namespace) => `/api/v1/namespaces/${namespace}/configmaps`,
      ),
    );
    expect(read.paths.filter((path) => path.includes('proxy'))).toEqual(
      ['a', 'b'].map((each) => `/api/v1/namespaces/tekton-pipelines/pods/${each}:9090/proxy/metrics`),
    );
    expect(found).toMatchObject({ kubernetes: 'v1.30.1', unread: [], webhooks: [] });
    expect(found.deployments.map(({ metadata }) => metadata.name)).toEqual([name]);
    expect(found.metrics.map(({ pod: of }) => of)).toEqual(['a', 'b']);
    expect(found.read.has('deployments tekton-chains')).toBe(true);
  });
});

describe('what may not be read', () => {
  it.each<[string, Record<string, unknown>, string[]]>([
    [
      'a kind in a namespace',
      { 'tekton-chains/leases': refused(403, 'leases is forbidden') },
      ['list leases.coordination.k8s.io -n tekton-chains: leases is forbidden'],
    ],
    [
      'pods through the API server: once for all of them',
      { ...controller, '/proxy/metrics': refused(403, 'pods/proxy is forbidden') },
      ['get pods/proxy -n tekton-pipelines: pods/proxy is forbidden'],
    ],
    [
      'a webhook configuration',
      { 'gates.webhook.tektite.dev': refused(403, 'no') },
      ['get validatingwebhookconfigurations.admissionregistration.k8s.io/gates.webhook.tektite.dev: no'],
    ],
    ['what is no JSON', { '/version': '<html>' }, ['get /version: the API server answered something that is no JSON']],
    ['what does not come', { '/version': new Error('it took too long') }, ['get /version: it took too long']],
  ])('%s is told, and the rest is read', async (_name, answers, expected) => {
    expect(await unreadOf(answers)).toEqual(expected);
  });

  it('is bounded in what is told of it', async () => {
    const [told] = await unreadOf({ '/version': refused(403, 'x'.repeat(10_000)) });
    expect(told?.length).toBeLessThan(600);
  });

  it('is everything with wrong credentials, and once it is to end', async () => {
    await expect(observe(usualPlaces, serverOf({ '/version': refused(401, 'who?') }), signal)).rejects.toThrow('who?');
    await expect(
      observe(usualPlaces, serverOf({ '/version': refused(403, 'no') }), AbortSignal.abort(new Error('the end'))),
    ).rejects.toThrow('the end');
  });
});
