import type { Signed } from '../contract.ts';
import { RefusedError } from '../refusal.ts';
import { limitOf, listOf, namespacesOf, shown, LONGEST_QUERY } from '../runs/query.ts';
import type { ArtifactQuestion } from '../view/artifacts.ts';

const marks: readonly Signed[] = ['yes', 'failed', 'no'];

/** Reads ArtifactQuery. @throws RefusedError 400 that names the field, its value and what it takes. */
export function readArtifactQuery(parameters: URLSearchParams): ArtifactQuestion {
  if (parameters.toString().length > LONGEST_QUERY)
    throw new RefusedError(400, `the query is longer than ${LONGEST_QUERY} characters: ask for less at once`);
  return {
    namespaces: namespacesOf(parameters),
    text: (parameters.get('q') ?? '').trim().toLowerCase(),
    signed: signedOf(parameters),
    limit: limitOf(parameters.get('limit')),
  };
}

function signedOf(parameters: URLSearchParams): ReadonlySet<Signed> | undefined {
  const values = listOf(parameters, 'signed', marks.length);
  const wrong = values?.find((value) => !marks.includes(value as Signed));
  if (wrong !== undefined) throw new RefusedError(400, `signed: ${shown(wrong)} is none of ${marks.join(', ')}`);
  return values === undefined ? undefined : new Set(values as Signed[]);
}
