import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HttpClient } from '../../http/client.ts';
import { RemoteFetch } from '../remote.ts';
import type { ConfigData, ResolvedDefinition } from '../resolver.ts';
import { ResolutionError } from '../resolver.ts';
import { commitFiles, startGitBackend, type BackendOptions, type GitBackend } from './git-backend.fake.ts';
import { gitResolver } from './resolver.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

const task =
  'apiVersion: tekton.dev/v1\nkind: Task\nmetadata: { name: hello }\nspec: { steps: [{ image: busybox }] }\n';
const filtering: BackendOptions = { config: ['uploadpack.allowFilter=true', 'uploadpack.allowAnySHA1InWant=true'] };

async function backend(options: BackendOptions = filtering): Promise<GitBackend> {
  const made = await startGitBackend(options);
  open.push(() => made.close());
  return made;
}

const anywhere = { 'block-private-ips': 'false' };

async function resolve(
  params: Readonly<Record<string, string>>,
  config: ConfigData = anywhere,
): Promise<ResolvedDefinition> {
  const client = new HttpClient();
  open.push(() => client.close());
  const secrets = {
    value: ({ namespace, name, key }: { namespace: string; name: string; key: string }) =>
      Promise.resolve(`value of ${namespace}/${name}/${key}`),
  };
  const resolver = gitResolver({ remote: new RemoteFetch(client), secrets, systemNamespace: 'tekton' });
  const named = Object.entries(params).map(([name, value]) => ({ name, value }));
  const signal = AbortSignal.timeout(20_000);
  const prepared = resolver.prepare({ namespace: 'team', params: named }, config);
  return (await prepared.unlock(signal)).fetch(signal);
}

describe('a file in a repository on a real git server', () => {
  it.each<[name: string, options: BackendOptions]>([
    ['that filters', filtering],
    ['that filters, of SHA-256', { ...filtering, format: 'sha256' }],
    ['that cannot filter', {}],
    ['of version 0 of the protocol', { ...filtering, version2: false }],
    ['of version 0 that sends only what refs name', { version2: false }],
  ])('%s', async (_name, options) => {
    const server = await backend(options);
    commitFiles(server, { 'task/hello/task.yaml': task, 'README.md': 'x' });
    const commit = commitFiles(server, { 'task/hello/other.yaml': `${task}# other\n` });
    const found = await resolve({ url: server.url, revision: 'main', pathInRepo: '/task/hello/task.yaml' });
    expect({ ...found, data: found.data.toString() }).toEqual({
      data: task,
      annotations: {
        'resolution.tekton.dev/revision': commit,
        'resolution.tekton.dev/path': 'task/hello/task.yaml',
        'resolution.tekton.dev/url': server.url,
        'resolution.tekton.dev/content-type': 'application/x-yaml',
      },
      refSource: {
        uri: `git+${server.url}`,
        digest: { [options.format ?? 'sha1']: commit },
        entryPoint: 'task/hello/task.yaml',
      },
    });
  });

  it('is the one of the branch, the tag, the annotated tag and the commit that is named', async () => {
    const server = await backend();
    const first = commitFiles(server, { 'a.yaml': 'first' });
    server.git('tag', 'plain');
    server.git('tag', '-m', 'annotated', 'v1.0');
    server.git('push', '-q', 'origin', '--tags');
    const second = commitFiles(server, { 'a.yaml': 'second' });
    const read = async (revision: string) => {
      const found = await resolve({ url: server.url, revision, pathInRepo: 'a.yaml' });
      return [found.data.toString(), found.annotations['resolution.tekton.dev/revision']];
    };
    expect(await read('main')).toEqual(['second', second]);
    expect(await read('refs/heads/main')).toEqual(['second', second]);
    expect(await read('HEAD')).toEqual(['second', second]);
    expect(await read('plain')).toEqual(['first', first]);
    expect(await read('v1.0')).toEqual(['first', first]);
    expect(await read(first)).toEqual(['first', first]);
  });

  it('costs neither the history nor the tree', async () => {
    const server = await backend();
    const noise = (seed: number) =>
      Array.from({ length: 4000 }, (_each, index) => (index * 7919 * seed) % 104_729).join(' ');
    for (let round = 1; round <= 2; round += 1)
      commitFiles(server, { [`large/${round}.txt`]: noise(round), 'deep/er/task.yaml': `${task}# ${round}\n` });
    const commit = server.git('rev-parse', 'HEAD');
    server.sent.bytes = 0;
    server.sent.requests.length = 0;
    await resolve({ url: server.url, revision: commit, pathInRepo: 'deep/er/task.yaml' });
    expect(server.sent.bytes).toBeLessThan(4000);
    // The capabilities, then commit, three trees and the file; a commit needs no list of refs.
    expect(server.sent.requests.map((line) => line.split('/').at(-1))).toEqual([
      'refs?service=git-upload-pack',
      ...Array.from({ length: 5 }, () => 'git-upload-pack'),
    ]);
  });

  it('is read through symbolic links, which do not lead out of the repository', async () => {
    const server = await backend();
    const work = server.git('rev-parse', '--show-toplevel');
    commitFiles(server, { 'real/task.yaml': task });
    symlinkSync('../real', path.join(work, 'real/alias'));
    symlinkSync('real/task.yaml', path.join(work, 'link.yaml'));
    symlinkSync('../../../etc/passwd', path.join(work, 'out.yaml'));
    symlinkSync('loop', path.join(work, 'loop'));
    commitFiles(server, { 'x.txt': 'x' });
    const read = async (pathInRepo: string) =>
      (await resolve({ url: server.url, revision: 'main', pathInRepo })).data.toString();
    expect(await read('link.yaml')).toBe(task);
    expect(await read('real/alias/task.yaml')).toBe(task);
    await expect(read('out.yaml')).rejects.toThrow(/attempts to escape the repository directory/);
    await expect(read('loop')).rejects.toThrow(/too many levels of symbolic links/);
  });

  it("comes with the token of the run's secret, or the user in the address, which provenance does not show", async () => {
    const server = await backend({ ...filtering, login: 'git:value of team/mine/token' });
    commitFiles(server, { 'a.yaml': task });
    const base = { revision: 'main', pathInRepo: 'a.yaml' };
    const found = await resolve({ ...base, url: server.url, gitToken: 'mine' });
    expect(found.data.toString()).toBe(task);
    const inUrl = server.url.replace('//', '//git:value%20of%20team%2Fmine%2Ftoken@');
    expect((await resolve({ ...base, url: inUrl })).refSource.uri).toBe(`git+${server.url}`);
    await expect(resolve({ ...base, url: server.url })).rejects.toThrow(
      /^error resolving repository: clone error: authentication required: .* name a secret with a token in param gitToken/,
    );
    await expect(resolve({ ...base, url: server.url, gitToken: 'other' })).rejects.toThrow(/is not enough$/);
  });
});

describe('what cannot be had', () => {
  const wanted = { revision: 'main', pathInRepo: 'a.yaml' };
  let server: GitBackend;
  beforeAll(async () => {
    server = await startGitBackend(filtering);
    commitFiles(server, { 'a.yaml': task, 'task/b.yaml': task });
  });
  afterAll(() => server.close());

  it.each<[what: string, params: Record<string, string>, message: RegExp]>([
    [
      'a file',
      { pathInRepo: 'task/banana/55.55/banana.yaml' },
      /^error opening file "task\/banana\/55.55\/banana.yaml": file does not exist$/,
    ],
    ['a file below a file', { pathInRepo: 'a.yaml/b' }, /: file does not exist$/],
    ['a directory', { pathInRepo: 'task' }, /^error opening file "task": it is a directory$/],
    [
      'a ref',
      { revision: 'abcd0123' },
      /^git fetch error: fatal: couldn't find remote ref abcd0123: exit status 128: .* correct param revision/,
    ],
    ['a commit', { revision: 'f'.repeat(40) }, /^git fetch error: .*not our ref f{40}/],
    ['a tree by its name', { revision: 'tree' }, /what the revision names is a tree, not a commit/],
  ])('%s', async (_what, params, message) => {
    const revision = params['revision'] === 'tree' ? server.git('rev-parse', 'HEAD^{tree}') : params['revision'];
    await expect(resolve({ ...wanted, ...params, url: server.url, ...(revision ? { revision } : {}) })).rejects.toThrow(
      message,
    );
  });

  it('a repository', async () => {
    await expect(resolve({ ...wanted, url: server.url.replace('catalog', 'none') })).rejects.toThrow(
      /^error resolving repository: git clone error: fatal: repository '.*none.git\/' not found/,
    );
  });

  it('what is no git server, with what it is', async () => {
    const server = await backend({
      answer: (_request, response) => Boolean(response.setHeader('content-type', 'text/html').end('hello')),
    });
    await expect(resolve({ ...wanted, url: server.url })).rejects.toThrow(
      /does not speak git's smart HTTP protocol at .* text\/html/,
    );
  });

  it('anything on an internal address, unless the operator allows it', async () => {
    server.sent.requests.length = 0;
    await expect(resolve({ ...wanted, url: server.url }, {})).rejects.toThrow(
      /an internal address: it is not asked; the operator can allow it \(allowed-private-hosts, or block-private-ips "false", in ConfigMap git-resolver-config\)/,
    );
    expect(server.sent.requests).toEqual([]);
    const some = { 'allowed-private-hosts': 'git.example.com, 127.0.0.1' };
    expect((await resolve({ ...wanted, url: server.url }, some)).data.toString()).toBe(task);
  });
});

describe('a hostile server', () => {
  const wanted = { revision: 'f'.repeat(40), pathInRepo: 'a.yaml' };
  const advertisement = '001e# service=git-upload-pack\n0000000eversion 2\n0019fetch=shallow filter\n0000';

  async function answering(pack: Buffer): Promise<unknown> {
    const server = await backend({
      answer(request, response) {
        const isList = request.method === 'GET';
        response.setHeader('content-type', `application/x-git-upload-pack-${isList ? 'advertisement' : 'result'}`);
        response.end(isList ? advertisement : pack);
        return true;
      },
    });
    return resolve({ ...wanted, url: server.url }).catch((error: unknown) => error);
  }

  const packet = (body: Buffer) => Buffer.concat([Buffer.from((body.length + 4).toString(16).padStart(4, '0')), body]);
  const packed = (...parts: Buffer[]) =>
    Buffer.concat([
      Buffer.from('000dpackfile\n'),
      packet(Buffer.concat([Buffer.from([1]), ...parts])),
      Buffer.from('0000'),
    ]);
  const header = (count: number) => {
    const bytes = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
    bytes.writeUInt32BE(count, 8);
    return bytes;
  };
  const trailer = Buffer.alloc(20);

  it.each<[what: string, answer: Buffer, message: RegExp]>([
    ['no packets', Buffer.from('zzzz hello'), /not in git's wire format/],
    ['a packet longer than the answer', Buffer.from('ffffhello'), /not in git's wire format/],
    ['an error of many lines', packet(Buffer.from(`ERR ${'a\n'.repeat(10_000)}`)), /^git fetch error: .{0,400}$/],
    ['no pack', Buffer.from('0000'), /holds no pack/],
    ['more objects than it sends', packed(header(3), trailer), /breaks off/],
    ['millions of objects', packed(header(4_000_000_000), trailer), /has 4000000000 objects/],
    [
      'an object of gigabytes',
      packed(header(1), Buffer.from([0xb0, 0xff, 0xff, 0xff, 0xff, 0x7f]), trailer),
      /object of more than/,
    ],
    ['a damaged object', packed(header(1), Buffer.from([0x35, 1, 2, 3, 4]), trailer), /the pack is damaged/],
    ['an object of no type', packed(header(1), Buffer.from([0x05, 1, 2, 3, 4]), trailer), /object of type 0/],
    ['a delta to nowhere', packed(header(1), Buffer.from([0x65, 0xff, 0xff, 0xff, 0x7f]), trailer), /delta to nowhere/],
  ])('that sends %s is told as what it is', async (_what, answer, message) => {
    const error = await answering(answer);
    expect(error).toBeInstanceOf(ResolutionError);
    expect((error as Error).message).toMatch(message);
  });
});
