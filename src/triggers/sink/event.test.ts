import { describe, expect, it } from 'vitest';
import { eventAnnotations, named } from './event.ts';
import { EventBody } from './event-body.ts';

type About = Partial<Record<keyof typeof eventAnnotations, string>>;

/** What a run says of an event with these headers and this body. */
function about(header: Record<string, string>, json: unknown): About {
  const event = {
    id: 'e-1',
    header: Object.fromEntries(Object.entries(header).map(([name, value]) => [name, [value]])),
    content: new EventBody(JSON.stringify(json)),
  };
  const object = { apiVersion: 'tekton.dev/v1', kind: 'PipelineRun', metadata: { annotations: { own: 'kept' } } };
  const { metadata } = named(object, event, { listener: 'l', trigger: 't' });
  const annotations = metadata?.['annotations'] as Record<string, string>;
  expect(annotations['own']).toBe('kept');
  const names = Object.entries(eventAnnotations);
  return Object.fromEntries(names.flatMap(([key, name]) => (annotations[name] ? [[key, annotations[name]]] : [])));
}

describe('what a run says of its event', () => {
  it.each<[string, Record<string, string>, unknown, About]>([
    [
      'a push from GitHub',
      { 'X-Github-Event': 'push', 'X-Github-Delivery': 'd-1' },
      {
        ref: 'refs/heads/feature/a',
        after: '5f71df9',
        repository: { full_name: 'acme/api' },
        sender: { login: 'ann' },
      },
      {
        forge: 'github',
        type: 'push',
        delivery: 'd-1',
        sender: 'ann',
        repository: 'acme/api',
        revision: '5f71df9',
        branch: 'feature/a',
      },
    ],
    [
      'a pull request on GitHub',
      { 'X-Github-Event': 'pull_request' },
      { pull_request: { head: { sha: 'abc', ref: 'fix' } }, repository: { full_name: 'acme/api' } },
      { forge: 'github', type: 'pull_request', repository: 'acme/api', revision: 'abc', branch: 'fix' },
    ],
    [
      'a tag',
      { 'X-Github-Event': 'push' },
      { ref: 'refs/tags/v1', after: 'abc' },
      { forge: 'github', type: 'push', revision: 'abc' },
    ],
    [
      'a push from GitLab',
      { 'X-Gitlab-Event': 'Push Hook', 'X-Gitlab-Event-Uuid': 'd-2' },
      {
        ref: 'refs/heads/main',
        checkout_sha: 'abc',
        user_username: 'ann',
        project: { path_with_namespace: 'acme/api' },
      },
      {
        forge: 'gitlab',
        type: 'Push Hook',
        delivery: 'd-2',
        sender: 'ann',
        repository: 'acme/api',
        revision: 'abc',
        branch: 'main',
      },
    ],
    [
      'a merge request on GitLab',
      { 'X-Gitlab-Event': 'Merge Request Hook' },
      { object_attributes: { source_branch: 'fix', last_commit: { id: 'abc' } } },
      { forge: 'gitlab', type: 'Merge Request Hook', revision: 'abc', branch: 'fix' },
    ],
    [
      'a push to Bitbucket Server',
      { 'X-Event-Key': 'repo:refs_changed', 'X-Request-Id': 'd-3' },
      {
        actor: { name: 'ann' },
        repository: { slug: 'api' },
        changes: [{ ref: { id: 'refs/heads/main' }, toHash: 'abc' }],
      },
      {
        forge: 'bitbucket',
        type: 'repo:refs_changed',
        delivery: 'd-3',
        sender: 'ann',
        repository: 'api',
        revision: 'abc',
        branch: 'main',
      },
    ],
    [
      'a push to Bitbucket Cloud',
      { 'X-Event-Key': 'repo:push' },
      { push: { changes: [{ new: { name: 'main', target: { hash: 'abc' } } }] } },
      { forge: 'bitbucket', type: 'repo:push', revision: 'abc', branch: 'main' },
    ],
    [
      'a push to Gitea, which calls itself GitHub too',
      { 'X-Gitea-Event': 'push', 'X-Github-Event': 'push' },
      { ref: 'refs/heads/main' },
      { forge: 'gitea', type: 'push', branch: 'main' },
    ],
    ['what says nothing', {}, [], {}],
    ['what is of other types', {}, { ref: 1, after: { a: 'b' }, sender: 'ann', __proto__: { ref: 'x' } }, {}],
    ['what is long: its beginning', {}, { after: 'a'.repeat(100_000) }, { revision: 'a'.repeat(256) }],
  ])('%s', (_name, header, json, wanted) => expect(about(header, json)).toEqual(wanted));
});
