import type { RequestParams } from '../params.ts';
import { InvalidRequest, type ConfigData } from '../resolver.ts';
import { scmConfig } from './config.ts';

/** What a request to the git resolver names, defaults filled in. */
export interface WantedFile {
  revision: string;
  path: string;
  source: CloneSource | ApiSource;
  /** The part of the ConfigMap that counts for it. */
  config: ConfigData;
}

export interface CloneSource {
  kind: 'clone';
  /** As provenance names it: without what a URL may say of a user. */
  url: string;
  /** `user:password` of the URL itself. */
  userinfo: string | undefined;
  secret: { name: string; key: string } | undefined;
}

export interface ApiSource {
  kind: 'api';
  organization: string;
  repository: string;
  forge: string;
  serverUrl: string;
  /** In the run's namespace. */
  secret: { name: string; key: string } | undefined;
}

const fullName = /^([0-9a-f]{40}|[0-9a-f]{64})$/i;

/** Whether a revision is a whole commit name: it means the same for ever. */
export function isCommit(revision: string): boolean {
  return fullName.test(revision);
}

/** @throws InvalidRequest with upstream's texts. */
export function wantedFile(params: RequestParams, allConfig: ConfigData): WantedFile {
  const config = scmConfig(allConfig, params);
  const { url, repo, organization } = wantedRepository(params, config);
  const revision = defaulted(params, 'revision', config['default-revision']);
  const missing = [
    ...(revision === undefined ? ['revision'] : []),
    ...(params.has('pathInRepo') ? [] : ['pathInRepo']),
  ];
  if (revision === undefined || missing.length > 0)
    throw new InvalidRequest(`missing required git resolver params: ${missing.join(', ')}`);
  checkRevision(revision);
  const path = pathOf(params.text('pathInRepo'));
  const source = repo === '' ? cloneSource(url, params) : apiSource(repo, organization, params, config);
  return { revision, path, source, config };
}

/** Either an address to clone from, or a repository of an organization, to be read through an API. */
function wantedRepository(params: RequestParams, config: ConfigData) {
  const [url, repo] = [params.text('url'), params.text('repo')];
  if (url !== '' && repo !== '') throw new InvalidRequest("cannot specify both 'url' and 'repo'");
  if (repo === '') return { url: url || defaultUrl(config), repo, organization: '' };
  const organization = defaulted(params, 'org', config['default-org']) ?? '';
  if (organization === '') throw new InvalidRequest("'org' is required when 'repo' is specified");
  return { url, repo, organization };
}

function defaultUrl(config: ConfigData): string {
  const url = config['default-url'] ?? '';
  if (url === '') throw new InvalidRequest("must specify one of 'url' or 'repo'");
  return url;
}

/** A param that is there counts even when it is empty; an empty setting does not. */
function defaulted(params: RequestParams, name: string, setting: string | undefined): string | undefined {
  return params.has(name) ? params.text(name) : setting || undefined;
}

function checkRevision(revision: string): void {
  if (revision.startsWith('-'))
    throw new InvalidRequest(`invalid revision ${JSON.stringify(revision)}: must not begin with '-'`);
  // git check-ref-format: no such ref exists, and a newline would be another line of the protocol.
  if (revision === '' || revision.length > 1024 || /[\0- \x7f~^:?*[\\]|\.\.|@\{/.test(revision))
    throw new InvalidRequest(
      `invalid revision ${JSON.stringify(revision.slice(0, 100))}: it cannot be the name of a branch, tag or commit`,
    );
}

function pathOf(given: string): string {
  const path = given.replace(/^\/+/, '');
  if (path.split('/').includes('..'))
    throw new InvalidRequest(`invalid path ${JSON.stringify(path)}: must not contain '..' components`);
  if (path.includes('\0') || path.length > 4096 || path.split('/').length > 64)
    throw new InvalidRequest(`invalid path ${JSON.stringify(path.slice(0, 100))}: it is longer than paths are`);
  return path;
}

function cloneSource(text: string, params: RequestParams): CloneSource {
  const other = /^(?:(?:git|ssh|ftps?):\/\/|[^@/]+@[^:/]+:)/.exec(text);
  if (other !== null)
    throw new InvalidRequest(
      `invalid git repository url: ${shown(text)}: definitions are fetched over https (or http) only; write https://HOST/REPOSITORY, with a token in param gitToken if it is private`,
    );
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new InvalidRequest(`invalid git repository url: ${shown(text)}`);
  const url = new URL(text);
  const userinfo =
    url.username === '' ? undefined : `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = url.password = '';
  if (url.search !== '' || url.hash !== '')
    throw new InvalidRequest(
      `invalid git repository url: ${shown(url.origin + url.pathname)}: it has a query or fragment`,
    );
  const secret = params.text('gitToken');
  return {
    kind: 'clone',
    // What the user wrote, which policies and provenance compare; URL would add a slash.
    url: userinfo === undefined ? text : url.href,
    userinfo,
    secret: secret === '' ? undefined : { name: secret, key: params.text('gitTokenKey') || 'token' },
  };
}

/** Without what may be a password. */
function shown(text: string): string {
  return text.replace(/\/\/[^@/]*@/, '//').slice(0, 200);
}

function apiSource(repository: string, organization: string, params: RequestParams, config: ConfigData): ApiSource {
  const token = params.text('token');
  return {
    kind: 'api',
    organization,
    repository,
    forge: params.text('scmType') || config['scm-type'] || 'github',
    serverUrl: serverUrlFor(token, params, config),
    secret: token === '' ? undefined : { name: token, key: params.text('tokenKey') || 'token' },
  };
}

/** @param token name of the request's own secret; "" when the operator's token is to be sent */
function serverUrlFor(token: string, params: RequestParams, config: ConfigData): string {
  const [asked, own] = [params.text('serverURL'), config['server-url'] ?? ''];
  if (token === '' && asked !== '' && asked !== own)
    throw new InvalidRequest(
      `custom serverURL ${JSON.stringify(asked)} requires a token parameter; the system token cannot be sent to a non-default server URL`,
    );
  const serverUrl = asked || own;
  if (serverUrl !== '' && !(URL.canParse(serverUrl) && /^https?:$/.test(new URL(serverUrl).protocol)))
    throw new InvalidRequest(`serverURL ${JSON.stringify(serverUrl)} is not a valid http(s) url`);
  return serverUrl;
}
