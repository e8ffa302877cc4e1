import { serveMetrics, type HttpServer } from '../http-server.ts';
import type { Meters } from '../meters.ts';
import { Switch } from './switch.ts';

/** Metrics as Prometheus text: at the port of the process, at an address of the settings, or nowhere. */
export class MetricsServer {
  readonly #server: Switch<string, HttpServer>;

  private constructor(usualPort: number, meters: Meters) {
    this.#server = new Switch((address) => {
      const [host, port] = parts(address);
      return serveMetrics(port ?? usualPort, meters, host);
    });
  }

  /** At the port of the process. @throws when it is taken */
  static async start(usualPort: number, meters: Meters): Promise<MetricsServer> {
    const server = new MetricsServer(usualPort, meters);
    await server.serveAt('');
    return server;
  }

  get port(): number | undefined {
    return this.#server.open?.port;
  }

  /**
   * @param address host:port, '' for the port of the process; undefined serves nowhere
   * @throws when it cannot be: then they are at the port of the process
   */
  async serveAt(address: string | undefined): Promise<void> {
    try {
      await this.#server.turn(address);
    } catch (error) {
      await this.#server.turn('');
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#server.turn(undefined);
  }
}

/** Of `host:port`, `[::1]:port`, `:port` or ''. */
function parts(address: string): [host: string | undefined, port: number | undefined] {
  if (address === '') return [undefined, undefined];
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  return [host || undefined, Number(address.slice(colon + 1))];
}
