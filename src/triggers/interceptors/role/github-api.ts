import type { HttpClient } from '../../../http/client.ts';
import { parseJson } from '../../resolve/body.ts';
import type { GithubApi, GithubAsker } from '../world.ts';

const perPage = 100;
/** GitHub lists no more files of a pull request; more members are not looked through. */
const mostPages = 30;

/**
 * GitHub's API. X-Github-Enterprise-Host is a header that anyone may write, and tokens go where it says: only hosts
 * that the operator named are asked.
 */
export function githubApi(
  client: Pick<HttpClient, 'send'>,
  hosts: readonly string[],
  signal: () => AbortSignal,
): GithubApi {
  const ask = async (path: string, asker: GithubAsker) => {
    const { status, body } = await client.send(
      {
        method: 'GET',
        url: new URL(baseOf(asker.host, hosts) + path),
        operation: 'github',
        headers: { accept: 'application/vnd.github+json', 'user-agent': 'tektite' },
        ...(asker.token === '' ? {} : { authorization: `Bearer ${asker.token}` }),
      },
      signal(),
    );
    return { status, body };
  };
  const list = async (path: string, asker: GithubAsker): Promise<Record<string, unknown>[]> => {
    const found: Record<string, unknown>[] = [];
    for (let page = 1; page <= mostPages; page++) {
      const { status, body } = await ask(`${path}?per_page=${perPage}&page=${page}`, asker);
      const items = status === 200 ? parseJson(body.toString()) : undefined;
      if (!items?.ok || !Array.isArray(items.value)) throw new Error(`GitHub answered ${path} with status ${status}`);
      found.push(...(items.value as Record<string, unknown>[]));
      if (items.value.length < perPage) return found;
    }
    return found;
  };
  const has = async (path: string, asker: GithubAsker): Promise<boolean> => {
    const { status } = await ask(path, asker);
    if (status === 204) return true;
    if (status === 404 || status === 302) return false;
    throw new Error(`GitHub answered ${path} with status ${status}`);
  };
  return {
    changedFiles: async ({ repository, number }, asker) =>
      (await list(`/repos/${repository}/pulls/${Math.trunc(number)}/files`, asker)).map(({ filename }) =>
        String(filename),
      ),
    isPublicMember: (organisation, user, asker) =>
      has(`/orgs/${encodeURIComponent(organisation)}/public_members/${encodeURIComponent(user)}`, asker),
    isCollaborator: (repository, user, asker) =>
      has(`/repos/${repository}/collaborators/${encodeURIComponent(user)}`, asker),
    owners: async (repository, asker) => {
      const { status, body } = await ask(`/repos/${repository}/contents/OWNERS`, asker);
      if (status === 404) return undefined;
      const file = parseJson(body.toString());
      const { content, type } = (file.ok ? file.value : {}) as { content?: unknown; type?: unknown };
      if (status !== 200 || type !== 'file' || typeof content !== 'string')
        throw new Error(`GitHub answered for OWNERS with status ${status}`);
      return Buffer.from(content, 'base64').toString();
    },
  };
}

function baseOf(host: string, hosts: readonly string[]): string {
  if (host === '') return 'https://api.github.com';
  if (!hosts.includes(host))
    throw new Error(
      `X-Github-Enterprise-Host is ${JSON.stringify(host.slice(0, 100))}, which nobody allowed; start the interceptors with --github-enterprise-host=HOST`,
    );
  return `https://${host}/api/v3`;
}
