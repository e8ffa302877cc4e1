import { systemClock } from '../../../clock.ts';
import { messageOf } from '../../../errors.ts';
import { jsonOf, joinUrl, request, type Request, type Surroundings } from '../service.ts';
import { SigningError } from '../signer.ts';

async function auth() {
  const { GoogleAuth } = await import('google-auth-library');
  return new GoogleAuth({ scopes: 'https://www.googleapis.com/auth/cloud-platform' });
}

/** Whether a metadata server answers (GKE, Compute Engine), or a key file is set. */
export async function onGoogleCloud(): Promise<boolean> {
  if (process.env.GOOGLE_APPLICATION_CREDENTIALS) return true;
  const { gcpMetadata } = await import('google-auth-library');
  return gcpMetadata.isAvailable();
}

/**
 * A function that gives access tokens of the application default credentials; the library keeps them while they are
 * valid.
 */
export function googleAccessToken(): () => Promise<string> {
  let kept: ReturnType<typeof auth> | undefined;
  return async () => {
    try {
      kept ??= auth();
      const token = await (await kept).getAccessToken();
      if (token) return token;
      throw new Error('they give no access token');
    } catch (error) {
      throw new SigningError(
        `Google credentials: ${messageOf(error)}; use Workload Identity, or mount a key file and set GOOGLE_APPLICATION_CREDENTIALS`,
        { cause: error },
      );
    }
  };
}

/** An ID token of the Pod's Google service account (Workload Identity, or a key file). */
export async function googleIdToken(audience: string): Promise<string> {
  try {
    const client = await (await auth()).getIdTokenClient(audience);
    return await client.idTokenProvider.fetchIdToken(audience);
  } catch (error) {
    throw new SigningError(
      `Google Workload Identity gives no ID token: ${messageOf(error)}; check that the ServiceAccount of Chains is bound to a Google service account`,
      { cause: error },
    );
  }
}

/** An ID token of another service account, with its e-mail address in it (IAM Credentials API, generateIdToken). */
export async function impersonatedIdToken(
  account: string,
  audience: string,
  signal: AbortSignal,
  around: Surroundings,
): Promise<string> {
  const base =
    (around.env ?? process.env).CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS ??
    'https://iamcredentials.googleapis.com/';
  const wanted: Request = {
    service: 'Google IAM credentials',
    url: joinUrl(base, `v1/projects/-/serviceAccounts/${encodeURIComponent(account)}:generateIdToken`),
    headers: { authorization: `Bearer ${await googleAccessToken()()}` },
    body: { audience, includeEmail: true },
    wayOut: `give the account of Chains roles/iam.serviceAccountTokenCreator on ${account} (GOOGLE_SERVICE_ACCOUNT_NAME)`,
  };
  const answer = jsonOf(wanted, await request(wanted, signal, around.clock ?? systemClock)) as { token?: string };
  return answer.token ?? '';
}
