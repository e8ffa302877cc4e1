import { messageOf } from '../../src/errors.ts';
import { CommandError } from '../command.ts';

/** What to do about failures of helm and kubectl that people meet, by what those print. */
const WAYS_OUT: readonly [RegExp, string][] = [
  [
    /webhookClientConfig: Forbidden|storedVersions/,
    'the CRDs there are still another installation\'s: README, "Bring a Tekton cluster over", says how to hand them over',
  ],
  [
    /failed calling webhook/i,
    'a webhook does not answer, and nothing is taken without it: README, "Install", says how to let changes in',
  ],
  [
    /timed out|deadline exceeded|not ready/i,
    'not every role gets ready: kubectl -n tekton-pipelines describe pods says why',
  ],
  [
    /is forbidden|cannot (create|get|list|patch|update)/i,
    "installing needs a cluster administrator's rights: choose another --context",
  ],
  [
    /connection refused|no such host|unreachable|i\/o timeout/i,
    'the API server does not answer: check --context and --kubeconfig',
  ],
];

/** A failed installation in one line with the way out; the whole output is there with TEKTITE_VERBOSE=1. */
export function failureLine(error: unknown): string {
  const text = error instanceof CommandError ? error.output : messageOf(error);
  const [cause = ''] = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .sort((a, b) => rank(a) - rank(b));
  const wayOut = WAYS_OUT.find(([pattern]) => pattern.test(text))?.[1];
  const said = cause.replace(/^Error: /, '') || messageOf(error);
  if (wayOut !== undefined) return `${said}; ${wayOut}`;
  return error instanceof CommandError ? `${said}; TEKTITE_VERBOSE=1 shows all that was printed` : said;
}

/** helm and kubectl put what went wrong behind `Error:`. */
function rank(line: string): number {
  return /^error:/i.test(line) ? 0 : 1;
}
