import { describe, expect, it } from 'vitest';
import { ago, configMap, deployment, lease, pod } from '../doctor/installation.fake.ts';
import type { SystemReport } from '../doctor/report.ts';
import { ApiError } from '../kube/api-error.ts';
import { configMaps, deployments, leases, pods } from '../kube/resources.ts';
import { FakeEnvironment } from './environment.fake.ts';

const name = 'tekton-pipelines-controller';

function environment(ready = 1): FakeEnvironment {
  const made = new FakeEnvironment();
  made.cluster.put(deployments, deployment(name, { ready }));
  made.cluster.put(pods, pod('a', name));
  made.cluster.put(leases, lease(`${name}.taskrun.00-of-01`, { holder: 'a' }));
  made.cluster.put(configMaps, configMap('feature-flags', {}));
  made.cluster.answers.set('/version', JSON.stringify({ gitVersion: 'v1.30.1' }));
  const metrics = '/api/v1/namespaces/tekton-pipelines/pods/a:9090/proxy/metrics';
  made.cluster.answers.set(metrics, 'kn_workqueue_depth{name="TaskRun"} 3');
  return made;
}

describe('doctor', () => {
  it('shows how the installation is', async () => {
    const made = environment();
    expect(await made.run('doctor')).toBe(0);
    expect(made.out).toBe(
      [
        'Kubernetes v1.30.1',
        '',
        'Roles',
        'NAME                          NAMESPACE          READY   VERSION   RESTARTS',
        'tekton-pipelines-controller   tekton-pipelines   1/1     v0.1.0    0',
        '',
        'Leases',
        'NAME                                  NAMESPACE          HELD   RENEWED         BY',
        'tekton-pipelines-controller.taskrun   tekton-pipelines   1/1    5 seconds ago   a',
        '',
        'Work queues',
        'NAME      WAITING   LONGEST   POD',
        'TaskRun   3         0s        tekton-pipelines/a',
        '',
        'Settings',
        'CONFIGMAP                        KEYS SET   WRONG',
        'tekton-pipelines/feature-flags   0          0',
        '',
        'nothing is wrong with what was looked at\n',
      ].join('\n'),
    );
    expect(ago(5)).toBe('2026-05-01T11:59:55.000Z');
  });

  it('says what is wrong and what to do, and fails', async () => {
    const made = environment(0);
    expect(await made.run('doctor')).toBe(1);
    expect(made.out).toContain(
      `Findings\nproblem: Deployment tekton-pipelines/${name}: 0 of 1 replicas are ready\n    kubectl -n tekton-pipelines describe`,
    );
    expect(made.out).toMatch(/\n\n1 problem\n$/);
  });

  it('says which right was missing, and goes on with the rest', async () => {
    const made = environment();
    const path = '/api/v1/namespaces/tekton-chains/configmaps';
    made.cluster.failures.set(`raw ${path}`, [new ApiError(403, { message: 'configmaps is forbidden' })]);
    expect(await made.run('doctor')).toBe(0);
    expect(made.out).toContain(
      'Not looked at\nConfigMaps in tekton-chains: needs the right to list configmaps -n tekton-chains\n    configmaps is forbidden\n',
    );
    expect(made.out).toContain('nothing is wrong with what was looked at; 1 thing could not be read');
  });

  it('is for programs as well, and looks where it is told to', async () => {
    const made = environment();
    const where = '--pipelines-namespace=ci --chains-namespace=ci --resolvers-namespace=ci';
    expect(await made.run(`doctor -o json ${where}`)).toBe(1);
    const report = JSON.parse(made.out) as SystemReport;
    expect(report.findings).toMatchObject([{ about: 'namespace ci' }]);
    expect(made.cluster.requests.filter((request) => request.includes('configmaps'))).toEqual([
      'raw /api/v1/namespaces/ci/configmaps',
    ]);
  });

  it('prints nothing that moves a cursor', async () => {
    const made = environment();
    made.cluster.put(configMaps, configMap('feature-flags', { 'enable-api-fields': '\u001b[2J\u202e' }));
    await made.run('doctor');
    expect(made.out).not.toMatch(/[\u001b\u202e]/);
  });

  it('refuses a format that it does not have', async () => {
    const made = environment();
    expect(await made.run('doctor -o yaml')).toBe(1);
    expect(made.err).toContain('--output is "yaml"; give json, or leave it out');
  });
});
