import { createPublicKey } from 'node:crypto';
import type * as AwsSdk from '@aws-sdk/client-kms';
import type { KMSClient as AwsKms, SigningAlgorithmSpec } from '@aws-sdk/client-kms';
import { isAbort, messageOf } from '../../../errors.ts';
import type { HashName, SigningAlgorithm } from '../algorithm.ts';
import { SigningError } from '../signer.ts';
import type { KmsClient } from './kms.ts';

const timeoutMs = 10_000;

/** AWS KMS with the SDK's credential chain (environment, web identity of the ServiceAccount, instance role). */
export function awsClient(reference: { endpoint: string; key: string; region?: string }): KmsClient {
  const description = `awskms://${reference.endpoint}/${reference.key}`;
  let loaded: Promise<{ client: AwsKms; sdk: typeof AwsSdk }> | undefined;

  function load() {
    loaded ??= import('@aws-sdk/client-kms').then((sdk) => ({
      sdk,
      client: new sdk.KMSClient({
        ...(reference.endpoint === '' ? {} : { endpoint: `https://${reference.endpoint}` }),
        ...(reference.region === undefined ? {} : { region: reference.region }),
        maxAttempts: 3,
      }),
    }));
    return loaded;
  }

  async function call<T>(
    action: string,
    signal: AbortSignal,
    work: (aws: Awaited<ReturnType<typeof load>>, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    try {
      return await work(await load(), AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
    } catch (error) {
      if (isAbort(error, signal) && signal.aborted) throw error;
      const name = error instanceof Error ? error.name : '';
      const final = /AccessDenied|NotFound|InvalidKeyUsage|Disabled|KMSInvalidState/.test(name);
      throw new SigningError(
        `AWS KMS ${description}: ${action}: ${name === '' || name === 'Error' ? '' : `${name}: `}${messageOf(error)}; check the key, the region (AWS_REGION) and that the role may kms:GetPublicKey and kms:Sign`,
        { cause: error, retryable: !final },
      );
    }
  }

  return {
    description,
    fetchKey: (signal) =>
      call('GetPublicKey', signal, async ({ client, sdk }, abortSignal) => {
        const answer = await client.send(new sdk.GetPublicKeyCommand({ KeyId: reference.key }), { abortSignal });
        const publicKey = createPublicKey({ key: Buffer.from(answer.PublicKey ?? []), format: 'der', type: 'spki' });
        const chosen = choose(answer.SigningAlgorithms ?? []);
        if (chosen === undefined)
          throw new Error(
            `the key signs with ${(answer.SigningAlgorithms ?? []).join(', ') || 'nothing'}; cosign verifies RSASSA and ECDSA: use a key of KeySpec ECC_NIST_P256 and KeyUsage SIGN_VERIFY`,
          );
        return { publicKey, algorithm: chosen, version: answer.KeyId ?? reference.key };
      }),
    sign: (key, input, signal) =>
      call('Sign', signal, async ({ client, sdk }, abortSignal) => {
        const answer = await client.send(
          new sdk.SignCommand({
            KeyId: reference.key,
            Message: input,
            MessageType: 'DIGEST',
            SigningAlgorithm: specOf(key.algorithm),
          }),
          { abortSignal },
        );
        if (answer.Signature === undefined) throw new Error('the answer has no signature');
        return answer.Signature;
      }),
  };
}

/** In the order of what a plain `cosign verify --key` accepts. */
const PREFERRED: readonly [SigningAlgorithmSpec, SigningAlgorithm['scheme'], HashName][] = [
  ['ECDSA_SHA_256', 'ecdsa', 'sha256'],
  ['RSASSA_PKCS1_V1_5_SHA_256', 'rsa-pkcs1v15', 'sha256'],
  ['ECDSA_SHA_384', 'ecdsa', 'sha384'],
  ['ECDSA_SHA_512', 'ecdsa', 'sha512'],
  ['RSASSA_PKCS1_V1_5_SHA_512', 'rsa-pkcs1v15', 'sha512'],
  ['RSASSA_PSS_SHA_256', 'rsa-pss', 'sha256'],
];

function choose(offered: readonly string[]): SigningAlgorithm | undefined {
  const found = PREFERRED.find(([name]) => offered.includes(name));
  return found === undefined ? undefined : ({ scheme: found[1], hash: found[2] } as SigningAlgorithm);
}

function specOf(algorithm: SigningAlgorithm): SigningAlgorithmSpec {
  const found = PREFERRED.find(([, scheme, hash]) => scheme === algorithm.scheme && hash === algorithm.hash);
  if (found === undefined) throw new Error(`no signing algorithm for ${algorithm.scheme}`);
  return found[0];
}
