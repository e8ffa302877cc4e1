import { useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { useProperties } from '../api/use-properties.ts';

/** Of an address only what the server knows, in one order: the same question has one name. */
export function queryIn(search: string, names: readonly string[]): string {
  const asked = new URLSearchParams(search);
  const query = new URLSearchParams();
  for (const name of names) {
    const values = asked.getAll(name).join(',');
    if (values !== '') query.set(name, values);
  }
  return query.toString();
}

/** The address of a page with another value of one filter; empty: without it. */
export function hrefOf(base: string, query: string, name: string, value: string): string {
  const next = new URLSearchParams(query);
  if (value === '') next.delete(name);
  else next.set(name, value);
  const text = next.toString();
  return text === '' ? base : `${base}?${text}`;
}

/** The operator's choice of where a page begins, until somebody asks for something. */
export function useDefaultNamespace(base: string, search: string): void {
  const namespace = useProperties()?.defaultNamespace;
  const [, navigate] = useLocation();
  const [isFirst, setFirst] = useState(search === '');
  useEffect(() => {
    if (!isFirst || namespace === undefined) return;
    setFirst(false);
    navigate(hrefOf(base, '', 'ns', namespace), { replace: true });
  }, [isFirst, namespace, navigate, base]);
}
