/** Label selectors as the API server reads them: "a=b,c!=d,e in (f,g),h notin (i),j,!k". */
interface Requirement {
  key: string;
  matches: (value: string | undefined) => boolean;
}

const TERM =
  /^\s*(?:(?<key>[^\s!=(),]+)\s*(?:(?<op>==|=|!=)\s*(?<value>[^\s=(),]*)|\s(?<set>in|notin)\s*\((?<values>[^()]*)\))?|!\s*(?<absent>[^\s!=(),]+))\s*$/;

/**
 * A predicate for labels. The empty selector matches everything; "!=" and "notin" match where the label is absent.
 * @throws naming the term that cannot be read.
 */
export function labelMatcher(selector: string): (labels: Readonly<Record<string, string>> | undefined) => boolean {
  const requirements = splitTerms(selector).map(requirement);
  return (labels) =>
    requirements.every(({ key, matches }) =>
      matches(labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined),
    );
}

/** At commas outside parentheses. */
function splitTerms(selector: string): string[] {
  if (selector.trim() === '') return [];
  return selector.split(/,(?![^(]*\))/);
}

function requirement(term: string): Requirement {
  const groups = TERM.exec(term)?.groups;
  if (!groups)
    throw new Error(
      `label selector: cannot read ${JSON.stringify(term.trim())}; write key=value, key!=value, key in (a,b), key notin (a,b), key or !key`,
    );
  if (groups['absent']) return { key: groups['absent'], matches: (value) => value === undefined };
  const key = groups['key'] ?? '';
  if (groups['set']) return { key, matches: matcherOfSet(groups['set'] === 'in', groups['values'] ?? '') };
  const wanted = groups['value'] ?? '';
  if (groups['op'] === '!=') return { key, matches: (value) => value !== wanted };
  if (groups['op']) return { key, matches: (value) => value === wanted };
  return { key, matches: (value) => value !== undefined };
}

function matcherOfSet(isWithin: boolean, list: string): Requirement['matches'] {
  const values = new Set(list.split(',').map((value) => value.trim()));
  return (value) => (value !== undefined && values.has(value)) === isWithin;
}
