import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { vi } from 'vitest';
import { command } from '../../hack/command.ts';
import { pods, secrets } from '../../src/kube/resources.ts';
import type { Workbench } from './cluster.ts';

export interface SshServer {
  address: string;
  /** The line that says whose key the host has. */
  knownHosts: string;
  /** Private keys; each gives its own repository, whatever is asked for. */
  keys: { a: string; b: string };
}

/** sshd with git behind it, in a pod. What key a client comes with decides what repository it gets. */
export async function startSshServer(bench: Workbench): Promise<SshServer> {
  const [host, a, b] = await Promise.all([newKey(), newKey(), newKey()]);
  const forced = (name: string, key: string) => `restrict,command="git-upload-pack /repos/${name}.git" ${key}`;
  await bench.create(secrets, {
    metadata: { name: 'git-server' },
    stringData: { host: host.private, authorized: `${forced('a', a.public)}\n${forced('b', b.public)}\n` },
  });
  await bench.create(pods, {
    metadata: { name: 'git-server' },
    spec: {
      volumes: [{ name: 'keys', secret: { secretName: 'git-server', defaultMode: 0o600 } }],
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'sshd',
          image: 'docker.io/alpine/git:latest',
          command: ['/bin/sh', '-ec', start],
          volumeMounts: [{ name: 'keys', mountPath: '/keys' }],
          readinessProbe: { tcpSocket: { port: 22 }, periodSeconds: 1 },
        },
      ],
    },
  });
  const address = await vi.waitFor(
    async () => {
      const { status } = await bench.client.get(pods, bench.namespace, 'git-server');
      const isReady = status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True');
      if (!isReady || !status?.podIP) throw new Error(`the git server is not up: ${JSON.stringify(status)}`);
      return status.podIP;
    },
    { timeout: 60_000, interval: 200 },
  );
  const knownHosts = `${address} ${host.public.split(' ').slice(0, 2).join(' ')}\n`;
  return { address, knownHosts, keys: { a: a.private, b: b.private } };
}

const start = `
echo 'git:x:1000:1000::/home/git:/bin/sh' >> /etc/passwd
mkdir -p /home/git/.ssh /repos /run/sshd
cp /keys/authorized /home/git/.ssh/authorized_keys
chown -R 1000:1000 /home/git
for name in a b; do
  git init -q -b main /tmp/$name
  cd /tmp/$name
  printf $name > name
  git add -A
  git -c user.name=a -c user.email=a@example.com commit -qm first
  git clone -q --bare /tmp/$name /repos/$name.git
done
exec "$(command -v sshd || echo /usr/sbin/sshd)" -D -e -h /keys/host
`;

async function newKey(): Promise<{ private: string; public: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ssh-key-'));
  const file = path.join(folder, 'key');
  try {
    await command(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', file]);
    return { private: await readFile(file, 'utf8'), public: (await readFile(`${file}.pub`, 'utf8')).trim() };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
