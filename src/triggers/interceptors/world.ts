import type { SecretRef } from './params.ts';

export type SecretAnswer = { ok: true; value: Uint8Array } | { ok: false; problem: string };

/** What an interceptor may ask for while it decides. */
export interface World {
  /** A Secret's value, from the trigger's namespace. Empty values are problems: anyone could sign with them. */
  secret: (namespace: string, ref: SecretRef) => Promise<SecretAnswer>;
  github: GithubApi;
  /** ms since the epoch. */
  now: () => number;
}

/** GitHub's API, or that of an enterprise server. Each rejects with a message for users. */
export interface GithubApi {
  changedFiles: (pull: PullRequest, asker: GithubAsker) => Promise<string[]>;
  isPublicMember: (organisation: string, user: string, asker: GithubAsker) => Promise<boolean>;
  isCollaborator: (repository: string, user: string, asker: GithubAsker) => Promise<boolean>;
  /** The file OWNERS of the default branch; undefined when there is none. */
  owners: (repository: string, asker: GithubAsker) => Promise<string | undefined>;
}

export interface PullRequest {
  /** OWNER/NAME */
  repository: string;
  number: number;
}

export interface GithubAsker {
  token: string;
  /** Value of X-Github-Enterprise-Host; "" is github.com. */
  host: string;
}
