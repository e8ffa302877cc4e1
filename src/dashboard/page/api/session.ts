import { useEffect, useState } from 'react';
import { textOf, unauthorized } from './request.ts';
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

/** Whether anything was refused since nobody knows who asks. */
export function useUnauthorized(): boolean {
  const [isUnauthorized, setUnauthorized] = useState(false);
  useEffect(() => {
    const tell = () => setUnauthorized(true);
    addEventListener(unauthorized, tell);
    return () => removeEventListener(unauthorized, tell);
  }, []);
  return isUnauthorized;
}
