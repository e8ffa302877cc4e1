import { useEffect, useState } from 'react';
import { useProperties } from './use-properties.ts';
import { mayI } from './write.ts';

/**
 * Which of these verbs one may use on a kind in a namespace. None in read-only mode, and until the API server has said
 * so: what would be refused is not offered.
 */
export function useRights(
  verbs: readonly string[],
  group: string,
  resource: string,
  namespace: string,
): ReadonlySet<string> {
  const isReadOnly = useProperties()?.isReadOnly !== false;
  const [rights, setRights] = useState<ReadonlySet<string>>(new Set());
  const key = verbs.join(',');
  useEffect(() => {
    setRights(new Set());
    if (isReadOnly) return undefined;
    let isWanted = true;
    const asked = key
      .split(',')
      .map(async (verb) => ((await mayI({ verb, group, resource, namespace })) ? [verb] : []));
    void Promise.all(asked).then((granted) => {
      if (isWanted) setRights(new Set(granted.flat()));
    });
    return () => void (isWanted = false);
  }, [isReadOnly, key, group, resource, namespace]);
  return rights;
}
