import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import { useLocation } from 'wouter';

interface AddressFieldProps {
  name: string;
  label: string;
  hint: string;
  /** What the address has now. */
  value: string;
  /** The address with another value; empty: without it. */
  hrefOf: (value: string) => string;
  offers?: readonly string[];
}

const TYPING_MS = 250;

/** A field to search with whose value is a part of the address. */
export function AddressField({ name, label, hint, value, hrefOf, offers = [] }: AddressFieldProps): ReactNode {
  const id = useId();
  const [, navigate] = useLocation();
  const [typed, setTyped] = useState(value);
  const latest = useRef(hrefOf);
  useEffect(() => void (latest.current = hrefOf));
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed === value) return undefined;
    const timer = setTimeout(() => navigate(latest.current(typed.trim()), { replace: true }), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed, value, navigate]);
  return (
    <div className={`field field-${name}`}>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="search"
        value={typed}
        placeholder={hint}
        autoComplete="off"
        spellCheck={false}
        {...(offers.length > 0 ? { list: `${id}-offers` } : {})}
        onChange={(event) => setTyped(event.target.value)}
      />
      {offers.length > 0 && (
        <datalist id={`${id}-offers`}>
          {offers.map((offer) => (
            <option key={offer} value={offer} />
          ))}
        </datalist>
      )}
    </div>
  );
}
