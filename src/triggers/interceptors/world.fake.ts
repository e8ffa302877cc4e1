import type { GithubApi, World } from './world.ts';

/** Secrets by NAMESPACE/NAME/KEY, and a GitHub that has what it is given. */
export function fakeWorld(
  secrets: Readonly<Record<string, string>> = {},
  github: Partial<GithubApi> = {},
  now = Date.parse('2026-01-01T00:00:00Z'),
): World {
  const refuse = () => Promise.reject(new Error('GitHub was not to be asked'));
  return {
    secret: (namespace, { secretName, secretKey }) => {
      const value = secrets[`${namespace}/${secretName}/${secretKey}`];
      return Promise.resolve(
        value === undefined
          ? { ok: false, problem: `secrets "${secretName}" not found` }
          : { ok: true, value: Buffer.from(value) },
      );
    },
    github: { changedFiles: refuse, isPublicMember: refuse, isCollaborator: refuse, owners: refuse, ...github },
    now: () => now,
  };
}
