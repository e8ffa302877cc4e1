import { z } from 'zod';
import { annotations } from '../annotations.ts';

/** Steps of signing, for messages; a backend is named itself. */
export type Step = 'verification' | 'payload' | 'signing' | 'transparency' | 'timestamp' | `storage ${string}`;

/** One thing that went wrong or was left out. */
export interface Problem {
  /** Short key of the artifact, or the result, image or run that it is about. */
  artifact: string;
  at: Step;
  reason: string;
}

/** The annotation chains.tekton.dev/problems: for people, and for the next attempt. */
export interface Problems {
  /** How many attempts failed; absent when the run was signed and these are only notes. */
  failedAttempts?: number | undefined;
  /** When it is tried again; absent when it is not. */
  nextAttempt?: string | undefined;
  problems: Problem[];
}

const schema = z.object({
  failedAttempts: z.number().optional(),
  nextAttempt: z
    .string()
    .refine((text) => !Number.isNaN(Date.parse(text)))
    .optional(),
});

type Annotations = Readonly<Record<string, string>> | undefined;

/** What an earlier attempt left on the run; nothing when the annotation is absent or not ours. */
export function readProblems(found: Annotations): Omit<Problems, 'problems'> {
  try {
    return schema.parse(JSON.parse(found?.[annotations.problems] ?? '{}'));
  } catch {
    // Somebody wrote something else there: then nothing is known of earlier attempts.
    return {};
  }
}

/**
 * How many attempts have failed. A run that had failed for good and lost its `signed` annotation begins anew: somebody
 * asked for it.
 */
export function attemptsMade(found: Annotations): number {
  if (gaveUp(found)) return 0;
  const retries = found?.[annotations.retries];
  return retries !== undefined && /^\d{1,3}$/.test(retries) ? Number(retries) + 1 : 0;
}

/** Whether the last attempt was the last one. */
export function gaveUp(found: Annotations): boolean {
  const { failedAttempts, nextAttempt } = readProblems(found);
  return failedAttempts !== undefined && nextAttempt === undefined;
}

const MOST = 12;
const LONGEST_REASON = 300;

/**
 * The annotation's value: at most a dozen problems with reasons cut to 300 characters, so that it never is the one too
 * many.
 */
export function writeProblems({ problems, ...rest }: Problems): string {
  const shown = problems.slice(0, MOST).map((problem) => ({ ...problem, reason: cut(problem.reason) }));
  const more = problems.length - shown.length;
  return JSON.stringify({ ...rest, problems: shown, ...(more > 0 ? { more } : {}) });
}

function cut(text: string): string {
  return text.length <= LONGEST_REASON ? text : `${text.slice(0, LONGEST_REASON - 3)}...`;
}
