import { X509Certificate } from 'node:crypto';
import { Gauge, type Registry } from 'prom-client';

/** Metrics of the certificate that a role serves with; `tektite doctor` reads them. Seconds since 1970. */
export const servedFrom = 'tektite_served_certificate_not_before_timestamp_seconds';
export const servedUntil = 'tektite_served_certificate_not_after_timestamp_seconds';

/**
 * Says by metrics from when and until when what a role serves with is valid. Returns the way to tell of the one in use,
 * PEM; one that cannot be read leaves the metrics as they were, for it cannot be served with either.
 */
export function servedCertificate(registry: Registry): (pem: string) => void {
  const registers = [registry];
  const from = new Gauge({ name: servedFrom, help: 'When the served certificate was made', registers });
  const until = new Gauge({ name: servedUntil, help: 'When the served certificate ends', registers });
  return (pem) => {
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(pem);
    } catch {
      return;
    }
    from.set(Date.parse(certificate.validFrom) / 1000);
    until.set(Date.parse(certificate.validTo) / 1000);
  };
}
