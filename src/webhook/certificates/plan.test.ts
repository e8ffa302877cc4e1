import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { lifetimes, nextCertificates, SETTLE_MS, type CertificateData } from './plan.ts';

const names = ['tekton-pipelines-webhook.tekton-pipelines.svc', 'tekton-pipelines-webhook'];
const start = new Date('2026-01-01T00:00:00Z');
const after = (ms: number) => new Date(start.getTime() + ms);

function authorities({ 'ca-cert.pem': bundle }: CertificateData): X509Certificate[] {
  return (bundle.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []).map((pem) => new X509Certificate(pem));
}

/** Whether a client that trusts this bundle believes that server, whatever the time. */
function trusts(bundle: CertificateData, { 'server-cert.pem': pem }: CertificateData): boolean {
  const server = new X509Certificate(pem);
  return authorities(bundle).some((authority) => server.verify(authority.publicKey));
}

describe('certificates', () => {
  it('are made where there are none', async () => {
    const made = await nextCertificates({}, names, start);
    const server = new X509Certificate(made['server-cert.pem']);
    expect(names.map((name) => server.checkHost(name))).toEqual(names);
    expect(server.checkHost('other.svc')).toBeUndefined();
    expect(server.ca).toBe(false);
    expect(authorities(made).map(({ ca }) => ca)).toEqual([true]);
    expect(trusts(made, made)).toBe(true);
  });

  it.each([
    ['half a secret, as upstream leaves it', { 'server-cert.pem': 'x', 'server-key.pem': 'x', 'ca-cert.pem': 'x' }],
    [
      'no certificates at all',
      { 'server-cert.pem': 'x', 'server-key.pem': 'x', 'ca-cert.pem': 'x', 'ca-key.pem': 'x' },
    ],
  ])('are made anew for %s', async (_what, found) => {
    const made = await nextCertificates(found, names, start);
    expect(trusts(made, made)).toBe(true);
  });

  it('stay while they are young', async () => {
    const made = await nextCertificates({}, names, start);
    expect(await nextCertificates(made, names, after(lifetimes.serverMs * 0.6))).toBe(made);
  });

  it("a server's is renewed by the same authority: what is trusted stays the same", async () => {
    const made = await nextCertificates({}, names, start);
    const renewed = await nextCertificates(made, names, after(lifetimes.serverMs * 0.7));
    expect(renewed['server-cert.pem']).not.toBe(made['server-cert.pem']);
    expect(renewed['ca-cert.pem']).toBe(made['ca-cert.pem']);
    expect(trusts(made, renewed)).toBe(true);
  });

  it('are for the names asked for', async () => {
    const made = await nextCertificates({}, ['old.svc'], start);
    const renewed = await nextCertificates(made, names, after(2 * SETTLE_MS));
    expect(new X509Certificate(renewed['server-cert.pem']).checkHost(names[0] ?? '')).toBe(names[0]);
  });

  it('a new authority is trusted before anything is signed by it, and the old one as long as it is valid', async () => {
    let current = await nextCertificates({}, names, start);
    let most = 1;
    for (let day = 0; day < 4 * 365; day += 7) {
      const now = after(day * 24 * 60 * 60_000);
      const next = await nextCertificates(current, names, now);
      // A caller that has the bundle of last time believes the server of this time, and the other way round.
      expect([day, trusts(current, next), trusts(next, current)]).toEqual([day, true, true]);
      expect(new X509Certificate(next['server-cert.pem']).validToDate > now).toBe(true);
      most = Math.max(most, authorities(next).length);
      current = next;
    }
    expect(most).toBe(2);
  });
});
