import type { Clock } from '../clock.ts';
import {
  HttpClient,
  type HttpAnswer,
  type HttpClientOptions,
  type HttpExchange,
  type HttpRequest,
} from '../http/client.ts';
import { HttpError } from '../http/http-error.ts';
import { RegistryError } from './registry-error.ts';

export type RegistryExchange = HttpExchange;
export type RegistryTransportOptions = HttpClientOptions;
export type RegistryRequest = HttpRequest;
export type RegistryAnswer = HttpAnswer;

/** HTTP as registries and their token servers are asked; failures are RegistryErrors. */
export class RegistryTransport {
  readonly clock: Clock;
  readonly #http: HttpClient;

  constructor(options: RegistryTransportOptions = {}) {
    this.#http = new HttpClient(options);
    this.clock = this.#http.clock;
  }

  /**
   * As HttpClient.send.
   * @throws RegistryError (status 0) when no answer comes; the signal's reason when aborted.
   */
  async send(wanted: RegistryRequest, signal: AbortSignal): Promise<RegistryAnswer> {
    try {
      return await this.#http.send(wanted, signal);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      throw new RegistryError(error.status, `registry ${error.message}`, { cause: error, retryable: error.retryable });
    }
  }

  /** Closes idle connections and waits for running exchanges. */
  close(): Promise<void> {
    return this.#http.close();
  }
}
