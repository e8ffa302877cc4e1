import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { command } from '../../hack/command.ts';
import { statePath } from '../../hack/one-node/instance.ts';
import type { FakeServer } from '../../src/http/http-server.fake.ts';
import { commitFiles, startGitBackend } from '../../src/resolvers/git/git-backend.fake.ts';
import { startHub, type HubEntry } from '../../src/resolvers/hub/hub-server.fake.ts';
import { hostBeside } from './remote-servers.ts';

/** What stands for servers of the outside world, on the node's host. */
export interface World {
  /** This machine's address beside the node. */
  host: string;
  hub: FakeServer;
  /** The repository without TLS. */
  repository: string;
  /** Head of main. */
  commit: string;
  close(): Promise<void>;
}

export interface WorldOptions {
  cluster: string;
  /** `10.0.0.2:5000`: the cluster's. */
  registry: string;
  catalogue: readonly HubEntry[];
  /** Of the repository that https://`gitHost`/... leads to, whatever the path. */
  files: Readonly<Record<string, string>>;
  gitHost: string;
}

/** A hub, and git's own HTTP server behind a name of the world, with a certificate of the cluster's authority. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const host = hostBeside(options.registry);
  const git = await startGitBackend({ config: ['uploadpack.allowFilter=true'], host });
  const commit = commitFiles(git, options.files);
  const hub = await startHub(options.catalogue, host);
  const { key, cert } = await certificateFor(`DNS:${options.gitHost}`, options.cluster);
  const backend = new URL(git.url);
  const front = createServer({ key, cert }, (asked, answer) => {
    const inner = (asked.url ?? '').replace(/^\/[^/]+\/[^/?]+?(\.git)?(?=\/|\?|$)/, backend.pathname);
    const passed = request(new URL(inner, backend), { method: asked.method, headers: asked.headers }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  });
  await new Promise<void>((resolve, reject) => front.once('error', reject).listen(443, host, resolve));
  return {
    host,
    hub,
    repository: git.url,
    commit,
    async close() {
      front.closeAllConnections();
      front.close();
      git.close();
      await hub.close();
    },
  };
}

/** A certificate of the cluster's authority for `DNS:NAME` or `IP:ADDRESS`. */
export async function certificateFor(name: string, cluster: string): Promise<{ key: Buffer; cert: Buffer }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tektite-world-'));
  const at = (file: string) => path.join(folder, file);
  const authority = (file: string) => statePath(cluster, 'pki', file);
  try {
    await command([
      ...[
        'openssl',
        'req',
        '-x509',
        '-nodes',
        '-days',
        '1',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
      ],
      ...['-subj', '/CN=server', '-addext', `subjectAltName=${name}`, '-addext', 'basicConstraints=CA:FALSE'],
      ...['-CA', authority('ca.crt'), '-CAkey', authority('ca.key'), '-keyout', at('key'), '-out', at('crt')],
    ]);
    return { key: readFileSync(at('key')), cert: readFileSync(at('crt')) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
