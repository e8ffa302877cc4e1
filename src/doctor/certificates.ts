import { X509Certificate } from 'node:crypto';
import { certificatesIn } from '../pem.ts';
import type { Observed } from './observe.ts';
import type { CertificateState, Finding } from './report.ts';

type Webhook = Observed['webhooks'][number];

const LONGEST_BUNDLE = 256 * 1024;
const MOST_CERTIFICATES = 20;
const LONGEST_SUBJECT = 300;

/** Whom the API server trusts when it calls by a webhook configuration. */
export interface Trust {
  webhook: string;
  isCalled: boolean;
  authorities: readonly X509Certificate[];
}

/** Reads the bundles of webhook configurations, each once. */
export function trustOf({ metadata, webhooks = [] }: Webhook): Trust {
  const bundles = new Set(webhooks.map(({ clientConfig }) => clientConfig.caBundle ?? ''));
  const authorities = [...bundles].flatMap((bundle) => (bundle.length < LONGEST_BUNDLE ? authoritiesIn(bundle) : []));
  return { webhook: metadata.name ?? '', isCalled: webhooks.length > 0, authorities };
}

function authoritiesIn(bundle: string): X509Certificate[] {
  const texts = certificatesIn(Buffer.from(bundle, 'base64').toString('utf8'));
  return texts.slice(0, MOST_CERTIFICATES).flatMap((text) => {
    try {
      return [new X509Certificate(text)];
    } catch {
      // The API server trusts nobody by it either: the configuration is told of as one that trusts nobody.
      return [];
    }
  });
}

/** The authorities that webhook configurations trust, those that end first before the others. */
export function certificatesOf(trusts: readonly Trust[]): CertificateState[] {
  const found = new Map<string, CertificateState>();
  for (const { webhook, authorities } of trusts) {
    for (const authority of authorities) {
      const known = found.get(authority.fingerprint256);
      if (known?.webhooks.includes(webhook)) continue;
      if (known === undefined && found.size < MOST_CERTIFICATES)
        found.set(authority.fingerprint256, stateOf(authority, webhook));
      known?.webhooks.push(webhook);
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

/**
 * What keeps the API server from calling a webhook, now or soon. An authority is followed by the next one when a third
 * of its time is left (src/webhook/certificates/plan.ts): where that has not happened, the webhook neglects its work.
 */
export function certificateFindings(trusts: readonly Trust[], now: Date): Finding[] {
  return trusts.flatMap(({ webhook, isCalled, authorities }) => {
    if (!isCalled) return [];
    const about = `webhook configuration ${webhook}`;
    const remedy =
      'the webhook writes it: see the log of Deployment tekton-pipelines-webhook, or cert-manager where certificates are its own';
    const ends = authorities.map(({ validFrom, validTo }) => ({
      from: Date.parse(validFrom),
      to: Date.parse(validTo),
    }));
    const last = ends.toSorted((one, other) => other.to - one.to)[0];
    if (last === undefined)
      return [
        {
          severity: 'problem',
          about,
          text: 'it trusts no certificate: what it should judge is refused',
          remedy,
        } as const,
      ];
    const found = ageFinding('what it trusts', last, now);
    return found === undefined ? [] : [{ about, remedy, ...found }];
  });
}

/** What its age says of a certificate; milliseconds since 1970. */
export function ageFinding(
  what: string,
  { from, to }: { from: number; to: number },
  now: Date,
): Pick<Finding, 'severity' | 'text'> | undefined {
  const left = to - now.getTime();
  if (left <= 0) return { severity: 'problem', text: `${what} ended at ${new Date(to).toISOString()}` };
  // A little later than a role would act.
  if (left < (to - from) / 4) return { severity: 'warning', text: `${what} ends at ${new Date(to).toISOString()}` };
  return undefined;
}
