import { withoutUserinfo } from '../../redact.ts';

/** Steps of signing, for messages; a backend is named itself. */
export type Step = 'verification' | 'payload' | 'signing' | 'transparency' | 'timestamp' | `storage ${string}`;

/** One thing that went wrong or was left out. */
export interface Problem {
  /** Short key of the artifact, or the result, image or run that it is about. */
  artifact: string;
  at: Step;
  reason: string;
}

/** The annotation chains.tekton.dev/problems: for people. Chains itself never reads it. */
export interface Problems {
  /** How many attempts failed; absent when the run was signed and these are only notes. */
  failedAttempts?: number | undefined;
  /** When it is tried again; absent when it is not. */
  nextAttempt?: string | undefined;
  problems: Problem[];
}

const MOST = 12;
const LONGEST_REASON = 300;

/**
 * The annotation's value: at most a dozen problems with reasons cut to 300 characters, so that it never is the one too
 * many.
 */
export function writeProblems({ problems, ...rest }: Problems): string {
  const shown = shownProblems(problems);
  const more = problems.length - shown.length;
  return JSON.stringify({ ...rest, problems: shown, ...(more > 0 ? { more } : {}) });
}

/** The first dozen as they may be told to everybody who sees the run: short, and without passwords of URLs. */
export function shownProblems(problems: readonly Problem[]): Problem[] {
  return problems
    .slice(0, MOST)
    .map(({ artifact, at, reason }) => ({ artifact: cut(artifact), at, reason: cut(reason) }));
}

function cut(text: string): string {
  const shown = withoutUserinfo(text.slice(0, 4 * LONGEST_REASON));
  return shown.length <= LONGEST_REASON ? shown : `${shown.slice(0, LONGEST_REASON - 3)}...`;
}
