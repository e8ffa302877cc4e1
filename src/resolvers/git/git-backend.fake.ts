import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface GitBackend {
  url: string;
  /** Bytes of all answers so far, and requests. */
  sent: { bytes: number; requests: string[] };
  git: (...args: string[]) => string;
  close(): void;
}

export interface BackendOptions {
  /** Lines of the repository's configuration, such as `uploadpack.allowFilter=true`. */
  config?: readonly string[];
  format?: 'sha1' | 'sha256';
  /** The user and password without which it answers 401. */
  login?: string;
  /** Clients may use version 2 of the protocol. */
  version2?: boolean;
  /** Default loopback. */
  host?: string;
  /** In place of git's own answer. */
  answer?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** git's own HTTP server (git-http-backend) over a new bare repository at /team/catalog.git. */
export async function startGitBackend(options: BackendOptions = {}): Promise<GitBackend> {
  const { host = '127.0.0.1' } = options;
  const root = mkdtempSync(path.join(tmpdir(), 'git-backend-'));
  const bare = path.join(root, 'team/catalog.git');
  const work = path.join(root, 'work');
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: root,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@example.com',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@example.com',
  };
  const git = (...args: string[]) => execFileSync('git', args, { cwd: work, env, encoding: 'utf8' }).trim();
  mkdirSync(work, { recursive: true });
  git('init', '-q', '-b', 'main', `--object-format=${options.format ?? 'sha1'}`);
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', `--object-format=${options.format ?? 'sha1'}`, bare], {
    env,
  });
  for (const line of ['http.receivepack=true', ...(options.config ?? [])]) {
    const [key = '', value = ''] = line.split('=');
    execFileSync('git', ['-C', bare, 'config', key, value], { env });
  }
  git('remote', 'add', 'origin', bare);
  const sent: GitBackend['sent'] = { bytes: 0, requests: [] };
  const server = createServer((request, response) => {
    sent.requests.push(`${request.method} ${request.url}`);
    if (options.answer?.(request, response)) return;
    const login = options.login && `Basic ${Buffer.from(options.login).toString('base64')}`;
    if (login && request.headers.authorization !== login) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    runBackend(request, response, { root, env, version2: options.version2 ?? true, sent });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}/team/catalog.git`,
    sent,
    git,
    close() {
      server.closeAllConnections();
      server.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function runBackend(
  request: IncomingMessage,
  response: ServerResponse,
  {
    root,
    env,
    version2,
    sent,
  }: { root: string; env: Record<string, string>; version2: boolean; sent: GitBackend['sent'] },
): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const child = spawn('git', ['http-backend'], {
    env: {
      ...env,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method ?? 'GET',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      ...(version2 ? { GIT_PROTOCOL: String(request.headers['git-protocol'] ?? '') } : {}),
    },
  });
  request.pipe(child.stdin);
  child.stdin.on('error', () => undefined);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('close', () => {
    const all = Buffer.concat(chunks);
    const end = all.indexOf('\r\n\r\n');
    const headers = all
      .toString('latin1', 0, end)
      .split('\r\n')
      .map((line) => line.split(': ') as [string, string]);
    const status = Number(headers.find(([name]) => name === 'Status')?.[1]?.slice(0, 3) ?? 200);
    const body = all.subarray(end + 4);
    sent.bytes += body.length;
    response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== 'Status'))).end(body);
  });
}

/** Files that are written into the working copy and pushed as one commit, whose name is given back. */
export function commitFiles(backend: GitBackend, files: Readonly<Record<string, string>>, message = 'change'): string {
  const work = backend.git('rev-parse', '--show-toplevel');
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(work, name)), { recursive: true });
    writeFileSync(path.join(work, name), content);
  }
  backend.git('add', '-A');
  backend.git('commit', '-qm', message);
  backend.git('push', '-q', 'origin', 'HEAD:main');
  return backend.git('rev-parse', 'HEAD');
}
