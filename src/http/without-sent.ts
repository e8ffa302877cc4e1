/** What a service was sent, by how much of it an error may repeat. */
export interface Sent {
  /** Values of headers, names and passwords of URLs: no part of 4 characters or more. */
  credentials: readonly string[];
  /** No part of 20 characters or more: tokens, keys. Short words of it may be what is wrong. */
  body: string;
}

const CREDENTIAL_PART = 4;
const BODY_PART = 20;
/** Characters of tokens and passwords as they are written; everything else parts words. */
const WORDS = /[A-Za-z0-9+_.~!$%@-]+/g;

/**
 * The words of a service without what it was sent: some repeat a request in their errors, token and all, and errors are
 * read by everybody who sees a run. Linear in the text for what was sent; a service that hides what it repeats is none
 * that an operator should name.
 */
export function withoutSent(text: string, { credentials, body }: Sent): string {
  const parts = credentials.flatMap((credential) => credential.match(WORDS) ?? []);
  const told = parts.filter((part) => part.length >= CREDENTIAL_PART);
  return text.replaceAll(WORDS, (word) => {
    const bare = word.replace(/[.!]+$/, '');
    const isTold = told.some((part) => word.includes(part) || (bare.length >= CREDENTIAL_PART && part.includes(bare)));
    return isTold || (bare.length >= BODY_PART && body.includes(bare)) ? '***' : word;
  });
}
