import { messageOf } from '../../../errors.ts';
import { SigningError } from '../signer.ts';

async function auth() {
  const { GoogleAuth } = await import('google-auth-library');
  return new GoogleAuth({ scopes: 'https://www.googleapis.com/auth/cloud-platform' });
}

/** Whether a metadata server answers (GKE, Compute Engine). */
export async function onGoogleCloud(): Promise<boolean> {
  if (process.env.GOOGLE_APPLICATION_CREDENTIALS) return true;
  const { gcpMetadata } = await import('google-auth-library');
  return gcpMetadata.isAvailable();
}

/** An ID token of the Pod's Google service account (Workload Identity, or a key file). */
export async function googleIdToken(audience: string): Promise<string> {
  try {
    const client = await (await auth()).getIdTokenClient(audience);
    return await client.idTokenProvider.fetchIdToken(audience);
  } catch (error) {
    throw new SigningError(`Google Workload Identity gives no ID token: ${messageOf(error)}; check that the ServiceAccount of Chains is bound to a Google service account`, { cause: error });
  }
}

/** An ID token of another service account, with its e-mail address in it. */
export async function impersonatedIdToken(targetPrincipal: string, audience: string): Promise<string> {
  try {
    const { Impersonated } = await import('google-auth-library');
    const sourceClient = await (await auth()).getClient();
    const client = new Impersonated({ sourceClient: sourceClient as never, targetPrincipal, targetScopes: ['https://www.googleapis.com/auth/cloud-platform'] });
    return await client.fetchIdToken(audience, { includeEmail: true });
  } catch (error) {
    throw new SigningError(`Google service account ${targetPrincipal} (GOOGLE_SERVICE_ACCOUNT_NAME) cannot be impersonated: ${messageOf(error)}; give roles/iam.serviceAccountTokenCreator on it`, { cause: error });
  }
}
