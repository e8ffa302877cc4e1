import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { messageOf } from '../errors.ts';
import { credentialsFor, keychainOfDockerConfig, type RegistryCredentials } from './keychain.ts';

export interface DockerConfigOptions {
  env?: Readonly<Record<string, string | undefined>>;
  home?: string;
}

/** The path of the docker config of this process: `$DOCKER_CONFIG/config.json`, or `.docker/config.json` at home. */
export function dockerConfigPath({ env = process.env, home = homedir() }: DockerConfigOptions = {}): string {
  return path.join(env['DOCKER_CONFIG'] || path.join(home, '.docker'), 'config.json');
}

/**
 * Credentials from this process's docker config: its entries, then its credential helpers (`credHelpers` for the host,
 * or `credsStore`), which are programs named docker-credential-<helper>. Undefined when there is no such file or entry.
 * @throws when the file is there and unreadable, or a helper fails; the message names it.
 */
export async function dockerConfigCredentials(
  host: string,
  repository: string,
  signal: AbortSignal,
  options: DockerConfigOptions = {},
): Promise<RegistryCredentials | undefined> {
  const file = dockerConfigPath(options);
  const text = await textOf(file, signal);
  if (text === undefined) return undefined;
  let helpers: Helpers;
  try {
    const own = credentialsFor([keychainOfDockerConfig(text)], host, repository);
    if (own) return own;
    helpers = JSON.parse(text) as Helpers;
  } catch (error) {
    throw new Error(`docker config ${file}: ${messageOf(error)}`, { cause: error });
  }
  const name = host === 'docker.io' ? 'https://index.docker.io/v1/' : host;
  const helper = helperFor(name, host, helpers);
  return helper ? askHelper(helper, name, signal, options.env ?? process.env) : undefined;
}

interface Helpers {
  credHelpers?: Record<string, string>;
  credsStore?: string;
}

function helperFor(name: string, host: string, { credHelpers, credsStore }: Helpers): string | undefined {
  return credHelpers?.[name] ?? credHelpers?.[host] ?? credsStore;
}

async function textOf(file: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return await readFile(file, { encoding: 'utf8', signal });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** docker-credential-helpers' protocol: the server on standard input, JSON on standard output. */
function askHelper(
  helper: string,
  server: string,
  signal: AbortSignal,
  env: DockerConfigOptions['env'],
): Promise<RegistryCredentials | undefined> {
  const program = `docker-credential-${helper}`;
  return new Promise((resolve, reject) => {
    const child = execFile(program, ['get'], { signal, timeout: 30_000, env: env }, (error, stdout) => {
      if (/credentials not found/i.test(stdout)) return resolve(undefined);
      if (error)
        return reject(new Error(`${program} get ${server}: ${stdout.trim() || error.message}`, { cause: error }));
      try {
        resolve(helperAnswer(stdout));
      } catch (cause) {
        reject(new Error(`${program} get ${server} did not answer in JSON`, { cause }));
      }
    });
    child.stdin?.on('error', () => undefined); // a program that is not there; the callback above tells
    child.stdin?.end(server);
  });
}

function helperAnswer(stdout: string): RegistryCredentials | undefined {
  const { Username, Secret } = JSON.parse(stdout) as { Username?: string; Secret?: string };
  if (!Secret) return undefined;
  return Username === '<token>'
    ? { username: '', password: '', identityToken: Secret }
    : { username: Username ?? '', password: Secret };
}
