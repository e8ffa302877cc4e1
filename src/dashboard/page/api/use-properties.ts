import { useEffect, useState } from 'react';
import type { Properties } from '../../contract.ts';
import { readJson } from './request.ts';

let asked: Promise<Properties> | undefined;

/** What the server says of itself, asked once; undefined until then, and when it does not say. */
export function useProperties(): Properties | undefined {
  const [properties, setProperties] = useState<Properties>();
  useEffect(() => {
    asked ??= readJson<Properties>('v1/properties', AbortSignal.timeout(30_000));
    asked.then(setProperties, () => (asked = undefined));
  }, []);
  return properties;
}
