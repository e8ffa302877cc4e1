import { describe, expect, it } from 'vitest';
import { documentsOf } from './discovery.ts';
import { createTestIssuer, serviceAccountIdentity } from './issuer.ts';
import { signingConfig } from './trusted-root.ts';

const validFrom = new Date('2026-01-02T03:04:05Z');
const urls = {
  fulcioUrl: 'http://f',
  rekorUrl: 'http://r',
  rekorTilesUrl: 'http://t',
  tsaUrl: 'http://s/api/v1/timestamp',
};

describe('signingConfig', () => {
  it.each([
    [
      'Rekor v1 when there is no other',
      { ...urls, rekorTilesUrl: undefined },
      [{ url: 'http://r', majorApiVersion: 1 }],
    ],
    ['Rekor v2 where both run', urls, [{ url: 'http://t', majorApiVersion: 2 }]],
    ['no log', { tsaUrl: urls.tsaUrl }, []],
  ])('names %s', (_name, given, logs) => {
    expect(signingConfig(given, validFrom)).toMatchObject({ rekorTlogUrls: logs });
  });

  it('says how many of a kind a signer uses only where there are some', () => {
    expect(signingConfig({ fulcioUrl: 'http://f' }, validFrom)).not.toHaveProperty('rekorTlogConfig');
    expect(signingConfig(urls, validFrom)).toMatchObject({
      rekorTlogConfig: { selector: 'ANY' },
      tsaConfig: { selector: 'ANY' },
    });
  });
});

describe('an issuer', () => {
  it.each([
    [
      'https://kubernetes.default.svc.cluster.local',
      '/.well-known/openid-configuration',
      'https://kubernetes.default.svc.cluster.local/openid/v1/jwks',
    ],
    [
      'https://issuer.example.com/clusters/7',
      '/clusters/7/.well-known/openid-configuration',
      'https://issuer.example.com/clusters/7/openid/v1/jwks',
    ],
  ])('%s is discovered under its own path', (url, path, keys) => {
    const documents = documentsOf(createTestIssuer(url));
    expect(documents.get(path)).toMatchObject({ issuer: url, jwks_uri: keys });
    expect([...documents.keys()]).toContain(new URL(keys).pathname);
  });

  it('makes tokens as a cluster does', () => {
    const now = new Date('2026-01-02T03:04:05Z');
    const [, claims] = createTestIssuer().serviceAccountToken('ns', 'sa', { now, seconds: 60 }).split('.');
    expect(JSON.parse(Buffer.from(claims ?? '', 'base64url').toString())).toMatchObject({
      sub: 'system:serviceaccount:ns:sa',
      aud: ['sigstore'],
      exp: now.getTime() / 1000 + 60,
      'kubernetes.io': { namespace: 'ns', serviceaccount: { name: 'sa' } },
    });
    expect(serviceAccountIdentity('ns', 'sa')).toBe('https://kubernetes.io/namespaces/ns/serviceaccounts/sa');
  });
});
