import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { coreInterceptors } from './core.ts';
import { isOwner } from './github.ts';
import type { InterceptorRequest, InterceptorResponse } from './wire.ts';
import { fakeWorld } from './world.fake.ts';
import type { GithubApi, World } from './world.ts';

const now = Date.parse('2026-01-01T00:00:00Z');
const secrets = { 'ci/hook/token': 'hunter2', 'ci/pat/token': 'ghp_x' };
const context = { event_url: '/', event_id: 'e', trigger_id: 'namespaces/ci/triggers/t' };
const secretRef = { secretName: 'hook', secretKey: 'token' };
const body = '{"ref":"refs/heads/main"}';

const hmac = (hash: string, text: string | Buffer, key = 'hunter2') => createHmac(hash, key).update(text).digest('hex');

function ask(
  name: string,
  request: InterceptorRequest,
  world: World = fakeWorld(secrets),
): Promise<InterceptorResponse> {
  const interceptor = coreInterceptors.get(name);
  if (!interceptor) throw new Error(`no interceptor ${name}`);
  return interceptor({ body, context, ...request }, world);
}

const stopped = (code: number, message: string) => ({ continue: false, status: { code, message } });
const goesOn = { continue: true };

describe('github', () => {
  const signed = (signature: string) => ({ 'X-Github-Event': ['push'], 'X-Hub-Signature-256': [signature] });
  const good = `sha256=${hmac('sha256', body)}`;

  it.each<readonly [string, InterceptorRequest, InterceptorResponse]>([
    ['no rules', {}, goesOn],
    ['a signature', { header: signed(good) }, goesOn],
    [
      'a signature, names in another case',
      { header: { 'x-hub-signature-256': [good], 'X-GITHUB-EVENT': ['push'] } },
      goesOn,
    ],
    ['sha512', { header: signed(`sha512=${hmac('sha512', body)}`) }, goesOn],
    [
      'one byte changed',
      { header: signed(good), body: body.replace('main', 'maim') },
      stopped(9, 'payload signature check failed'),
    ],
    [
      'bytes that are no text',
      {
        header: signed(`sha256=${hmac('sha256', Buffer.from([0x7b, 0xff, 0x7d]))}`),
        original_body: Buffer.from([0x7b, 0xff, 0x7d]).toString('base64'),
      },
      goesOn,
    ],
    [
      'the signature of another secret',
      { header: signed(`sha256=${hmac('sha256', body, 'other')}`) },
      stopped(9, 'payload signature check failed'),
    ],
    ['half a signature', { header: signed(good.slice(0, 40)) }, stopped(9, 'payload signature check failed')],
    ['an empty signature', { header: signed('sha256=') }, stopped(9, 'payload signature check failed')],
    ['no hash', { header: signed('abc') }, stopped(9, 'error parsing signature "abc"')],
    ['another hash', { header: signed('md5=00') }, stopped(9, 'unknown hash type prefix: "md5"')],
    ['none', { header: {} }, stopped(9, 'Must set X-Hub-Signature-256 header')],
    [
      'the old header alone',
      { header: { 'X-Hub-Signature': [`sha1=${hmac('sha1', body)}`] } },
      stopped(9, 'Must set X-Hub-Signature-256 header'),
    ],
    [
      'a form',
      { header: { ...signed(good), 'Content-Type': ['application/x-www-form-urlencoded'] } },
      stopped(3, 'form parameter encoding not supported, please change the hook to send JSON payloads'),
    ],
    ['no context', { header: signed(good), context: {} }, stopped(3, 'no request context passed')],
    ['a megabyte', { header: signed(good), body: 'x'.repeat(1_000_000) }, stopped(9, 'payload signature check failed')],
  ])('%s', async (name, request, answer) => {
    const interceptor_params = name === 'no rules' ? {} : { secretRef };
    expect(await ask('github', { interceptor_params, ...request })).toEqual(answer);
  });

  it.each([
    ['another Secret', { secretName: 'nope', secretKey: 'token' }, 'error getting secret: secrets "nope" not found'],
    ['no key', { secretName: 'hook' }, 'github interceptor secretRef.secretKey is empty'],
  ])('names a secret that is not there: %s', async (_name, ref, message) => {
    const answer = await ask('github', { header: signed(good), interceptor_params: { secretRef: ref } });
    expect(answer).toEqual(stopped(9, message));
  });

  it('lets listed events through', async () => {
    const interceptor_params = { eventTypes: ['push'] };
    expect(await ask('github', { header: signed(''), interceptor_params })).toEqual(goesOn);
    expect(await ask('github', { header: { 'X-Github-Event': ['ping'] }, interceptor_params })).toEqual(
      stopped(9, 'event type ping is not allowed'),
    );
    expect(await ask('github', { interceptor_params: { eventTypes: 'push' } })).toMatchObject({ status: { code: 3 } });
  });

  describe('changed files', () => {
    const params = {
      addChangedFiles: { enabled: true, personalAccessToken: { secretName: 'pat', secretKey: 'token' } },
    };
    const push = {
      repository: { full_name: 'o/r' },
      commits: [
        { added: ['a'], modified: ['b'], removed: [] },
        { added: [], modified: ['b'], removed: ['c'] },
      ],
    };
    const changed = (event: string, given: unknown, github: Partial<GithubApi> = {}) =>
      ask(
        'github',
        { header: { 'X-Github-Event': [event] }, body: JSON.stringify(given), interceptor_params: params },
        fakeWorld(secrets, github),
      );

    it('are those of a push', async () => {
      expect(await changed('push', push)).toEqual({ continue: true, extensions: { changed_files: 'a,b,b,c' } });
    });

    it('are asked for of a pull request', async () => {
      const changedFiles: GithubApi['changedFiles'] = (pull, asker) => {
        expect([pull, asker]).toEqual([
          { repository: 'o/r', number: 7 },
          { token: 'ghp_x', host: '' },
        ]);
        return Promise.resolve(['x', 'y']);
      };
      expect(await changed('pull_request', { number: 7, repository: { full_name: 'o/r' } }, { changedFiles })).toEqual({
        continue: true,
        extensions: { changed_files: 'x,y' },
      });
    });

    it.each([
      ['no repository', 'push', {}, "error parsing body: payload body missing 'repository' field"],
      [
        'a repository that leads elsewhere',
        'pull_request',
        { number: 1, repository: { full_name: '../x' } },
        "error getting changed files: 'repository.full_name' is not OWNER/NAME",
      ],
      [
        'no number',
        'pull_request',
        { repository: { full_name: 'o/r' } },
        "error getting changed files: pull_request body missing 'number' field",
      ],
      [
        'a commit without files',
        'push',
        { repository: { full_name: 'o/r' }, commits: [{}] },
        "error parsing body: payload body missing 'commits.*.added' field",
      ],
    ])('need their fields: %s', async (_name, event, given, message) => {
      expect(await changed(event, given)).toEqual(stopped(9, message));
    });

    it('are not added to other events', async () => expect(await changed('issues', {})).toEqual(goesOn));
  });

  describe('owners', () => {
    const pull = { repository: { full_name: 'o/r' }, sender: { login: 'ann' } };
    const owners = (
      checkType: string,
      github: Partial<GithubApi>,
      [event, given]: [string, unknown] = ['pull_request', pull],
    ) =>
      ask(
        'github',
        {
          header: { 'X-Github-Event': [event] },
          body: JSON.stringify(given),
          interceptor_params: {
            githubOwners: {
              enabled: true,
              checkType,
              ...(checkType === 'none' ? {} : { personalAccessToken: { secretName: 'pat', secretKey: 'token' } }),
            },
          },
        },
        fakeWorld(secrets, github),
      );
    const says = (value: boolean) => () => Promise.resolve(value);
    const file = (text: string | undefined) => () => Promise.resolve(text);
    const notMet = stopped(9, 'owners check requirements not met');

    it.each<readonly [string, string, Partial<GithubApi>, InterceptorResponse]>([
      ['a member of the organisation', 'orgMembers', { isPublicMember: says(true) }, goesOn],
      ['a collaborator', 'repoMembers', { isCollaborator: says(true) }, goesOn],
      ['one of both', 'all', { isPublicMember: says(false), isCollaborator: says(true) }, goesOn],
      ['an owner', 'none', { owners: file('approvers: [Ann]') }, goesOn],
      ['nobody', 'all', { isPublicMember: says(false), isCollaborator: says(false), owners: file(undefined) }, notMet],
      ['nobody the file names', 'none', { owners: file('approvers: [bob]') }, notMet],
    ])('%s', async (_name, checkType, github, answer) => {
      expect(await owners(checkType, github)).toEqual(answer);
    });

    it.each(['orgMembers', 'repoMembers', 'all', '', undefined])(
      'cannot be asked for %j without a token',
      async (checkType) => {
        const githubOwners = { enabled: true, ...(checkType === undefined ? {} : { checkType }) };
        const header = { 'X-Github-Event': ['pull_request'] };
        const asked = { header, body: JSON.stringify(pull), interceptor_params: { githubOwners } };
        expect(await ask('github', asked)).toEqual(
          stopped(9, 'checkType is set to check org or repo members but no personalAccessToken was supplied'),
        );
      },
    );

    it.each(['7', 'null', '"x"'])('cannot be asked for of a body that is no object: %s', async (given) => {
      const asked = { header: { 'X-Github-Event': ['pull_request'] }, body: given };
      const githubOwners = { enabled: true, checkType: 'none' };
      expect(await ask('github', { ...asked, interceptor_params: { githubOwners } })).toEqual(
        stopped(9, 'error checking owner verification: body is no object'),
      );
    });

    it('take a comment of somebody allowed', async () => {
      const comment = (text: string): [string, unknown] => ['issue_comment', { ...pull, comment: { body: text } }];
      expect(await owners('none', { owners: file('reviewers: [ann]') }, comment('/ok-to-test'))).toEqual(goesOn);
      expect(await owners('none', { owners: file('reviewers: [ann]') }, comment('not /ok-to-test'))).toEqual(notMet);
    });

    it('are checked also where changed files are wanted', async () => {
      const answer = await ask(
        'github',
        {
          header: { 'X-Github-Event': ['pull_request'] },
          body: JSON.stringify({ ...pull, number: 1 }),
          interceptor_params: {
            addChangedFiles: { enabled: true },
            githubOwners: { enabled: true, checkType: 'none' },
          },
        },
        fakeWorld(secrets, { owners: file(undefined), changedFiles: () => Promise.resolve([]) }),
      );
      expect(answer).toEqual(notMet);
    });

    it('fail closed when GitHub fails', async () => {
      expect(await owners('none', { owners: () => Promise.reject(new Error('503')) })).toEqual(
        stopped(9, 'error checking owner verification: 503'),
      );
    });

    it.each([
      ['approvers: [ann]\n', true],
      ['reviewers:\n  - ANN\n', true],
      ['approvers: ann\n', false],
      ['', false],
      ['approvers: [1, null]\n', false],
    ])('reads OWNERS %j', (text, is) => expect(isOwner(text, 'ann')).toBe(is));
  });
});

describe('gitlab', () => {
  it.each<readonly [string, Record<string, string[]>, InterceptorResponse]>([
    ['the token', { 'X-Gitlab-Token': ['hunter2'] }, goesOn],
    ['another token', { 'X-Gitlab-Token': ['hunter3'] }, stopped(3, 'Invalid X-GitLab-Token')],
    ['a longer token', { 'X-Gitlab-Token': ['hunter2x'] }, stopped(3, 'Invalid X-GitLab-Token')],
    ['none', {}, stopped(3, 'no X-GitLab-Token header set')],
  ])('%s', async (_name, header, answer) => {
    expect(await ask('gitlab', { header, interceptor_params: { secretRef } })).toEqual(answer);
  });

  it('lets listed events through', async () => {
    const interceptor_params = { eventTypes: ['Push Hook'] };
    expect(await ask('gitlab', { header: { 'X-Gitlab-Event': ['Push Hook'] }, interceptor_params })).toEqual(goesOn);
    expect(await ask('gitlab', { header: {}, interceptor_params })).toEqual(stopped(9, 'event type  is not allowed'));
  });
});

describe('bitbucket', () => {
  it.each<readonly [string, Record<string, string[]>, InterceptorResponse]>([
    ['a signature', { 'X-Hub-Signature': [`sha256=${hmac('sha256', body)}`] }, goesOn],
    [
      'a wrong one',
      { 'X-Hub-Signature': [`sha256=${hmac('sha256', 'x')}`] },
      stopped(9, 'payload signature check failed'),
    ],
    ['none', {}, stopped(3, 'no X-Hub-Signature header set')],
  ])('%s', async (_name, header, answer) => {
    expect(await ask('bitbucket', { header, interceptor_params: { secretRef } })).toEqual(answer);
  });

  it('lets listed events through, without a secret as the cloud has none', async () => {
    const interceptor_params = { eventTypes: ['repo:push'] };
    expect(await ask('bitbucket', { header: { 'X-Event-Key': ['repo:push'] }, interceptor_params })).toEqual(goesOn);
  });
});

describe('slack', () => {
  const form = 'text=main&user_name=ann&text=again';
  const timestamp = String(now / 1000);
  const headers = (more: Record<string, string[]> = {}) => ({
    'Content-Type': ['application/x-www-form-urlencoded'],
    'X-Slack-Request-Timestamp': [timestamp],
    'X-Slack-Signature': [`v0=${hmac('sha256', `v0:${timestamp}:${form}`)}`],
    ...more,
  });
  const original_body = Buffer.from(form).toString('base64');
  const params = { secretRef, requestedFields: ['text', 'user_name'] };
  const fields = { continue: true, extensions: { text: ['main', 'again'], user_name: ['ann'] } };
  const late = 'X-Slack-Request-Timestamp is missing or more than 5 minutes off';
  const at = (seconds: number): InterceptorRequest => ({
    header: headers({
      'X-Slack-Request-Timestamp': [String(seconds)],
      'X-Slack-Signature': [`v0=${hmac('sha256', `v0:${seconds}:${form}`)}`],
    }),
  });

  it.each<readonly [string, InterceptorRequest, InterceptorResponse]>([
    ['a signature', {}, fields],
    [
      'a character set',
      { header: headers({ 'Content-Type': ['application/x-www-form-urlencoded; charset=utf-8'] }) },
      fields,
    ],
    [
      'a wrong signature',
      { header: headers({ 'X-Slack-Signature': ['v0=00'] }) },
      stopped(9, 'payload signature check failed'),
    ],
    [
      'no signature',
      { header: headers({ 'X-Slack-Signature': [] }) },
      stopped(3, 'missing header in payload: X-Slack-Signature'),
    ],
    [
      'other fields',
      { original_body: Buffer.from(`${form}&text=evil`).toString('base64') },
      stopped(9, 'payload signature check failed'),
    ],
    [
      'a replay',
      {
        header: headers({
          'X-Slack-Request-Timestamp': ['1767225000'],
          'X-Slack-Signature': [`v0=${hmac('sha256', `v0:1767225000:${form}`)}`],
        }),
      },
      stopped(9, late),
    ],
    ['the oldest that is taken', at(now / 1000 - 300), fields],
    ['one second older', at(now / 1000 - 301), stopped(9, late)],
    ['as far in the future', at(now / 1000 + 301), stopped(9, late)],
    ['a time that is no number', { header: headers({ 'X-Slack-Request-Timestamp': ['1e9'] }) }, stopped(9, late)],
    ['no time', { header: headers({ 'X-Slack-Request-Timestamp': [] }) }, stopped(9, late)],
    ['nobody who says whose trigger it is', { context: undefined }, stopped(3, 'no request context passed')],
    [
      'a Secret that is not there',
      { interceptor_params: { ...params, secretRef: { secretName: 'gone', secretKey: 'token' } } },
      stopped(9, 'error getting secret: secrets "gone" not found'),
    ],
    [
      'params of another form',
      { interceptor_params: { ...params, requestedFields: 'text' } },
      stopped(3, 'failed to parse interceptor params: requestedFields: Invalid input: expected array, received string'),
    ],
    [
      'no form',
      { header: headers({ 'Content-Type': ['application/json'] }) },
      stopped(3, 'missing header in payload: ContentType application/x-www-form-urlencoded'),
    ],
    [
      'a field that is not there',
      { interceptor_params: { secretRef, requestedFields: ['channel'] } },
      stopped(9 - 4, 'requested field channel does not exist in the payload'),
    ],
    ['no fields asked for', { interceptor_params: { secretRef } }, stopped(5, 'missing requested field definition')],
    [
      'no secret, if the trigger says so',
      { interceptor_params: { requestedFields: ['user_name'], unverified: 'allow' } },
      { continue: true, extensions: { user_name: ['ann'] } },
    ],
  ])('%s', async (_name, request, answer) => {
    expect(await ask('slack', { header: headers(), original_body, interceptor_params: params, ...request })).toEqual(
      answer,
    );
  });

  it('is not believed without a secret', async () => {
    const answer = await ask('slack', {
      header: headers(),
      original_body,
      interceptor_params: { requestedFields: ['text'] },
    });
    expect(answer).toMatchObject({ continue: false, status: { code: 9 } });
    expect(answer.status?.message).toContain('has no secretRef');
  });
});
