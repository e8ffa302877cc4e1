import type { CloudHelper } from './helper.ts';

const hostForm =
  /^(\d{12})\.dkr[.-]ecr(-fips)?\.([a-z0-9-]+)\.(amazonaws\.com(\.cn)?|on\.aws|on\.amazonwebservices\.com\.cn)$/;

/**
 * Amazon ECR: GetAuthorizationToken with the SDK's own chain of credentials (IRSA, pod identity, instance role,
 * environment).
 */
export function ecrHelper(): CloudHelper {
  return {
    name: 'ECR',
    serves: (host) => hostForm.test(host),
    async issue(host, signal) {
      const [, account = '', fips, region = ''] = hostForm.exec(host) ?? [];
      const { ECRClient, GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr');
      const client = new ECRClient({ region, useFipsEndpoint: fips !== undefined, maxAttempts: 3 });
      try {
        const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({ registryIds: [account] }), {
          abortSignal: signal,
        });
        const [data] = authorizationData ?? [];
        const [username, password] = splitOnce(Buffer.from(data?.authorizationToken ?? '', 'base64').toString('utf8'));
        if (password === undefined) throw new Error('GetAuthorizationToken answered without a token');
        return { credentials: { username, password }, ...(data?.expiresAt ? { expiresAt: data.expiresAt } : {}) };
      } finally {
        client.destroy();
      }
    },
  };
}

function splitOnce(text: string): [string, string | undefined] {
  const colon = text.indexOf(':');
  return colon < 0 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)];
}
