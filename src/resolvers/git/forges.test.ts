import { afterEach, describe, expect, it } from 'vitest';
import { HttpClient } from '../../http/client.ts';
import { startServer, type FakeAnswer, type FakeServer } from '../../http/http-server.fake.ts';
import { RemoteFetch } from '../remote.ts';
import type { ConfigData } from '../resolver.ts';
import { gitResolver } from './resolver.ts';

const commit = 'a'.repeat(40);
const content = 'kind: Task # ü\n';
const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

async function serving(answers: Readonly<Record<string, FakeAnswer>>): Promise<FakeServer> {
  const server = await startServer(({ path }) => answers[path] ?? { status: 404 });
  open.push(() => server.close());
  return server;
}

async function resolve(params: Readonly<Record<string, string>>, config: ConfigData = {}) {
  const client = new HttpClient();
  open.push(() => client.close());
  const secrets = {
    value: ({ namespace, name, key }: { namespace: string; name: string; key: string }) =>
      Promise.resolve(`${namespace}/${name}/${key}\n`),
  };
  const resolver = gitResolver({ remote: new RemoteFetch(client), secrets, systemNamespace: 'tekton' });
  const named = Object.entries(params).map(([name, value]) => ({ name, value }));
  const signal = AbortSignal.timeout(20_000);
  const prepared = resolver.prepare({ namespace: 'team', params: named }, { 'block-private-ips': 'false', ...config });
  return (await prepared.unlock(signal)).fetch(signal);
}

interface Row {
  forge: string;
  authorization: string;
  commitPath: string;
  commitBody: object;
  contentPath: string;
  contentType: string;
  repositoryPath: string;
  repositoryBody: object;
}

/** As the forges' API documentation has it. The names need escaping. */
const rows: Row[] = [
  {
    forge: 'github',
    authorization: 'Bearer team/forge/token',
    commitPath: '/api/v3/repos/my%20org/repo/commits/feature/a%231',
    commitBody: { sha: commit },
    contentPath: `/api/v3/repos/my%20org/repo/contents/dir/task%20a.yaml?ref=${commit}`,
    contentType: 'application/vnd.github.raw+json',
    repositoryPath: '/api/v3/repos/my%20org/repo',
    repositoryBody: { clone_url: 'https://forge.example.com/o/r.git' },
  },
  {
    forge: 'gitlab',
    authorization: 'Bearer team/forge/token',
    commitPath: '/api/v4/projects/my%20org%2Frepo/repository/commits/feature%2Fa%231',
    commitBody: { id: commit },
    contentPath: `/api/v4/projects/my%20org%2Frepo/repository/files/dir%2Ftask%20a.yaml/raw?ref=${commit}`,
    contentType: '*/*',
    repositoryPath: '/api/v4/projects/my%20org%2Frepo',
    repositoryBody: { http_url_to_repo: 'https://forge.example.com/o/r.git' },
  },
  {
    forge: 'gitea',
    authorization: 'token team/forge/token',
    commitPath: '/api/v1/repos/my%20org/repo/git/commits/feature/a%231?stat=false&files=false&verification=false',
    commitBody: { sha: commit },
    contentPath: `/api/v1/repos/my%20org/repo/raw/dir/task%20a.yaml?ref=${commit}`,
    contentType: '*/*',
    repositoryPath: '/api/v1/repos/my%20org/repo',
    repositoryBody: { clone_url: 'https://forge.example.com/o/r.git' },
  },
  {
    forge: 'bitbucketserver',
    authorization: 'Bearer team/forge/token',
    commitPath: '/rest/api/1.0/projects/my%20org/repos/repo/commits/feature%2Fa%231',
    commitBody: { id: commit },
    contentPath: `/rest/api/1.0/projects/my%20org/repos/repo/raw/dir/task%20a.yaml?at=${commit}`,
    contentType: '*/*',
    repositoryPath: '/rest/api/1.0/projects/my%20org/repos/repo',
    repositoryBody: {
      links: {
        clone: [
          { name: 'ssh', href: 'ssh://x' },
          { name: 'http', href: 'https://forge.example.com/o/r.git' },
        ],
      },
    },
  },
  {
    forge: 'bitbucketcloud',
    authorization: 'Bearer team/forge/token',
    commitPath: '/2.0/repositories/my%20org/repo/commit/feature%2Fa%231',
    commitBody: { hash: commit },
    contentPath: `/2.0/repositories/my%20org/repo/src/${commit}/dir/task%20a.yaml`,
    contentType: '*/*',
    repositoryPath: '/2.0/repositories/my%20org/repo',
    repositoryBody: { links: { clone: [{ name: 'https', href: 'https://me@forge.example.com/o/r.git' }] } },
  },
];

const reference = {
  org: 'my org',
  repo: 'repo',
  revision: 'feature/a#1',
  pathInRepo: 'dir/task a.yaml',
  token: 'forge',
};

describe.each(rows)("a file through $forge's API", (row) => {
  const answers = {
    [row.commitPath]: { body: row.commitBody },
    [row.contentPath]: { body: content },
    [row.repositoryPath]: { body: row.repositoryBody },
  };

  it('is read at the commit that the revision is, with the token of the run', async () => {
    const server = await serving(answers);
    const found = await resolve({ ...reference, scmType: row.forge, serverURL: server.url });
    expect(found).toEqual({
      data: Buffer.from(content),
      annotations: {
        'resolution.tekton.dev/revision': commit,
        'resolution.tekton.dev/path': 'dir/task a.yaml',
        'resolution.tekton.dev/url': 'https://forge.example.com/o/r.git',
        'resolution.tekton.dev/content-type': 'application/x-yaml',
        'resolution.tekton.dev/org': 'my org',
        'resolution.tekton.dev/repo': 'repo',
      },
      refSource: {
        uri: 'git+https://forge.example.com/o/r.git',
        digest: { sha1: commit },
        entryPoint: 'dir/task a.yaml',
      },
    });
    expect(
      server.requests.map(({ method, path, headers, body }) => ({
        line: `${method} ${path}`,
        accept: headers.accept,
        authorization: headers.authorization,
        body: body.toString(),
      })),
    ).toEqual([
      {
        line: `GET ${row.commitPath}`,
        accept: 'application/json',
        authorization: row.authorization,
        body: '',
      },
      {
        line: `GET ${row.contentPath}`,
        accept: row.contentType,
        authorization: row.authorization,
        body: '',
      },
      {
        line: `GET ${row.repositoryPath}`,
        accept: 'application/json',
        authorization: row.authorization,
        body: '',
      },
    ]);
  });

  it.each<[what: string, changed: Readonly<Record<string, FakeAnswer>>, message: RegExp]>([
    [
      'a revision that is not there',
      { [row.commitPath]: { status: 404 } },
      /couldn't fetch the commit sha for the ref feature\/a#1 .* answered 404/,
    ],
    [
      'a file that is not there',
      { [row.contentPath]: { status: 404 } },
      /couldn't fetch resource content: .* answered 404/,
    ],
    ['a token that may not', { [row.commitPath]: { status: 403 } }, /answered 403 .* wants other credentials/],
    ['an empty file', { [row.contentPath]: { body: '' } }, /no content for resource in my org\/repo dir\/task a.yaml/],
    [
      'what is no commit',
      { [row.commitPath]: { body: { sha: 'x', id: 'x', hash: 'x' } } },
      /the answer names no commit/,
    ],
    ['a page', { [row.commitPath]: { body: '<html>' } }, /the answer is not JSON; check scmType and serverURL/],
    [
      'another forge',
      { [row.repositoryPath]: { body: {} } },
      /couldn't fetch repository: the answer is not one of this kind of forge/,
    ],
    [
      'a file that is too large',
      { [row.contentPath]: { body: 'x'.repeat(1024 * 1024 + 1) } },
      /exceeds maximum allowed size/,
    ],
  ])('cannot be had: %s', async (_what, changed, message) => {
    const server = await serving({ ...answers, ...changed });
    await expect(resolve({ ...reference, scmType: row.forge, serverURL: server.url })).rejects.toThrow(message);
  });
});

describe("the operator's token", () => {
  it('goes to the server of the ConfigMap', async () => {
    const [row] = rows as [Row];
    const server = await serving({
      [row.commitPath]: { body: row.commitBody },
      [row.contentPath]: { body: content },
      [row.repositoryPath]: { body: row.repositoryBody },
    });
    const { token: _own, ...rest } = reference;
    const config = { 'server-url': server.url, 'api-token-secret-name': 'bot', 'api-token-secret-key': 'pat' };
    await resolve(rest, config);
    expect(new Set(server.requests.map(({ headers }) => headers.authorization))).toEqual(
      new Set(['Bearer tekton/bot/pat']),
    );
  });

  it('does not follow a redirect to another server', async () => {
    const [row] = rows as [Row];
    const other = await serving({});
    const server = await serving({ [row.commitPath]: { status: 302, headers: { location: `${other.url}/x` } } });
    await expect(resolve({ ...reference, scmType: 'github', serverURL: server.url })).rejects.toThrow(/404/);
    expect(other.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });
});
