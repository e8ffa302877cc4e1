import { useEffect, useState } from 'react';
import type { DefinitionUse, DefinitionUses } from '../../contract.ts';
import { addressOf, readJson } from './request.ts';

/** Counts follow changes, but not each of them. */
const AGAIN_MS = 3_000;

/** How definitions were used, by kind, namespace and name. */
export interface Uses {
  byKey: ReadonlyMap<string, DefinitionUse>;
  isCut: boolean;
}

export function keyOfUse(kind: string, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

/**
 * How definitions were used, read again as runs change; nothing while it cannot be read: it is told beside other
 * things. @param query of `GET /v1/definitions`; undefined: nothing is asked
 */
export function useUses(query: string | undefined): Uses | undefined {
  const [uses, setUses] = useState<Uses>();
  useEffect(() => {
    setUses(undefined);
    if (query === undefined) return undefined;
    const gone = new AbortController();
    let waiting: ReturnType<typeof setTimeout> | undefined;
    const read = () =>
      void readJson<DefinitionUses>(`v1/definitions?${query}`, gone.signal).then(
        ({ items, isCut }) =>
          setUses({ isCut, byKey: new Map(items.map((use) => [keyOfUse(use.kind, use.namespace, use.name), use])) }),
        () => undefined,
      );
    const readLater = () => {
      waiting ??= setTimeout(() => {
        waiting = undefined;
        read();
      }, AGAIN_MS);
    };
    const events = new EventSource(addressOf(`v1/runs/changes?${query}`));
    events.addEventListener('ready', read);
    events.addEventListener('change', readLater);
    // Behind a proxy without streams it is read once.
    events.addEventListener('error', readLater, { once: true });
    return () => {
      gone.abort();
      events.close();
      clearTimeout(waiting);
    };
  }, [query]);
  return uses;
}
