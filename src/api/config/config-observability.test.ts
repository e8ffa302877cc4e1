import { describe, expect, test } from 'vitest';
import { parseObservability } from './config-observability.ts';

describe('config-observability: what becomes of the metrics', () => {
  const served = { protocol: 'prometheus', address: '' };
  const rows: [string, Record<string, string>, object, RegExp?][] = [
    ['another address', { 'metrics-endpoint': '[::1]:9100' }, { protocol: 'prometheus', address: '[::1]:9100' }],
    ['a port alone', { 'metrics-endpoint': ':9100' }, { protocol: 'prometheus', address: ':9100' }],
    ['no address', { 'metrics-endpoint': 'http://here' }, served, /is "http:\/\/here".*use host:port/],
    [
      'a receiver over gRPC, as upstream takes names without a scheme',
      { 'metrics-protocol': 'grpc', 'metrics-endpoint': 'collector:4317' },
      { protocol: 'grpc', endpoint: 'https://collector:4317', intervalMs: 60_000 },
    ],
    ['no receiver', { 'metrics-protocol': 'grpc' }, served, /metrics-endpoint is missing.*served on the usual port/],
    [
      'a receiver with a password, which is told nobody',
      { 'metrics-protocol': 'http/protobuf', 'metrics-endpoint': 'https://me:hidden@collector' },
      served,
      /^(?!.*hidden).*without a user name/,
    ],
    [
      'an interval that would flood',
      { 'metrics-protocol': 'grpc', 'metrics-endpoint': 'http://c:1', 'metrics-export-interval': '10ms' },
      { protocol: 'grpc', endpoint: 'http://c:1', intervalMs: 1_000 },
      /metrics-export-interval is below 1s/,
    ],
    ['nothing', { 'metrics-protocol': 'none' }, { protocol: 'none' }],
    [
      'nothing, to a receiver',
      { 'metrics-protocol': 'none', 'metrics-endpoint': 'http://c' },
      { protocol: 'none' },
      /no effect while metrics-protocol is "none"/,
    ],
  ];
  test.each(rows)('%s', (_name, data, wanted, message) => {
    const { observability, problems } = parseObservability(data);
    expect(observability.export).toEqual(wanted);
    expect(problems.map((problem) => problem.message)).toEqual(message ? [expect.stringMatching(message)] : []);
  });
});
