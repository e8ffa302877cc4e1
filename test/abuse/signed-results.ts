import type { TaskRun } from '../../src/api/pipeline/v1/taskrun.ts';
import { dayAfter, spireServer, statedMessage } from '../../src/core/spire/spire.fake.ts';
import { isReservedName } from '../../src/core/spire/material.ts';
import { stepIdentity } from '../../src/core/spire/statement.ts';
import { verifyRunSignatures } from '../../src/core/spire/verify.ts';
import { named, range } from './family.ts';

/** A run whose step signed n results and n of its own, which the run passes on. */
export function signedResults(n: number): () => unknown {
  const server = spireServer();
  const svid = server.issue('URI:spiffe://example.org/ns/ns/taskrun/run');
  const bundle = { authorities: [server.authority.certificate], trustDomain: 'example.org' };
  const finishedAt = new Date(svid.certificate.validFromDate.getTime() + 3_600_000).toISOString();
  const own = named('own', n).map((name) => ({ name, value: 'v' }));
  const reported = [
    ...named('r', n).map((key) => ({ key, value: 'v', type: 1 as const })),
    ...own.map(({ name, value }) => ({ key: name, value, type: 4 as const })),
  ];
  const message = statedMessage(svid, stepIdentity('uid', 'pod', 'step-a'), reported);
  const taskRun: TaskRun = {
    apiVersion: 'tekton.dev/v1',
    kind: 'TaskRun',
    metadata: { name: 'run', namespace: 'ns', uid: 'uid' },
    spec: {},
    status: {
      podName: 'pod',
      completionTime: finishedAt,
      taskSpec: {
        results: [
          ...named('r', n).map((name) => ({ name })),
          ...range(n).map((at) => ({ name: `passed${at}`, value: `$(steps.a.results.own${at})` })),
        ],
      },
      results: [...named('r', n), ...named('passed', n)].map((name) => ({ name, value: 'v' })),
      steps: [{ name: 'a', container: 'step-a', results: own, terminated: { exitCode: 0, finishedAt, message } }],
    },
  };
  const now = dayAfter(svid, 1);
  return () => [
    verifyRunSignatures(taskRun, bundle, now, { whole: true }),
    taskRun.status?.results?.filter(({ name }) => isReservedName(name)),
  ];
}
