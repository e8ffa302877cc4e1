export interface HttpFailure {
  host: string;
  /** What the server answered; 0: it did not, or was not asked. */
  status: number;
  /** Whether the same request may succeed later. */
  retryable: boolean;
}

/**
 * A request that did not get its answer. The message is ours: it may end in a condition that others read, so nothing of
 * a foreign body is in it.
 */
export class HttpError extends Error implements HttpFailure {
  override name = 'HttpError';
  readonly host: string;
  readonly status: number;
  readonly retryable: boolean;

  constructor(failure: HttpFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.host = failure.host;
    this.status = failure.status;
    this.retryable = failure.retryable;
  }
}

const longestHost = 100;

/** A URL's host as messages name it: whoever made up the URL does not decide how long they get. */
export function shownHost({ host }: { host: string }): string {
  return host.length > longestHost ? `${host.slice(0, longestHost)}...` : host;
}
