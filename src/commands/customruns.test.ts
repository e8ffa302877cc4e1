import { describe, expect, it } from 'vitest';
import type { CustomRun } from '../api/pipeline/v1beta1/customrun.ts';
import { customRuns } from '../api/resources.ts';
import { ApiError } from '../kube/api-error.ts';
import { FakeEnvironment } from './environment.fake.ts';
import { minutesAgo, succeeded } from './runs.fake.ts';

const approval: CustomRun = {
  metadata: { name: 'approve', namespace: 'ns', labels: { team: 'a' }, annotations: { why: 'a release' } },
  spec: {
    customRef: { apiVersion: 'example.com/v1', kind: 'Approval', name: 'by-two' },
    serviceAccountName: 'approver',
    timeout: '90m',
    params: [
      { name: 'who', value: ['x', 'y'] },
      { name: 'what', value: 'text' },
    ],
    workspaces: [{ name: 'w', emptyDir: {} }],
  },
  status: {
    startTime: minutesAgo(5),
    completionTime: minutesAgo(3),
    conditions: succeeded('False', 'Refused', 'y said no\u001b[2J'),
    results: [{ name: 'verdict', value: 'no' }],
  },
};

function environment(options: ConstructorParameters<typeof FakeEnvironment>[0] = {}): FakeEnvironment {
  const made = new FakeEnvironment(options);
  made.cluster.put(customRuns, approval);
  made.cluster.put(customRuns, {
    metadata: { name: 'wait', namespace: 'ns' },
    spec: { customSpec: { apiVersion: 'example.com/v1', kind: 'Wait' } },
    status: { startTime: minutesAgo(1), conditions: succeeded('Unknown', 'Running') },
  });
  made.cluster.put(customRuns, { metadata: { name: 'elsewhere', namespace: 'other' }, spec: {} });
  return made;
}

describe('customrun', () => {
  it.each([
    ['customrun-list', 'customrun list'],
    ['customrun-list-all-namespaces', 'cr ls -A --reverse'],
    ['customrun-describe', 'cr describe approve'],
    ['customrun-describe-in-place', 'customruns desc wait'],
    ['customrun-export', 'cr export approve'],
  ])('%s: %s', async (golden, line) => {
    const made = environment();
    expect(await made.run(line)).toBe(0);
    await expect(made.out).toMatchFileSnapshot(`golden/${golden}.txt`);
  });

  it.each([
    ['one page', 'cr list --limit 1 --no-headers', 0, /^wait .*Running\n$/],
    ['by label', 'cr list -l team=a -o name', 0, 'customrun.tekton.dev/approve\n'],
    ['none', 'cr list -n nowhere', 0, 'No CustomRuns found\n'],
    ['a field', 'cr describe approve -o jsonpath={.spec.customRef.name}', 0, 'by-two'],
    ['the last', 'cr describe --last -o name', 0, 'customrun.tekton.dev/wait\n'],
    ['the last of none', 'cr describe --last -n nowhere', 0, 'No CustomRuns present in namespace nowhere\n'],
  ])('%s: %s', async (_name, line, status, out) => {
    const made = environment();
    expect(await made.run(line)).toBe(status);
    expect(made.out).toEqual(typeof out === 'string' ? out : expect.stringMatching(out));
  });

  it.each([
    ['cr list --limit -1', 'limit was -1 but must be a positive number'],
    ['cr describe nope', 'failed to get CustomRun nope: customruns.tekton.dev "nope" not found'],
    ['cr describe -n nowhere', 'no CustomRuns found'],
    ['cr describe', 'there are 2 CustomRuns in namespace ns: give the name of one (wait, approve) or use --last'],
    ['cr delete', 'requires at least 1 arg(s), received 0'],
  ])('%s fails', async (line, message) => {
    const made = environment();
    expect(await made.run(line)).toBe(1);
    expect(made.err).toContain(`Error: ${message}\n`);
  });

  it('deletes those that are there, without asking, and fails for the others', async () => {
    const made = environment();
    made.cluster.failures.set('delete customruns/wait', [new ApiError(403, { message: 'forbidden' })]);
    expect(await made.run('cr delete nope wait approve')).toBe(1);
    expect([made.out, made.err]).toEqual([
      "CustomRun 'approve' deleted successfully from namespace 'ns'\n",
      'CustomRun nope not found in namespace ns\nfailed to delete CustomRun wait: forbidden\n',
    ]);
    expect(made.cluster.has(customRuns, 'approve')).toBe(false);
    expect(await made.run('cr rm wait')).toBe(0);
  });
});
