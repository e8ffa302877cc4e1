import { X509Certificate } from 'node:crypto';
import type { Observed } from './observe.ts';
import type { CertificateState, Finding } from './report.ts';

type Webhook = Observed['webhooks'][number];

const LONGEST_BUNDLE = 256 * 1024;
const MOST_CERTIFICATES = 20;
const LONGEST_SUBJECT = 300;

/** The authorities that webhook configurations trust, those that end first before the others. */
export function certificatesOf(webhooks: readonly Webhook[]): CertificateState[] {
  const found = new Map<string, CertificateState>();
  for (const webhook of webhooks) {
    const name = webhook.metadata.name ?? '';
    for (const certificate of bundlesOf(webhook).flatMap(certificatesIn)) {
      const known = found.get(certificate.fingerprint256);
      if (known?.webhooks.includes(name)) continue;
      if (known === undefined && found.size < MOST_CERTIFICATES)
        found.set(certificate.fingerprint256, stateOf(certificate, name));
      known?.webhooks.push(name);
    }
  }
  return [...found.values()].toSorted((one, other) => Date.parse(one.notAfter) - Date.parse(other.notAfter));
}

function stateOf(certificate: X509Certificate, webhook: string): CertificateState {
  return {
    subject: certificate.subject.replaceAll('\n', ', ').slice(0, LONGEST_SUBJECT),
    webhooks: [webhook],
    notBefore: new Date(certificate.validFrom).toISOString(),
    notAfter: new Date(certificate.validTo).toISOString(),
  };
}

/** Texts of the certificates, PEM. */
function bundlesOf({ webhooks = [] }: Webhook): string[] {
  const bundles = new Set(webhooks.map(({ clientConfig }) => clientConfig.caBundle ?? ''));
  return [...bundles].filter((text) => text !== '' && text.length < LONGEST_BUNDLE).map(decoded);
}

function decoded(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8');
}

function certificatesIn(bundle: string): X509Certificate[] {
  const texts = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return texts.slice(0, MOST_CERTIFICATES).flatMap((text) => {
    try {
      return [new X509Certificate(text)];
    } catch {
      // The API server trusts nobody by it either: the configuration is told of as one that trusts nobody.
      return [];
    }
  });
}

/**
 * What keeps the API server from calling a webhook, now or soon. An authority is followed by the next one when a third
 * of its time is left (src/webhook/certificates/plan.ts): where that has not happened, the webhook neglects its work.
 */
export function certificateFindings(webhooks: readonly Webhook[], now: Date): Finding[] {
  return webhooks.flatMap((webhook) => {
    const about = `webhook configuration ${webhook.metadata.name ?? ''}`;
    const remedy =
      'the webhook writes it: see the log of Deployment tekton-pipelines-webhook, or cert-manager where certificates are its own';
    const ends = bundlesOf(webhook)
      .flatMap(certificatesIn)
      .map(({ validFrom, validTo }) => ({ from: Date.parse(validFrom), to: Date.parse(validTo) }));
    const last = ends.toSorted((one, other) => other.to - one.to)[0];
    if ((webhook.webhooks ?? []).length === 0) return [];
    if (last === undefined)
      return [finding('problem', about, 'it trusts no certificate: what it should judge is refused', remedy)];
    const left = last.to - now.getTime();
    if (left <= 0)
      return [finding('problem', about, `what it trusts ended at ${new Date(last.to).toISOString()}`, remedy)];
    // A little later than the webhook would act.
    if (left < (last.to - last.from) / 4)
      return [finding('warning', about, `what it trusts ends at ${new Date(last.to).toISOString()}`, remedy)];
    return [];
  });
}

function finding(severity: Finding['severity'], about: string, text: string, remedy: string): Finding {
  return { severity, about, text, remedy };
}
