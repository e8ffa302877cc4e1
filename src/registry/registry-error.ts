/** A registry's refusal, with what it said. Status 0: it could not be reached. */
export class RegistryError extends Error {
  override name = 'RegistryError';
  readonly status: number;
  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
  /** Not worth trying again: the registry answered, and means it. */
  get isFinal(): boolean {
    return this.status >= 400 && this.status < 500 && this.status !== 408 && this.status !== 412 && this.status !== 429;
  }
  /** The registry wants other credentials, or the ones sent may not do this. */
  get isDenied(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

/** The error of an answer that is not the expected one: the host, the status and the registry's own words. */
export function refusalOf(answer: { url: URL; status: number; body: Buffer }): RegistryError {
  return new RegistryError(
    answer.status,
    `${answer.url.host} answered ${answer.status}: ${errorText(answer.body.toString('utf8')) || 'no reason given'}`,
  );
}

/** The words in an error body of distribution's specification, or of an OAuth2 token server. */
function errorText(body: string): string {
  try {
    const parsed = JSON.parse(body) as {
      errors?: { code?: string; message?: string }[];
      details?: string;
      error?: string;
      error_description?: string;
    };
    if (Array.isArray(parsed.errors))
      return parsed.errors.map((error) => [error.code, error.message].filter(Boolean).join(': ')).join('; ');
    return [parsed.error, parsed.error_description ?? parsed.details]
      .filter((part) => typeof part === 'string')
      .join(': ');
  } catch {
    return body.slice(0, 200).trim(); // not every proxy in front of a registry speaks JSON
  }
}
