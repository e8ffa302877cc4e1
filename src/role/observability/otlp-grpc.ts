import { getCACertificates } from 'node:tls';
import * as grpc from '@grpc/grpc-js';

/** Loaded only when something is sent over gRPC. */

export interface GrpcReceiver {
  /** URL: https, or http for plain text. */
  endpoint: string;
  /** PEM, beside the usual ones. */
  certificates: readonly string[];
  /** Path of the service's method. */
  method: string;
  /** Asked for each request. */
  headers: () => Promise<Readonly<Record<string, string>>>;
}

/** Something that takes an encoded request, and gives the encoded answer. */
export interface Wire {
  /** Rejects when the receiver does not take it. */
  deliver(body: Buffer, signal: AbortSignal): Promise<Buffer>;
  close(): Promise<void>;
}

/** For one sending. */
const sendMs = 10_000;
const longestAnswer = 1 << 16;

/** A receiver of OTLP over gRPC. Nothing goes over the wire yet. */
export function grpcWire({ endpoint, certificates, method, headers }: GrpcReceiver): Wire {
  const { protocol, hostname, port } = new URL(endpoint);
  const isSecure = protocol === 'https:';
  const authorities = [...getCACertificates('default'), ...certificates].join('\n');
  const client = new grpc.Client(
    `${hostname}:${port || (isSecure ? '443' : '80')}`,
    isSecure ? grpc.credentials.createSsl(Buffer.from(authorities)) : grpc.credentials.createInsecure(),
    { 'grpc.max_receive_message_length': longestAnswer },
  );
  const same = (bytes: Buffer) => bytes;
  return {
    deliver: async (body, signal) => {
      const metadata = new grpc.Metadata();
      for (const [name, value] of Object.entries(await headers())) metadata.set(name, value);
      return new Promise((resolve, reject) => {
        const options = { deadline: Date.now() + sendMs };
        const call = client.makeUnaryRequest(method, same, same, body, metadata, options, (error, answer) => {
          signal.removeEventListener('abort', stop);
          if (error) reject(error);
          else resolve(answer ?? Buffer.alloc(0));
        });
        const stop = () => call.cancel();
        signal.addEventListener('abort', stop, { once: true });
      });
    },
    close: () => Promise.resolve(client.close()),
  };
}
