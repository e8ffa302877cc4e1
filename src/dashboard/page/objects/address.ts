import { noNamespace } from '../api/paths.ts';

/** Which objects a list shows: parts of its address. */
export interface ListPlace {
  kind?: string;
  ns?: string;
  q?: string;
}

export function listPlaceIn(search: string): ListPlace {
  const asked = new URLSearchParams(search);
  const parts = (['kind', 'ns', 'q'] as const).flatMap((part) => {
    const value = asked.get(part);
    return value ? [[part, value]] : [];
  });
  return Object.fromEntries(parts) as ListPlace;
}

/** @param base of the list: `/definitions` */
export function listHref(base: string, place: ListPlace): string {
  const given = Object.entries(place).filter((pair): pair is [string, string] => Boolean(pair[1]));
  return given.length === 0 ? base : `${base}?${new URLSearchParams(given)}`;
}

export interface ObjectName {
  kind: string;
  namespace: string | undefined;
  name: string;
}

/** @param part after the name: a tab, or `start` */
export function objectHref(base: string, { kind, namespace = noNamespace, name }: ObjectName, part?: string): string {
  const segments = [namespace, kind, name, ...(part === undefined ? [] : [part])];
  return [base, ...segments.map(encodeURIComponent)].join('/');
}
