import { expect, test } from 'vitest';
import { canonicalQuantity } from './quantity.ts';

// Compared with k8s.io/apimachinery's resource.Quantity.
test.each<[string | number, string]>([
  ['1', '1'],
  [1, '1'],
  ['0', '0'],
  ['0Ki', '0'],
  ['1000m', '1'],
  ['1500m', '1500m'],
  ['0.5', '500m'],
  ['1.5', '1500m'],
  ['3.000', '3'],
  ['.5', '500m'],
  ['1024', '1024'],
  ['1024Ki', '1Mi'],
  ['1.5Gi', '1536Mi'],
  ['0.5Gi', '512Mi'],
  ['0.5Ki', '512'],
  ['512Ki', '512Ki'],
  ['1000Ki', '1000Ki'],
  ['-1024Ki', '-1Mi'],
  ['2048Mi', '2Gi'],
  ['1e3', '1e3'],
  ['12e6', '12e6'],
  ['10e1', '100'],
  ['1e-3', '1e-3'],
  ['1.25e3', '1250'],
  ['100k', '100k'],
  ['1000k', '1M'],
  ['1000000', '1M'],
  ['1500u', '1500u'],
  ['0.000001', '1u'],
  ['1n', '1n'],
  ['$(params.memory)', '$(params.memory)'],
  ['', ''],
])('%j is %s', (given, canonical) => {
  expect(canonicalQuantity(given)).toBe(canonical);
});
