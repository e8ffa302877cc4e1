import type { GoogleAuth } from 'google-auth-library';
import type { CloudHelper } from './helper.ts';

const scope = 'https://www.googleapis.com/auth/cloud-platform';

/**
 * Google Artifact Registry and Container Registry: an access token of the application default credentials as password.
 */
export function gcrHelper(): CloudHelper {
  let auth: GoogleAuth | undefined;
  return {
    name: 'Google',
    serves: (host) => host === 'gcr.io' || host.endsWith('.gcr.io') || host.endsWith('.pkg.dev'),
    async issue(_host, signal) {
      const { GoogleAuth } = await import('google-auth-library');
      auth ??= new GoogleAuth({ scopes: [scope] });
      // The library keeps the token until shortly before it ends.
      const password = await abortable(auth.getAccessToken(), signal);
      if (!password) throw new Error('the application default credentials gave no access token');
      return { credentials: { username: 'oauth2accesstoken', password } };
    },
  };
}

/** The library takes no signal; without a metadata server it tries for long. */
async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
