import { defineConfig } from 'vitest/config';
import { filesOf, isLong } from './test/long.ts';

/**
 * How long a test asks a real server until it is as expected, unless it says so itself: the machine does much beside,
 * and vitest's one second is soon over.
 */
const poll = { timeout: 30_000, interval: 100 };

const integration = filesOf('test/integration');
const e2e = filesOf('test/e2e');
/** Files that run in another process meanwhile, beside another cluster (hack/test.ts). */
const elsewhere = (process.env['TEKTITE_TEST_EXCEPT'] ?? '').split(',').filter(Boolean);

/**
 * unit: beside the sources, no cluster. abuse: what hostile input costs, no cluster. integration: a real API server
 * (TEKTITE_TEST_KUBECONFIG). e2e: a real node with Tektite installed. conformance: upstream's examples on the same
 * node. chains: real cosigns against Sigstore's own servers (hack/sigstore), built first. load: how the controller does
 * under load and faults, alone on the machine. hack/test.ts runs them and starts what they need. What takes minutes is
 * apart (test/long.ts).
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'src/**/*.test.ts',
            'hack/**/*.test.ts',
            'test/*.test.ts',
            'test/contract/*.test.ts',
            'test/admission/*.test.ts',
            'test/bench/*.test.ts',
            'test/load/*.test.ts',
            'test/conformance/*.test.ts',
            'test/cluster-access/*.test.ts',
          ],
          exclude: ['**/node_modules/**', 'test/contract/tkn-*.test.ts'],
          // What they import is loaded once, not for each of 400 files: two thirds of the time of a processor.
          isolate: false,
          // Bundling, locks and key derivation take their time on a busy machine; none of these tests waits for it.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'abuse',
          // CPU time is measured: two such files beside each other would be each other's noise.
          retry: 1,
          include: ['test/abuse/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 700_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'integration',
          expect: { poll },
          // These share two cores with the servers they test: a wait may run out by chance, a defect fails twice.
          retry: 1,
          setupFiles: ['test/cluster-access/second-try.ts'],
          include: [...integration.include, ...(isLong ? [] : ['test/contract/tkn-*.test.ts'])],
          exclude: [...integration.exclude, ...elsewhere, 'test/integration/load.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          // What it measures on the clock is measured with nothing beside it.
          name: 'load',
          retry: 1,
          include: ['test/integration/load.test.ts'],
        },
      },
      {
        test: {
          name: 'cluster',
          expect: { poll },
          retry: 1,
          include: ['test/cluster/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'chains',
          expect: { poll },
          retry: 1,
          include: ['test/chains/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 3_600_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'e2e',
          expect: { poll },
          retry: 1,
          setupFiles: ['test/cluster-access/second-try.ts'],
          include: e2e.include,
          exclude: [
            ...e2e.exclude,
            ...elsewhere,
            // It turns the policies on and off itself.
            ...(process.env['TEKTITE_NETWORK_POLICIES'] === '1' ? ['test/e2e/network-policy.test.ts'] : []),
            // Milliseconds are measured on a machine that does nothing else: npm run bench:steps.
            ...(process.env['TEKTITE_STEP_LATENCY'] === '1' ? [] : ['test/e2e/step-latency.test.ts']),
            // A quarter of an hour of building: npm run test:spire.
            ...(process.env['TEKTITE_SPIRE'] === '1' ? [] : ['test/e2e/spire.test.ts']),
          ],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          globalSetup: ['test/e2e/setup.ts'],
        },
      },
      {
        test: {
          name: 'conformance',
          expect: { poll },
          include: ['test/conformance/*.e2e.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          maxConcurrency: 4,
          globalSetup: ['test/conformance/setup.ts'],
        },
      },
    ],
  },
});
