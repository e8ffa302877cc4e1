import { refusalOf } from '../registry-error.ts';
import { RegistryTransport } from '../transport.ts';
import type { CloudHelper } from './helper.ts';

export interface AcrOptions {
  transport?: RegistryTransport;
  /** An access token of Microsoft Entra ID for Azure's management; default: DefaultAzureCredential. */
  accessToken?: (scope: string, signal: AbortSignal) => Promise<string>;
  /** Base URL of a registry; default https. */
  baseUrl?: (host: string) => string;
}

/** Scope of the cloud that a registry belongs to. */
const scopes: Readonly<Record<string, string>> = {
  'azurecr.io': 'https://management.azure.com/.default',
  'azurecr.cn': 'https://management.chinacloudapi.cn/.default',
  'azurecr.us': 'https://management.usgovcloudapi.net/.default',
};
/** What ACR wants as user name beside a refresh token. */
const nobody = '00000000-0000-0000-0000-000000000000';
/** ACR's refresh tokens last three hours. */
const lifeMs = 3 * 3600_000;

/** Azure Container Registry: the access token of this process's identity is exchanged for one of the registry's. */
export function acrHelper(options: AcrOptions = {}): CloudHelper {
  const transport = options.transport ?? new RegistryTransport();
  const accessToken = options.accessToken ?? defaultAccessToken;
  return {
    name: 'ACR',
    serves: (host) => scopeOf(host) !== undefined,
    async issue(host, signal) {
      const access = await accessToken(scopeOf(host) ?? '', signal);
      const form = new URLSearchParams({ grant_type: 'access_token', service: host, access_token: access });
      if (process.env['AZURE_TENANT_ID']) form.set('tenant', process.env['AZURE_TENANT_ID']);
      const url = new URL('/oauth2/exchange', options.baseUrl?.(host) ?? `https://${host}`);
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const answer = await transport.send(
        { method: 'POST', url, operation: 'token', headers, body: form.toString() },
        signal,
      );
      if (answer.status !== 200) throw refusalOf(answer);
      const { refresh_token: identityToken } = JSON.parse(answer.body.toString('utf8')) as { refresh_token?: string };
      if (!identityToken) throw new Error(`${host}/oauth2/exchange answered without a refresh_token`);
      const credentials = { username: nobody, password: identityToken, identityToken };
      return { credentials, expiresAt: new Date(transport.clock.now().getTime() + lifeMs) };
    },
  };
}

function scopeOf(host: string): string | undefined {
  return scopes[host.split('.').slice(-2).join('.')];
}

async function defaultAccessToken(scope: string, signal: AbortSignal): Promise<string> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  const token = await new DefaultAzureCredential().getToken(scope, { abortSignal: signal });
  return token.token;
}
