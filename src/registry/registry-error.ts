import { shownHost } from '../http/http-error.ts';
import { isPassing } from '../http/retry.ts';

/** A registry's refusal. Status 0: it could not be reached. */
export class RegistryError extends Error {
  override name = 'RegistryError';
  readonly status: number;
  /** Not worth trying again: the registry answered, and means it. */
  readonly isFinal: boolean;

  constructor(status: number, message: string, options: ErrorOptions & { retryable?: boolean } = {}) {
    super(message, options);
    this.status = status;
    this.isFinal = !(options.retryable ?? (isPassing(status) || status >= 500 || status === 412));
  }

  /** The registry wants other credentials, or the ones sent may not do this. */
  get isDenied(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

/**
 * Codes of the error format of distribution-spec and of distribution itself, and those of OAuth2 token servers (RFC
 * 6749, 5.2). Nothing else of an error's body is shown: it may be another server's than the reader thinks.
 */
const knownCodes: ReadonlySet<string> = new Set([
  'BLOB_UNKNOWN',
  'BLOB_UPLOAD_INVALID',
  'BLOB_UPLOAD_UNKNOWN',
  'DENIED',
  'DIGEST_INVALID',
  'MANIFEST_BLOB_UNKNOWN',
  'MANIFEST_INVALID',
  'MANIFEST_UNKNOWN',
  'MANIFEST_UNVERIFIED',
  'NAME_INVALID',
  'NAME_UNKNOWN',
  'PAGINATION_NUMBER_INVALID',
  'RANGE_INVALID',
  'SIZE_INVALID',
  'TAG_INVALID',
  'TOOMANYREQUESTS',
  'UNAUTHORIZED',
  'UNAVAILABLE',
  'UNKNOWN',
  'UNSUPPORTED',
  'access_denied',
  'invalid_client',
  'invalid_grant',
  'invalid_request',
  'invalid_scope',
  'unauthorized_client',
  'unsupported_grant_type',
]);
/** Longer bodies are not looked at: errors have a few hundred bytes. */
const longestErrorBody = 64 * 1024;

/** The error of an answer that is not the expected one: the host, the status and the registry's error codes. */
export function refusalOf(answer: { url: URL; status: number; body: Buffer }): RegistryError {
  const codes = errorCodes(answer.body);
  return new RegistryError(
    answer.status,
    `${shownHost(answer.url)} answered ${answer.status}${codes.length > 0 ? `: ${codes.join(', ')}` : ''}`,
  );
}

/** The known codes in an error body, each once. */
function errorCodes(body: Buffer): string[] {
  if (body.length > longestErrorBody) return [];
  try {
    const parsed = JSON.parse(body.toString('utf8')) as { errors?: unknown; error?: unknown } | null;
    const listed = Array.isArray(parsed?.errors)
      ? (parsed.errors as ({ code?: unknown } | null)[]).map((error) => error?.code)
      : [];
    const found = [...listed, parsed?.error].filter((code) => typeof code === 'string' && knownCodes.has(code));
    return [...new Set(found as string[])];
  } catch {
    return []; // not every proxy in front of a registry speaks JSON
  }
}
