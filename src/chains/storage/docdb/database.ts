import type { SignedDocument } from './document.ts';

/** A database that keeps one document under each key. */
export interface Database {
  /** Writes the document in the place of one with the same key. */
  put(document: SignedDocument, signal: AbortSignal): Promise<void>;
}

/** The failure of a database, with whether another try may help. */
export class DatabaseError extends Error {
  override name = 'DatabaseError';
  readonly retryable: boolean;
  constructor(message: string, options: ErrorOptions & { retryable: boolean }) {
    super(message, options);
    this.retryable = options.retryable;
  }
}

/** The result, or a rejection as soon as the signal says so: for clients that know no signals. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  work.catch(() => {}); // when it fails after all have gone
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (stop) signal.removeEventListener('abort', stop);
  }
}
