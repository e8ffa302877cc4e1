import { useEffect, useState } from 'react';
import { bulkVerbs, type BulkScope } from '../../view/bulk.ts';
import { mayI } from '../api/write.ts';

export interface BulkRights {
  /** The API server has said it of all. */
  isKnown: boolean;
  may: (verb: string, scope: BulkScope) => boolean;
}

const keyOf = (verb: string, { kind, namespace }: BulkScope) => `${verb}/${kind}/${namespace}`;

/**
 * What one may do with runs of these kinds and namespaces, by the API server's own word; nothing until it has said so.
 */
export function useBulkRights(scopes: readonly BulkScope[]): BulkRights {
  const [granted, setGranted] = useState<{ key: string; all: ReadonlySet<string> }>();
  const key = JSON.stringify(scopes);
  useEffect(() => {
    let isWanted = true;
    const asked = (JSON.parse(key) as BulkScope[]).flatMap((scope) =>
      Object.values(bulkVerbs).map(async (verb) => {
        const resource = scope.kind === 'TaskRun' ? 'taskruns' : 'pipelineruns';
        const may = await mayI({ verb, group: 'tekton.dev', resource, namespace: scope.namespace });
        return may ? [keyOf(verb, scope)] : [];
      }),
    );
    void Promise.all(asked).then((found) => {
      if (isWanted) setGranted({ key, all: new Set(found.flat()) });
    });
    return () => void (isWanted = false);
  }, [key]);
  const isKnown = granted?.key === key;
  return { isKnown, may: (verb, scope) => isKnown && granted.all.has(keyOf(verb, scope)) };
}
