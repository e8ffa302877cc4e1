import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { Server, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';

/** A span as it was received, with ids in hex. */
export interface ReceivedSpan {
  tracer: string;
  name: string;
  trace: string;
  id: string;
  parent: string;
  attributes: Record<string, string>;
  failed: boolean;
}

interface Attribute {
  key: string;
  value?: { string_value?: string };
}

interface Request {
  resource_spans: {
    scope_spans: {
      scope: { name: string };
      spans: {
        trace_id: Buffer;
        span_id: Buffer;
        parent_span_id: Buffer;
        name: string;
        attributes: Attribute[];
        status?: { code: number };
      }[];
    }[];
  }[];
}

const service = loadSync(path.join(import.meta.dirname, 'otlp-trace.proto'), { keepCase: true, defaults: true })[
  'opentelemetry.proto.collector.trace.v1.TraceService'
] as ServiceDefinition;

const statusOfFailure = 2;

function spansIn(body: Buffer): ReceivedSpan[] {
  return spansOf(service['Export']?.requestDeserialize(body) as Request);
}

function spansOf(request: Request): ReceivedSpan[] {
  return request.resource_spans.flatMap(({ scope_spans: scopes }) =>
    scopes.flatMap(({ scope, spans }) =>
      spans.map((span) => ({
        tracer: scope.name,
        name: span.name,
        trace: span.trace_id.toString('hex'),
        id: span.span_id.toString('hex'),
        parent: span.parent_span_id.toString('hex'),
        attributes: Object.fromEntries(span.attributes.map(({ key, value }) => [key, value?.string_value ?? ''])),
        failed: span.status?.code === statusOfFailure,
      })),
    ),
  );
}

/** A receiver of OTLP over gRPC. */
export class GrpcTraceReceiver {
  readonly spans: ReceivedSpan[] = [];
  readonly #server = new Server();
  #port = 0;

  async listen(): Promise<this> {
    const take: handleUnaryCall<Request, object> = ({ request }, done) => {
      this.spans.push(...spansOf(request));
      done(null, {});
    };
    this.#server.addService(service, { Export: take });
    this.#port = await new Promise((resolve, reject) =>
      this.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      ),
    );
    return this;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  close(): void {
    this.#server.forceShutdown();
  }
}

/** A receiver of OTLP over HTTP, in protobuf as upstream's exporter sends it. */
export class TraceReceiver {
  readonly spans: ReceivedSpan[] = [];
  /** Of each request: path, type and credentials. */
  readonly requests: { path: string; type: string; authorization: string }[] = [];
  readonly #server = createServer((request, response) => {
    if (this.mute) return;
    void this.#take(request).then(
      () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(),
      () => response.writeHead(400).end(),
    );
  });
  /** It takes connections and says nothing. */
  mute = false;

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/traces`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: IncomingMessage): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { url = '', headers } = request;
    this.requests.push({
      path: url,
      type: headers['content-type'] ?? '',
      authorization: headers.authorization ?? '',
    });
    this.spans.push(...spansIn(Buffer.concat(chunks)));
  }
}
