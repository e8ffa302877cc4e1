import { ResolutionError, InvalidRequest, largestDefinition, type ConfigData } from '../resolver.ts';
import type { RemoteFetch } from '../remote.ts';
import { configName } from './config.ts';

/** A file of a repository, to be read through a forge's API. */
export interface ForgeFile {
  organization: string;
  repository: string;
  revision: string;
  path: string;
}

/** How one kind of forge is asked. Paths are below its API. */
interface Forge {
  api: (server: string) => string;
  authorization: (token: string) => string;
  /** Where the commit of a revision is said, and how. */
  commit: (file: ForgeFile) => string;
  commitName: (answer: Json) => unknown;
  /** Where a file's bytes are as they are, at a commit. */
  content: (file: ForgeFile, commit: string) => string;
  /** What to accept for them. */
  contentType?: string;
  repository: (file: ForgeFile) => string;
  cloneUrl: (answer: Json) => unknown;
}

type Json = Readonly<Record<string, unknown>>;

const escaped = encodeURIComponent;
const slashes = (path: string) => path.split('/').map(escaped).join('/');
const at = (json: unknown, ...keys: (string | number)[]): unknown =>
  keys.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Json)[key] : undefined),
    json,
  );
const joined = (server: string, path: string) => `${server.replace(/\/+$/, '')}${path}`;
const bearer = (token: string) => `Bearer ${token}`;

const github: Forge = {
  api: (server) =>
    server === '' || /^https:\/\/(www\.)?github\.com\/?$/.test(server)
      ? 'https://api.github.com'
      : joined(server, '/api/v3'),
  authorization: bearer,
  commit: ({ organization, repository, revision }) =>
    `/repos/${escaped(organization)}/${escaped(repository)}/commits/${slashes(revision)}`,
  commitName: (answer) => answer['sha'],
  content: ({ organization, repository, path }, commit) =>
    `/repos/${escaped(organization)}/${escaped(repository)}/contents/${slashes(path)}?ref=${commit}`,
  contentType: 'application/vnd.github.raw+json',
  repository: ({ organization, repository }) => `/repos/${escaped(organization)}/${escaped(repository)}`,
  cloneUrl: (answer) => answer['clone_url'],
};

const gitea: Forge = {
  ...github,
  api: (server) => joined(server || 'https://gitea.com', '/api/v1'),
  authorization: (token) => `token ${token}`,
  commit: ({ organization, repository, revision }) =>
    `/repos/${escaped(organization)}/${escaped(repository)}/git/commits/${slashes(revision)}?stat=false&files=false&verification=false`,
  content: ({ organization, repository, path }, commit) =>
    `/repos/${escaped(organization)}/${escaped(repository)}/raw/${slashes(path)}?ref=${commit}`,
  contentType: '*/*',
};

const project = ({ organization, repository }: ForgeFile) => escaped(`${organization}/${repository}`);
const gitlab: Forge = {
  api: (server) => joined(server || 'https://gitlab.com', '/api/v4'),
  authorization: bearer,
  commit: (file) => `/projects/${project(file)}/repository/commits/${escaped(file.revision)}`,
  commitName: (answer) => answer['id'],
  content: (file, commit) => `/projects/${project(file)}/repository/files/${escaped(file.path)}/raw?ref=${commit}`,
  repository: (file) => `/projects/${project(file)}`,
  cloneUrl: (answer) => answer['http_url_to_repo'],
};

const serverRepository = ({ organization, repository }: ForgeFile) =>
  `/projects/${escaped(organization)}/repos/${escaped(repository)}`;
const bitbucketServer: Forge = {
  api: (server) => joined(server, '/rest/api/1.0'),
  authorization: bearer,
  commit: (file) => `${serverRepository(file)}/commits/${escaped(file.revision)}`,
  commitName: (answer) => answer['id'],
  content: (file, commit) => `${serverRepository(file)}/raw/${slashes(file.path)}?at=${commit}`,
  repository: (file) => serverRepository(file),
  cloneUrl: (answer) => cloneLink(at(answer, 'links', 'clone')),
};

const bitbucketCloud: Forge = {
  api: (server) =>
    server === '' || /^https:\/\/bitbucket\.org\/?$/.test(server)
      ? 'https://api.bitbucket.org/2.0'
      : joined(server, '/2.0'),
  authorization: (token) => (token.includes(':') ? `Basic ${Buffer.from(token).toString('base64')}` : bearer(token)),
  commit: ({ organization, repository, revision }) =>
    `/repositories/${escaped(organization)}/${escaped(repository)}/commit/${escaped(revision)}`,
  commitName: (answer) => answer['hash'],
  content: ({ organization, repository, path }, commit) =>
    `/repositories/${escaped(organization)}/${escaped(repository)}/src/${commit}/${slashes(path)}`,
  repository: ({ organization, repository }) => `/repositories/${escaped(organization)}/${escaped(repository)}`,
  cloneUrl: (answer) => cloneLink(at(answer, 'links', 'clone')),
};

function cloneLink(links: unknown): unknown {
  if (!Array.isArray(links)) return undefined;
  return links
    .map((link: unknown) => [at(link, 'name'), at(link, 'href')])
    .find(([name]) => name === 'https' || name === 'http')?.[1];
}

const forges: ReadonlyMap<string, Forge> = new Map([
  ['github', github],
  ['gitlab', gitlab],
  ['gitea', gitea],
  ['bitbucketserver', bitbucketServer],
  ['bitbucketcloud', bitbucketCloud],
  ['stash', bitbucketServer],
  ['bitbucket', bitbucketCloud],
]);

export interface ForgeAccess {
  remote: RemoteFetch;
  config: ConfigData;
  token: string;
  serverUrl: string;
}

/** @throws InvalidRequest for a forge that is none. */
export function checkForge(name: string, serverUrl: string): void {
  if (!forges.has(name))
    throw new InvalidRequest(
      `scmType ${JSON.stringify(name)} is not supported; use github, gitlab, gitea, bitbucketserver or bitbucketcloud`,
    );
  if (forges.get(name) === bitbucketServer && serverUrl === '')
    throw new InvalidRequest(
      'scmType bitbucketserver needs param serverURL, or server-url in ConfigMap git-resolver-config',
    );
}

/**
 * A file through a forge's API: first which commit the revision is, then the file as it is in that commit, so that what
 * provenance names is what was read.
 * @throws ResolutionError
 */
export async function readForgeFile(
  forgeName: string,
  file: ForgeFile,
  { remote, config, token, serverUrl }: ForgeAccess,
  signal: AbortSignal,
): Promise<{ commit: string; content: Buffer; cloneUrl: string }> {
  const forge = forges.get(forgeName) ?? github;
  const authorization = forge.authorization(token);
  const get = async (path: string, what: string, accept: string, limit?: number): Promise<Buffer> => {
    const url = new URL(forge.api(serverUrl) + path);
    const asked = { url, config, configName, authorization, headers: { accept }, operation: 'git-api', limit };
    try {
      return await remote.get(asked, signal);
    } catch (error) {
      if (!(error instanceof ResolutionError)) throw error;
      throw new ResolutionError(`${what}: ${error.message}`, { retryable: error.retryable, cause: error });
    }
  };
  const json = async (path: string, what: string) =>
    readJson(await get(path, what, 'application/json', 4 * largestDefinition), what);
  const noCommit = `couldn't fetch the commit sha for the ref ${file.revision} in the repo`;
  const commit = textOf(forge.commitName(await json(forge.commit(file), noCommit)), noCommit);
  if (!/^[0-9a-f]{40,64}$/.test(commit)) throw new ResolutionError(`${noCommit}: the answer names no commit`);
  const content = await get(forge.content(file, commit), "couldn't fetch resource content", forge.contentType ?? '*/*');
  if (content.length === 0)
    throw new ResolutionError(`no content for resource in ${file.organization}/${file.repository} ${file.path}`);
  const noRepository = "couldn't fetch repository";
  const cloneUrl = textOf(forge.cloneUrl(await json(forge.repository(file), noRepository)), noRepository);
  return { commit, content, cloneUrl: withoutUser(cloneUrl) };
}

function readJson(body: Buffer, what: string): Json {
  try {
    return JSON.parse(body.toString('utf8')) as Json;
  } catch (cause) {
    throw new ResolutionError(`${what}: the answer is not JSON; check scmType and serverURL`, { cause });
  }
}

function textOf(value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '')
    throw new ResolutionError(`${what}: the answer is not one of this kind of forge; check scmType and serverURL`);
  return value;
}

function withoutUser(text: string): string {
  return text.replace(/^(https?:\/\/)[^@/]*@/, '$1').slice(0, 1000);
}
