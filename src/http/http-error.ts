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

/** A server behind TLS leads to one without, where anybody on the way could change what comes: not followed. */
export class LeavesTlsError extends HttpError {
  override name = 'LeavesTlsError';

  constructor(status: number, from: URL, to: URL) {
    const host = shownHost(from);
    const target = shownHost(to);
    super(
      { host, status, retryable: false },
      `${host} redirects from TLS to http://${target}, which is not followed; it must redirect to https`,
    );
  }
}
