const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The certificates in a text, PEM without a newline at the end, in their order; what else is in it is passed over. */
export function certificatesIn(text: string): string[] {
  return [...(text.match(certificate) ?? [])];
}
