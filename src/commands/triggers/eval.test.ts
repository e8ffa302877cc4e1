import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeEnvironment } from '../environment.fake.ts';

const listener = `
apiVersion: triggers.tekton.dev/v1beta1
kind: TriggerBinding
metadata: { name: push }
spec:
  params:
    - { name: revision, value: $(body.after) }
    - { name: short, value: $(extensions.short) }
---
apiVersion: triggers.tekton.dev/v1beta1
kind: TriggerTemplate
metadata: { name: build }
spec:
  params: [{ name: revision }, { name: short }]
  resourcetemplates:
    - apiVersion: tekton.dev/v1
      kind: PipelineRun
      metadata: { generateName: build- }
      spec:
        pipelineRef: { name: build }
        params: [{ name: revision, value: $(tt.params.revision) }]
---
apiVersion: triggers.tekton.dev/v1beta1
kind: EventListener
metadata: { name: github }
spec:
  triggers:
    - name: push
      interceptors:
        - ref: { name: github }
          params:
            - { name: secretRef, value: { secretName: webhook, secretKey: token } }
            - { name: eventTypes, value: [push] }
        - ref: { name: cel }
          params:
            - { name: filter, value: "body.ref == 'refs/heads/main'" }
            - { name: overlays, value: [{ key: short, expression: 'body.after.truncate(3)' }] }
      bindings: [{ ref: push }]
      template: { ref: build }
`;
const secret = `
apiVersion: v1
kind: Secret
metadata: { name: webhook }
stringData: { token: sesame }
`;
const own = listener.replace('ref: { name: cel }', 'ref: { name: ours }');
const push = JSON.stringify({ ref: 'refs/heads/main', after: '5f71df9' });
const signature = `sha256=${createHmac('sha256', 'sesame').update(push).digest('hex')}`;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'trigger-eval-'));
  const files = {
    'listener.yaml': listener,
    'secret.yaml': secret,
    'own.yaml': own,
    'push.json': push,
    'list.json': '[]',
    'bare.yaml': 'a: b',
    'typo.yaml': listener.replace('params:', 'parms:'),
    'other.json': push.replace('main', 'other'),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Names of files are those of the folder; a no-break space stands for a space. */
async function run(line: string): Promise<{ status: number; out: string; err: string }> {
  const environment = new FakeEnvironment();
  environment.connectFailure = new Error('there is no cluster');
  const status = await environment.run(
    `trigger eval ${line.replaceAll(/[a-z]+\.(?:yaml|json)/g, (name) => path.join(folder, name))}`,
  );
  return { status, out: environment.out, err: environment.err.replaceAll(`${folder}/`, '') };
}

const typed = '-H X-GitHub-Event:\u00a0push';

describe('trigger eval', () => {
  it('shows what interceptors, bindings and templates make of an event', async () => {
    const { status, out } = await run(`-f listener.yaml --event push.json ${typed}`);
    expect(status).toBe(0);
    await expect(out).toMatchFileSnapshot('../golden/trigger-eval.txt');
  });

  interface Row {
    name: string;
    line: string;
    status: number;
    outcome: string;
    message?: string;
  }
  const rows: Row[] = [
    {
      name: 'a signature that the given Secret made',
      line: `-f listener.yaml,secret.yaml --event push.json ${typed} -H X-Hub-Signature-256:${signature}`,
      status: 0,
      outcome: 'created',
    },
    {
      name: 'a wrong signature',
      line: `-f listener.yaml -f secret.yaml --event push.json ${typed} -H X-Hub-Signature-256:sha256=00`,
      status: 0,
      outcome: 'stopped',
      message: 'payload signature check failed',
    },
    {
      name: 'another branch',
      line: `-f listener.yaml --event other.json ${typed}`,
      status: 0,
      outcome: 'stopped',
      message: "expression body.ref == 'refs/heads/main' did not return true",
    },
    {
      name: 'an interceptor of somebody',
      line: `-f own.yaml --event push.json ${typed}`,
      status: 1,
      outcome: 'failed',
      message: 'interceptor ours is a server of its own: it cannot be asked without a cluster',
    },
  ];
  it.each(rows)('$name', async ({ line, status, outcome, message }) => {
    const got = await run(`${line} -o json`);
    expect(got).toMatchObject({ status, err: '' });
    const { triggers } = JSON.parse(got.out) as { triggers: { outcome: string; message?: string }[] };
    expect(triggers.map((trigger) => [trigger.outcome, trigger.message])).toEqual([[outcome, message]]);
  });

  it.each([
    ['--event push.json', 'Error: -f is missing: give the file with the EventListener\n'],
    ['-f listener.yaml', "Error: --event is missing: give the file with the event's body\n"],
    ['-f secret.yaml --event push.json', 'Error: no EventListener is in the files given with -f\n'],
    [
      'other -f listener.yaml --event push.json',
      'Error: no EventListener other is in the files given with -f, only: github\n',
    ],
    ['-f listener.yaml --event push.json -H nonsense', 'Error: --header is "nonsense"; give it as \'Name: value\'\n'],
    ['-f bare.yaml --event push.json', 'Error: bare.yaml:1: this is no object with kind and metadata\n'],
    [
      '-f typo.yaml --event push.json',
      expect.stringMatching(/^Error: TriggerBinding push is not valid: .*parms/) as string,
    ],
    ['-f listener.yaml --event push.json -o xml', 'Error: --output is "xml"; give json or yaml\n'],
  ])('%s is refused', async (line, err) => {
    expect(await run(line)).toMatchObject({ status: 1, out: '', err });
  });

  it('an event that the sink would refuse', async () => {
    expect(await run('-f listener.yaml --event list.json')).toMatchObject({
      status: 1,
      out: 'The event is refused (400): Invalid event body format: it is no JSON object\n',
    });
  });
});
