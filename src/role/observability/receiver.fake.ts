import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, ServerCredentials, type ServiceDefinition, type UntypedHandleCall } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import { bodyOf } from '../../request-body.fake.ts';

const repeated = (type: string, id: number) => ({ rule: 'repeated', type, id }) as const;
const one = (type: string, id: number) => ({ type, id });

/** The part of opentelemetry/proto/collector/metrics/v1 that tests read, as JSON of protobuf.js. */
const types = {
  MetricsService: { methods: { Export: { requestType: 'Request', responseType: 'Response' } } },
  Request: { fields: { resource_metrics: repeated('ResourceMetrics', 1) } },
  Response: { fields: { partial_success: one('PartialSuccess', 1) } },
  PartialSuccess: { fields: { rejected_data_points: one('int64', 1), error_message: one('string', 2) } },
  ResourceMetrics: { fields: { resource: one('Resource', 1), scope_metrics: repeated('ScopeMetrics', 2) } },
  Resource: { fields: { attributes: repeated('KeyValue', 1) } },
  KeyValue: { fields: { key: one('string', 1), value: one('AnyValue', 2) } },
  AnyValue: { fields: { string_value: one('string', 1) } },
  ScopeMetrics: { fields: { scope: one('Scope', 1), metrics: repeated('Metric', 2) } },
  Scope: { fields: { name: one('string', 1) } },
  Metric: {
    fields: {
      name: one('string', 1),
      unit: one('string', 3),
      gauge: one('Numbers', 5),
      sum: one('Numbers', 7),
      histogram: one('Histograms', 9),
    },
  },
  Numbers: { fields: { data_points: repeated('NumberPoint', 1) } },
  Histograms: { fields: { data_points: repeated('HistogramPoint', 1) } },
  NumberPoint: { fields: { as_double: one('double', 4), attributes: repeated('KeyValue', 7) } },
  HistogramPoint: {
    fields: {
      sum: one('double', 5),
      bucket_counts: repeated('fixed64', 6),
      explicit_bounds: repeated('double', 7),
      attributes: repeated('KeyValue', 9),
    },
  },
};
const packages = ['v1', 'metrics', 'collector', 'proto', 'opentelemetry'];
const metricsApi = packages.reduce<object>((inner, name) => ({ nested: { [name]: inner } }), { nested: types });

interface Attribute {
  key: string;
  value: { string_value: string };
}

interface Numbers {
  data_points: { attributes?: Attribute[]; as_double?: number }[];
}

interface Histograms {
  data_points: { attributes?: Attribute[]; sum: number; bucket_counts: number[]; explicit_bounds: number[] }[];
}

interface Request {
  resource_metrics: {
    resource: { attributes: Attribute[] };
    scope_metrics?: {
      scope: { name: string };
      metrics?: { name: string; unit: string; gauge?: Numbers; sum?: Numbers; histogram?: Histograms }[];
    }[];
  }[];
}

type Unary = (
  call: { request: Request; metadata: { getMap(): Record<string, string> } },
  done: (error: null, answer: object) => void,
) => void;

/** A metric as it was received. */
export interface ReceivedMetric {
  scope: string;
  name: string;
  unit: string;
  kind: 'gauge' | 'sum' | 'histogram';
  points: { attributes: Record<string, string>; value: number; buckets?: [boundaries: number[], counts: number[]] }[];
}

/** What a sending held. */
export interface ReceivedMetrics {
  resource: Record<string, string>;
  headers: Record<string, string>;
  metrics: ReceivedMetric[];
}

const service = fromJSON(metricsApi, { keepCase: true, longs: Number })[
  'opentelemetry.proto.collector.metrics.v1.MetricsService'
] as ServiceDefinition;

function attributesIn(attributes: Attribute[] = []): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.string_value]));
}

function received(request: Request, headers: Record<string, string>): ReceivedMetrics {
  const [first] = request.resource_metrics;
  const metrics = (first?.scope_metrics ?? []).flatMap(({ scope, metrics: found = [] }) =>
    found.map(({ name, unit, gauge, sum, histogram }): ReceivedMetric => {
      const about = { scope: scope.name, name, unit };
      if (histogram)
        return {
          ...about,
          kind: 'histogram',
          points: histogram.data_points.map((point) => ({
            attributes: attributesIn(point.attributes),
            value: point.sum,
            buckets: [point.explicit_bounds, point.bucket_counts],
          })),
        };
      const numbers = (sum ?? gauge)?.data_points ?? [];
      return {
        ...about,
        kind: sum ? 'sum' : 'gauge',
        points: numbers.map((point) => ({ attributes: attributesIn(point.attributes), value: point.as_double ?? 0 })),
      };
    }),
  );
  return { resource: attributesIn(first?.resource.attributes), headers, metrics };
}

/** A receiver of OTLP's metrics over HTTP and gRPC. */
export class FakeMetricsReceiver {
  readonly sendings: ReceivedMetrics[] = [];
  /** Its answer over HTTP. */
  status = 200;
  /** Values that it says it refused. */
  refuses = 0;
  readonly #http: HttpServer = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      if (body === undefined) return;
      const headers = request.headers as Record<string, string>;
      if (this.status === 200)
        this.#take(service['Export']?.requestDeserialize(body) as Request, { ...headers, path: request.url ?? '' });
      const answer = service['Export']?.responseSerialize(this.#answer()) ?? Buffer.alloc(0);
      response.writeHead(this.status, { 'content-type': 'application/x-protobuf' }).end(answer);
    });
  });
  readonly #grpc = new Server();
  #grpcPort = 0;

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#http.listen(0, '127.0.0.1', resolve));
    const take: Unary = ({ request, metadata }, done) => {
      this.#take(request, metadata.getMap());
      done(null, this.#answer());
    };
    this.#grpc.addService(service, { Export: take as UntypedHandleCall });
    this.#grpcPort = await new Promise<number>((resolve, reject) =>
      this.#grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      ),
    );
    return this;
  }

  endpoint(protocol: 'grpc' | 'http/protobuf'): string {
    const port = protocol === 'grpc' ? this.#grpcPort : (this.#http.address() as AddressInfo).port;
    return `http://127.0.0.1:${port}`;
  }

  async close(): Promise<void> {
    this.#grpc.forceShutdown();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  #take(request: Request, headers: Record<string, string>): void {
    this.sendings.push(received(request, headers));
  }

  #answer(): object {
    if (this.refuses === 0) return {};
    return { partial_success: { rejected_data_points: this.refuses, error_message: 'too old' } };
  }
}
