import { useEffect, useState } from 'react';
import type { KubeObject } from '../../../resource.ts';
import { followObjects, type Objects, type ObjectSource } from './objects.ts';

const none = { byName: new Map<string, never>(), isLive: false, isLoaded: false };

/** Objects as they are now, for as long as the component is there; nothing without a source. */
export function useObjects<T extends KubeObject>(source: ObjectSource | undefined): Objects<T> {
  const [objects, setObjects] = useState<Objects<T>>(none);
  const key = JSON.stringify(source);
  useEffect(() => {
    setObjects(none);
    if (key === undefined) return undefined;
    const gone = new AbortController();
    void followObjects<T>(JSON.parse(key) as ObjectSource, setObjects, gone.signal);
    return () => gone.abort();
  }, [key]);
  return objects;
}
