/** metav1.Status, as far as we read it. */
export interface Status {
  kind?: string;
  status?: string;
  message?: string;
  reason?: string;
  code?: number;
  details?: {
    name?: string;
    kind?: string;
    group?: string;
    uid?: string;
    retryAfterSeconds?: number;
    causes?: { reason?: string; message?: string; field?: string }[];
  };
  metadata?: { continue?: string; resourceVersion?: string };
}

/** An answer of the API server that is not a success. `reason` is metav1.StatusReason. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly status: number;
  readonly reason: string;
  readonly details: Status['details'];
  /** How long the server asked to wait, from Retry-After or details.retryAfterSeconds. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, body: Status, retryAfterMs?: number) {
    super(body.message || body.reason || `HTTP status ${status}`);
    this.status = status;
    this.reason = body.reason ?? '';
    this.details = body.details;
    this.retryAfterMs =
      retryAfterMs ?? (body.details?.retryAfterSeconds ? body.details.retryAfterSeconds * 1000 : undefined);
  }

  /** From an HTTP answer; a body that is no Status (a proxy's page) is quoted up to 200 characters. */
  static of(status: number, text: string, retryAfter: string | undefined): ApiError {
    const wait = retryAfterMs(retryAfter);
    try {
      const body = JSON.parse(text) as Status;
      if (typeof body === 'object' && body !== null && body.kind === 'Status') return new ApiError(status, body, wait);
    } catch {
      // Not JSON: a load balancer or an aggregated server spoke; fall through and quote it.
    }
    return new ApiError(
      status,
      { message: `HTTP status ${status}: ${text.trim().slice(0, 200) || 'empty body'}` },
      wait,
    );
  }

  get isNotFound(): boolean {
    return this.status === 404;
  }
  /** An optimistic lock was lost; AlreadyExists is 409 too, but another matter. */
  get isConflict(): boolean {
    return this.status === 409 && this.reason !== 'AlreadyExists';
  }
  get isAlreadyExists(): boolean {
    return this.reason === 'AlreadyExists';
  }
  get isForbidden(): boolean {
    return this.status === 403;
  }
  get isUnauthorized(): boolean {
    return this.status === 401;
  }
  /** The resourceVersion or continue token is too old. */
  get isGone(): boolean {
    return this.status === 410 || this.reason === 'Expired' || this.reason === 'Gone';
  }
  get isInvalid(): boolean {
    return this.status === 422 || this.reason === 'Invalid';
  }
  get isBadRequest(): boolean {
    return this.status === 400;
  }
  get isTooManyRequests(): boolean {
    return this.status === 429;
  }
  /** The namespace is going away: nothing can be created in it any more. */
  get isNamespaceTerminating(): boolean {
    return this.status === 403 && (this.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating');
  }
  /** The server has not seen this resourceVersion (an etcd restored from a backup). */
  get isFutureVersion(): boolean {
    return (
      (this.details?.causes ?? []).some((cause) => cause.reason === 'ResourceVersionTooLarge') ||
      (this.status === 504 && this.message.includes('Too large resource version'))
    );
  }
}

export function isNotFound(error: unknown): error is ApiError {
  return error instanceof ApiError && error.isNotFound;
}

/** What is read, undefined when the API server does not have it. Rejects with every other error. */
export async function found<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** For `catch`: what was to be changed or deleted may be gone by now. Throws every other error. */
export function unlessNotFound(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}

/** For `catch`: what was to be created may be there already. Throws every other error. */
export function unlessExists(error: unknown): undefined {
  if (!isAlreadyExists(error)) throw error;
}

/** Of a listing: its version is no longer there. */
export function isGone(error: unknown): error is ApiError {
  return error instanceof ApiError && error.isGone;
}

export function isConflict(error: unknown): error is ApiError {
  return error instanceof ApiError && error.isConflict;
}

/** Of a JSON patch: what it tests is so no more. A failed test is "Invalid" to the API server, as is a lost path. */
export function isOutdated(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.isConflict || error.isInvalid);
}

export function isAlreadyExists(error: unknown): error is ApiError {
  return error instanceof ApiError && error.isAlreadyExists;
}

function retryAfterMs(header: string | undefined): number | undefined {
  if (!header) return undefined;
  const seconds = Number(header);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}
