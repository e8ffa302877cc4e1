import { useEffect, useState } from 'react';
import { textOf, unauthorized, type Unauthorized } from './request.ts';
import { change } from './write.ts';

/** @throws RefusedError with what the server said of the token */
export async function signIn(token: string): Promise<void> {
  await change('POST', 'v1/session', { token });
}

/** Forgets the token, and all that was read with it. */
export async function signOut(): Promise<void> {
  await change('DELETE', 'v1/session').catch((error: unknown) => alert(textOf(error)));
  location.reload();
}

/** Who refused something since nobody knows who asks; undefined: nobody did. */
export function useUnauthorized(): Unauthorized | undefined {
  const [by, setBy] = useState<Unauthorized>();
  useEffect(() => {
    const tell = (event: Event) => setBy((event as CustomEvent<Unauthorized>).detail);
    addEventListener(unauthorized, tell);
    return () => removeEventListener(unauthorized, tell);
  }, []);
  return by;
}
