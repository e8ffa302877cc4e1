/** The text of anything that was thrown, with its causes: "fetch failed: connect ECONNREFUSED". */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own =
    error instanceof AggregateError && error.message === ''
      ? error.errors.map(messageOf).join('; ')
      : error.message || error.name;
  if (error.cause === undefined || error.cause === null) return own;
  const cause = messageOf(error.cause);
  return own.includes(cause) ? own : `${own}: ${cause}`;
}

/** Anything thrown, as an Error. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Whether this is the rejection of an aborted signal (also one with a reason of its own, when the signal is given). */
export function isAbort(error: unknown, signal?: AbortSignal): boolean {
  if (signal?.aborted && error === signal.reason) return true;
  return (
    error instanceof Error && (error.name === 'AbortError' || (error as { code?: unknown }).code === 'UND_ERR_ABORTED')
  );
}

/**
 * A failure that trying again cannot cure: the user must act. A reconcile may throw it in place of returning
 * `{ kind: 'permanent' }`; the controller then does not retry.
 */
export class PermanentError extends Error {
  override name = 'PermanentError';
  readonly reason: string;
  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
