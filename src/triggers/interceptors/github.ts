import { parse } from 'yaml';
import { messageOf } from '../../errors.ts';
import { parseJson } from '../resolve/body.ts';
import { checkForge } from './forge.ts';
import { githubParams, readParams, type GithubParams, type SecretRef } from './params.ts';
import {
  exactBody,
  goOn,
  header,
  namespaceOf,
  stop,
  type InterceptorRequest,
  type InterceptorResponse,
} from './wire.ts';
import type { GithubAsker, World } from './world.ts';

const okToTest = /(?:^|\n)\/ok-to-test(?:\r\n|\r|\n|$)/;

/** Checks who sent an event, and if asked adds the changed files and asks whether its sender may start something. */
export async function github(request: InterceptorRequest, world: World): Promise<InterceptorResponse> {
  if (header(request, 'Content-Type') === 'application/x-www-form-urlencoded')
    return stop(
      'invalidArgument',
      'form parameter encoding not supported, please change the hook to send JSON payloads',
    );
  const params = readParams(githubParams, request);
  if (!params.ok) return stop('invalidArgument', params.problem);
  const refusal = await checkForge('github', request, params.value, world);
  if (refusal) return refusal;
  // Owners come first: upstream forgets them where changed files are asked for as well.
  return (await checkOwners(request, params.value, world)) ?? addChangedFiles(request, params.value, world);
}

/** A step that may fail: what it throws becomes the reason why the event stops. */
async function orStop<T>(doing: string, work: () => Promise<T> | T): Promise<T | InterceptorResponse> {
  try {
    return await work();
  } catch (error) {
    return stop('failedPrecondition', `${doing}: ${messageOf(error)}`);
  }
}

function isStop(value: unknown): value is InterceptorResponse {
  return typeof value === 'object' && value !== null && 'continue' in value;
}

async function addChangedFiles(
  request: InterceptorRequest,
  { addChangedFiles: wanted }: GithubParams,
  world: World,
): Promise<InterceptorResponse> {
  const event = header(request, 'X-GitHub-Event');
  if (!wanted?.enabled || (event !== 'push' && event !== 'pull_request')) return goOn();
  const asker = await askerOf(request, ['githubToken', wanted.personalAccessToken], world);
  if (isStop(asker)) return asker;
  const body = await orStop('error parsing body', () => bodyOf(request));
  if (isStop(body)) return body;
  const files =
    event === 'push'
      ? await orStop('error parsing body', () => filesOfPush(body))
      : await orStop('error getting changed files', () => {
          if (typeof body.number !== 'number') throw new Error("pull_request body missing 'number' field");
          return world.github.changedFiles({ repository: repositoryOf(body), number: body.number }, asker);
        });
  return isStop(files) ? files : goOn({ changed_files: files.join(',') });
}

interface EventBody {
  number?: unknown;
  repository?: { full_name?: unknown };
  commits?: unknown;
  sender?: { login?: unknown };
  comment?: { body?: unknown; user?: { login?: unknown } };
  issue?: { pull_request?: unknown };
}

function bodyOf(request: InterceptorRequest): EventBody {
  const parsed = parseJson(exactBody(request).toString());
  if (!parsed.ok) throw new Error(parsed.problem);
  if (typeof parsed.value !== 'object' || parsed.value === null) throw new Error('body is no object');
  return parsed.value;
}

function repositoryOf(body: EventBody): string {
  if (typeof body.repository !== 'object' || body.repository === null)
    throw new Error("payload body missing 'repository' field");
  const { full_name: name } = body.repository;
  if (typeof name !== 'string') throw new Error("payload body missing 'repository.full_name' field");
  // It becomes part of a URL.
  if (!/^[\w.-]+\/[\w.-]+$/.test(name) || /^\.+\/|\/\.+$/.test(name))
    throw new Error("'repository.full_name' is not OWNER/NAME");
  return name;
}

function filesOfPush(body: EventBody): string[] {
  repositoryOf(body);
  const commits = Array.isArray(body.commits) ? (body.commits as Record<string, unknown>[]) : [];
  return commits.flatMap((commit) =>
    ['added', 'modified', 'removed'].flatMap((kind) => {
      const files: unknown = commit[kind];
      if (!Array.isArray(files)) throw new Error(`payload body missing 'commits.*.${kind}' field`);
      return files.map(String);
    }),
  );
}

/** Credentials for GitHub's API, or why they cannot be had. */
async function askerOf(
  request: InterceptorRequest,
  [name, ref]: readonly [string, SecretRef | undefined],
  world: World,
): Promise<GithubAsker | InterceptorResponse> {
  const host = header(request, 'X-Github-Enterprise-Host');
  if (ref === undefined) return { token: '', host };
  if (ref.secretKey === '')
    return stop('failedPrecondition', `error getting secret: github interceptor ${name}.secretKey is empty`);
  const namespace = namespaceOf(request);
  if (namespace === undefined) return stop('invalidArgument', 'no request context passed');
  const secret = await world.secret(namespace, ref);
  if (!secret.ok) return stop('failedPrecondition', `error getting secret: ${secret.problem}`);
  return { token: Buffer.from(secret.value).toString().trim(), host };
}

/** What people from outside can cause: owners have a say in it. */
const eventsForOwners: readonly string[] = ['pull_request', 'issue_comment'];

/** undefined: nothing is asked for, or it is allowed. */
async function checkOwners(
  request: InterceptorRequest,
  { githubOwners: wanted }: GithubParams,
  world: World,
): Promise<InterceptorResponse | undefined> {
  const event = header(request, 'X-GitHub-Event');
  if (!wanted?.enabled || !eventsForOwners.includes(event)) return undefined;
  const asker = await askerOf(request, ['personalAccessToken', wanted.personalAccessToken], world);
  if (isStop(asker)) return asker;
  const { checkType = '' } = wanted;
  if (asker.token === '' && checkType !== 'none')
    return stop(
      'failedPrecondition',
      'checkType is set to check org or repo members but no personalAccessToken was supplied',
    );
  const allowed = await orStop('error checking owner verification', async () => {
    const body = bodyOf(request);
    const comment = body.comment?.body;
    if (event === 'issue_comment' && !(typeof comment === 'string' && okToTest.test(comment))) return false;
    return mayStart(body, checkType, asker, world);
  });
  if (isStop(allowed)) return allowed;
  return allowed ? undefined : stop('failedPrecondition', 'owners check requirements not met');
}

async function mayStart(body: EventBody, checkType: string, asker: GithubAsker, world: World): Promise<boolean> {
  const repository = repositoryOf(body);
  const sender = body.sender?.login;
  if (typeof sender !== 'string' || !/^[\w-]+(?:\[bot\])?$/.test(sender))
    throw new Error("payload body missing 'sender.login' field");
  const asks = (kind: string): boolean => checkType === kind || checkType === 'all';
  const organisation = repository.split('/')[0] ?? '';
  if (asks('orgMembers') && (await world.github.isPublicMember(organisation, sender, asker))) return true;
  if (asks('repoMembers') && (await world.github.isCollaborator(repository, sender, asker))) return true;
  const owners = await world.github.owners(repository, asker);
  return owners !== undefined && isOwner(owners, sender);
}

/** Whether OWNERS (YAML) names a user as approver or reviewer. */
export function isOwner(owners: string, user: string): boolean {
  const { approvers, reviewers } = (parse(owners, { maxAliasCount: 100 }) ?? {}) as Record<string, unknown>;
  return [approvers, reviewers]
    .flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []))
    .some((name) => typeof name === 'string' && name.toLowerCase() === user.toLowerCase());
}
