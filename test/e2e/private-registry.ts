import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { command } from '../../hack/command.ts';
import { statePath } from '../../hack/one-node/instance.ts';
import { certificateFor } from './world.ts';

/** Fixed, since the controller is told at its installation that images of this host are there (setup.ts). */
const port = 5443;
export const login = { username: 'bot', password: 'secret' };
// Of the same, as htpasswd writes it.
const htpasswd = 'bot:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n';

export interface PrivateRegistry {
  /** `10.0.0.1:5443`, as images are named. */
  host: string;
  /** A docker config with the login. */
  dockerConfig: string;
  /** Of the image HOST/private/app:1, which says `private` into the result `said`. */
  digest: string;
  close(): Promise<void>;
}

export function privateRegistryHost(hostBesideNode: string): string {
  return `${hostBesideNode}:${port}`;
}

/**
 * The authority of its certificate, which no system knows: the node's containerd is told here, the controller by
 * ConfigMap config-registry-cert (setup.ts).
 */
export function privateRegistryAuthority(cluster: string): string {
  return statePath(cluster, 'pki', 'ca.crt');
}

/** A real registry (distribution) that answers nobody without the login, and that the node's containerd knows. */
export async function startPrivateRegistry(
  target: { cluster: string; registry: string },
  hostBesideNode: string,
): Promise<PrivateRegistry> {
  const host = privateRegistryHost(hostBesideNode);
  const folder = await mkdtemp(path.join(tmpdir(), 'private-registry-'));
  const known = statePath(target.cluster, 'containerd', 'certs.d', host);
  await mkdir(known, { recursive: true });
  const authority = privateRegistryAuthority(target.cluster);
  await writeFile(path.join(known, 'hosts.toml'), `server = 'https://${host}'\nca = '${authority}'\n`);
  const { key, cert } = await certificateFor(`IP:${hostBesideNode}`, target.cluster);
  const at = (name: string) => path.join(folder, name);
  const files = { htpasswd, key, cert };
  await Promise.all(Object.entries(files).map(([name, content]) => writeFile(at(name), content, { mode: 0o600 })));
  const settings = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: at('data') } },
    http: { addr: host, tls: { certificate: at('cert'), key: at('key') } },
    auth: { htpasswd: { realm: 'basic', path: at('htpasswd') } },
  };
  await writeFile(at('registry.yml'), JSON.stringify(settings));
  const tool = async (name: string) => (await command(['hack/cluster', 'tool', name])).trim();
  const server = spawn(await tool('registry'), ['serve', at('registry.yml')], {
    stdio: 'ignore',
    env: { OTEL_TRACES_EXPORTER: 'none' },
  });
  await untilItAnswers(host, await readFile(authority));
  const auth = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  const dockerConfig = JSON.stringify({ auths: { [host]: { auth } } });
  await writeFile(at('config.json'), dockerConfig);
  const crane = await tool('crane');
  const env = { ...process.env, DOCKER_CONFIG: folder };
  const run = (...words: string[]) => command([crane, ...words, '--insecure'], { env });
  const image = `${host}/private/app`;
  await run('copy', `${target.registry}/library/busybox:1.36`, `${image}:plain`);
  await run(...['mutate', `${image}:plain`, '--tag', `${image}:1`], `--entrypoint=${entrypoint.join(',')}`);
  return {
    host,
    dockerConfig,
    digest: (await run('digest', `${image}:1`)).trim(),
    async close() {
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.kill();
      await ended;
      await rm(known, { recursive: true, force: true });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const entrypoint = ['/bin/sh', '-c', 'printf private > /tekton/results/said'];

async function untilItAnswers(host: string, ca: Buffer): Promise<void> {
  const status = () =>
    new Promise<number | undefined>((resolve) =>
      get(`https://${host}/v2/`, { ca }, (answer) => resolve(answer.resume().statusCode)).once('error', () =>
        resolve(undefined),
      ),
    );
  for (let left = 200; left > 0; left -= 1) {
    if ((await status()) === 401) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the registry does not answer at ${host}`);
}
