import { createHmac, randomUUID } from 'node:crypto';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { clusterInterceptors } from '../../src/api/triggers/objects.ts';
import { secrets } from '../../src/kube/resources.ts';
import { eventually, TriggersWorld } from './triggers-world.ts';

/** Each interceptor behind a real sink: one listener has a trigger for each, an event goes to all of them. */
const listener = 'every-interceptor';
const secret = 'It is a secret to everybody';
const tooLong = 17 * 1024 * 1024;
let world: TriggersWorld;
let others: Server;
let port = 0;

const secretRef = { secretName: 'forges', secretKey: 'token' };
const template = {
  spec: {
    resourcetemplates: [
      {
        apiVersion: 'tekton.dev/v1',
        kind: 'PipelineRun',
        metadata: { generateName: 'run-' },
        spec: { pipelineRef: { name: 'any' }, status: 'PipelineRunPending' },
      },
    ],
  },
};
const use = (name: string, params: Record<string, unknown>) => ({
  ref: { name },
  params: Object.entries(params).map(([key, value]) => ({ name: key, value })),
});

/** Interceptors of a user's own, at `/own` in the new way and at `/webhook` in the old. */
function ownInterceptors(): Promise<Server> {
  const server = createServer((asked, answer) => {
    const parts: Buffer[] = [];
    asked.on('data', (part: Buffer) => parts.push(part));
    asked.on('end', () => {
      const text = Buffer.concat(parts).toString();
      if (text.includes('endless')) return void answer.end('x'.repeat(tooLong));
      if (asked.url === '/webhook') {
        answer.statusCode = text.includes('"kind":"webhook"') ? 200 : 403;
        return void answer.end(answer.statusCode === 200 ? text : 'not for me');
      }
      const { body } = JSON.parse(text) as { body: string };
      const isMine = body.includes('"kind":"own"');
      const refused = { status: { code: 9, message: 'not for me' } };
      answer.end(JSON.stringify({ continue: isMine, ...(isMine ? {} : refused) }));
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

beforeAll(async () => {
  world = await TriggersWorld.open('interceptors');
  const { client, namespace } = world;
  others = await ownInterceptors();
  const own = `http://127.0.0.1:${(others.address() as AddressInfo).port}`;
  const data = { token: Buffer.from(secret).toString('base64') };
  await client.create(secrets, { metadata: { name: 'forges', namespace }, data });
  await world.startInterceptors(['github', 'gitlab', 'bitbucket', 'slack', 'cel']);
  const spec = { clientConfig: { url: `${own}/own` } };
  await client.create(clusterInterceptors, { metadata: { name: namespace }, spec });
  const triggers = Object.entries({
    github: use('github', { secretRef, eventTypes: ['push'] }),
    gitlab: use('gitlab', { secretRef, eventTypes: ['Push Hook'] }),
    bitbucket: use('bitbucket', { secretRef, eventTypes: ['repo:refs_changed'] }),
    slack: use('slack', { secretRef, requestedFields: ['text'] }),
    cel: use('cel', { filter: "body.kind == 'cel' && header.match('X-Kind', 'cel')" }),
    own: use(namespace, {}),
    webhook: { webhook: { url: `${own}/webhook` } },
  }).map(([name, interceptor]) => ({ name, interceptors: [interceptor], template }));
  const annotations = {
    'triggers.tektite.dev/answer': 'outcome',
    'triggers.tektite.dev/redelivery': 'ignore',
    'tekton.dev/payload-validation': 'false',
  };
  const metadata = { name: listener, annotations };
  const apiVersion = 'triggers.tekton.dev/v1beta1';
  await world.apply(stringify({ apiVersion, kind: 'EventListener', metadata, spec: { triggers } }));
  ({ port } = await world.startSink(listener, ['--payload-validation=false']));
  // What only a ClusterRoleBinding shows may come a moment later.
  await eventually(async () => {
    const { message = '' } = await outcomeOf('own', {}, '{"kind":"none"}');
    return message === 'not for me' ? true : undefined;
  }, 'the interceptor');
}, 120_000);

afterAll(async () => {
  await world.client.delete(clusterInterceptors, undefined, world.namespace);
  await world.close();
  await new Promise((resolve) => others.close(resolve));
}, 60_000);

interface Outcome {
  trigger: string;
  outcome: string;
  message?: string;
}
type Headers = Record<string, string>;

async function outcomeOf(trigger: string, headers: Headers, body: string): Promise<Partial<Outcome>> {
  const all = { 'content-type': 'application/json', ...headers };
  const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body, headers: all });
  const { triggers = [] } = (await answer.json()) as { triggers?: Outcome[] };
  return triggers.find((each) => each.trigger === trigger) ?? {};
}

const hmac = (body: string) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
const now = () => Math.floor(Date.now() / 1000);

/** Headers of an event as its sender makes them; `more` replaces or, with '', takes away. */
const senders = {
  github: (body: string): Headers => ({ 'x-github-event': 'push', 'x-hub-signature-256': hmac(body) }),
  gitlab: (): Headers => ({ 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': secret }),
  bitbucket: (body: string): Headers => ({ 'x-event-key': 'repo:refs_changed', 'x-hub-signature': hmac(body) }),
  slack: (body: string, at = now()): Headers => ({
    'content-type': 'application/x-www-form-urlencoded',
    'x-slack-request-timestamp': String(at),
    'x-slack-signature': `v0=${createHmac('sha256', secret).update(`v0:${at}:${body}`).digest('hex')}`,
  }),
  cel: (): Headers => ({ 'x-kind': 'cel' }),
  own: (): Headers => ({}),
  webhook: (): Headers => ({}),
} as const;
type Kind = keyof typeof senders;

const bodies: Record<Kind, string> = {
  github: '{"ref":"refs/heads/main"}',
  gitlab: '{"object_kind":"push"}',
  bitbucket: '{"eventKey":"repo:refs_changed"}',
  slack: 'command=%2Fbuild&text=main&trigger_id=1',
  cel: '{"kind":"cel"}',
  own: '{"kind":"own"}',
  webhook: '{"kind":"webhook"}',
};
const kinds = Object.keys(senders) as Kind[];

/** An event that its interceptor lets pass; with `id` another one of the kind. */
function good(kind: Kind, id: string): { body: string; headers: Headers } {
  const given = bodies[kind];
  const body = kind === 'slack' ? `${given}${id}` : JSON.stringify({ ...(JSON.parse(given) as object), id });
  return { body, headers: { ...senders[kind](body), 'x-request-id': id } };
}

describe('a good event', () => {
  it.each(kinds)('passes %s and creates a run; delivered again it creates none', async (kind) => {
    const { body, headers } = good(kind, randomUUID());
    const first = await outcomeOf(kind, headers, body);
    expect(first).toMatchObject({ outcome: 'created' });
    const again = await outcomeOf(kind, headers, body);
    const message = expect.stringMatching(/^this event was taken before: it made PipelineRun run-/) as string;
    expect(again).toMatchObject({ outcome: 'repeated', message });
  });
});

describe('a bad event', () => {
  const stopped = 'stopped';
  const failed = 'failed';
  const noSignature = 'payload signature check failed';
  const rows: [Kind, string, (body: string) => Headers, Outcome['outcome'], string][] = [
    ['github', 'signed by another', () => ({ 'x-hub-signature-256': hmac('other') }), stopped, noSignature],
    [
      'github',
      'signed with an unknown hash',
      () => ({ 'x-hub-signature-256': 'md5=00' }),
      stopped,
      'unknown hash type prefix: "md5"',
    ],
    ['github', 'unsigned', () => ({ 'x-hub-signature-256': '' }), stopped, 'Must set X-Hub-Signature-256 header'],
    ['github', 'of another type', () => ({ 'x-github-event': 'ping' }), stopped, 'event type ping is not allowed'],
    ['gitlab', 'with another token', () => ({ 'x-gitlab-token': 'guess' }), stopped, 'Invalid X-GitLab-Token'],
    ['gitlab', 'without a token', () => ({ 'x-gitlab-token': '' }), stopped, 'no X-GitLab-Token header set'],
    ['gitlab', 'of another type', () => ({ 'x-gitlab-event': 'Note Hook' }), stopped, 'event type Note Hook'],
    ['bitbucket', 'signed by another', () => ({ 'x-hub-signature': hmac('other') }), stopped, noSignature],
    ['bitbucket', 'unsigned', () => ({ 'x-hub-signature': '' }), stopped, 'no X-Hub-Signature header set'],
    ['bitbucket', 'of another type', () => ({ 'x-event-key': 'pr:opened' }), stopped, 'event type pr:opened'],
    ['slack', 'signed by another', () => ({ 'x-slack-signature': 'v0=00' }), stopped, noSignature],
    ['slack', 'unsigned', () => ({ 'x-slack-signature': '' }), stopped, 'missing header in payload: X-Slack-Signature'],
    ['slack', 'signed for another body', () => senders.slack('other'), stopped, noSignature],
    [
      'slack',
      'replayed after five minutes',
      (body) => senders.slack(body, now() - 301),
      stopped,
      'X-Slack-Request-Timestamp is missing or more than 5 minutes off',
    ],
    ['cel', 'of another kind', () => ({ 'x-kind': 'other' }), stopped, 'did not return true'],
    ['cel', 'without the header that the filter asks for', () => ({ 'x-kind': '' }), stopped, 'did not return true'],
  ];
  it.each(rows)('stops at %s when it is %s', async (kind, name, wrong, outcome, message) => {
    const { body, headers } = good(kind, name.replaceAll(' ', '-'));
    const given = Object.entries({ ...headers, ...wrong(body) }).filter(([, value]) => value !== '');
    const { outcome: became, message: why } = await outcomeOf(kind, Object.fromEntries(given), body);
    expect([became, why]).toEqual([outcome, expect.stringContaining(message)]);
  });

  const bodiesOf: [Kind, string, string, Outcome['outcome'], string][] = [
    ['github', 'changed after it was signed', '{"ref":"refs/heads/evil"}', stopped, noSignature],
    ['github', 'empty', '', stopped, noSignature],
    ['bitbucket', 'changed after it was signed', '{"eventKey":"other"}', stopped, noSignature],
    ['gitlab', 'no JSON', '{"object_kind"', failed, 'failed to unmarshal request body'],
    ['cel', 'no JSON', '{"kind"', stopped, 'failed to parse the body as JSON'],
    ['cel', 'a list', '["cel"]', stopped, 'it is no JSON object'],
    ['cel', 'nested without end', '{"kind":'.repeat(5_000), stopped, 'failed to parse the body as JSON'],
    ['cel', 'without the field of the filter', '{}', stopped, 'no such key'],
    ['own', 'not for it', '{"kind":"cel"}', stopped, 'not for me'],
    [
      'own',
      'answered without end',
      '{"kind":"own","answer":"endless"}',
      failed,
      'answers with more than 16777216 bytes',
    ],
    ['webhook', 'not for it', '{"kind":"cel"}', failed, 'request rejected; status: 403; message: not for me'],
    [
      'webhook',
      'answered without end',
      '{"kind":"webhook","answer":"endless"}',
      failed,
      'answers with more than 16777216 bytes',
    ],
  ];
  it.each(bodiesOf)('stops at %s when its body is %s', async (kind, _name, body, outcome, message) => {
    const { outcome: became, message: why } = await outcomeOf(kind, senders[kind](bodies[kind]), body);
    expect([became, why]).toEqual([outcome, expect.stringContaining(message)]);
  });

  it.each(kinds)('for %s that is longer than 25 MB is not read', async (kind) => {
    const announced = { 'content-length': String(26 * 1024 * 1024), ...senders[kind]('') };
    const status = await new Promise((resolve, reject) => {
      const asked = request({ port, host: '127.0.0.1', method: 'POST', headers: announced }, (response) => {
        resolve(response.statusCode);
        asked.destroy();
      });
      asked.on('error', reject);
      asked.flushHeaders();
    });
    expect(status).toBe(413);
  });
});
