import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseBackOff } from '../src/api/config/config-back-off.ts';
import { parseConcurrency } from '../src/api/config/config-concurrency.ts';
import { parseDefaults } from '../src/api/config/config-defaults.ts';
import { parseEvents } from '../src/api/config/config-events.ts';
import { parseLeaderElection } from '../src/api/config/config-leader-election.ts';
import { parseObservability } from '../src/api/config/config-observability.ts';
import { parsePruner } from '../src/api/config/config-pruner.ts';
import { parseSpire } from '../src/api/config/config-spire.ts';
import { parseTracing } from '../src/api/config/config-tracing.ts';
import { parseFeatureFlags } from '../src/api/config/feature-flags.ts';

/** A setting that nobody reads does nothing: each one that is parsed is read somewhere. */
const root = path.resolve(import.meta.dirname, '../src');
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !/\.(test|fake)\.ts$/.test(file))
  .map((file) => readFileSync(path.join(root, file), 'utf8'))
  .join('\n');
const maps: Record<string, object> = {
  'config-defaults': parseDefaults({}).defaults,
  'config-events': parseEvents({}).events,
  'config-leader-election': parseLeaderElection({}),
  'config-observability': parseObservability({}).observability,
  'config-pruner': parsePruner({}),
  'config-spire': parseSpire({}).spire,
  'config-tracing': parseTracing({}).tracing,
  'config-concurrency': parseConcurrency({}),
  'config-wait-exponential-backoff': parseBackOff({}),
  'feature-flags': parseFeatureFlags({}).flags,
};

describe.each(Object.entries(maps))('%s', (_map, parsed) => {
  it.each(Object.keys(parsed))('%s is read', (field) => {
    // Where it is declared or set, a colon follows.
    const reads = new RegExp(`\\b${field}\\b(?!\\??:)`);
    expect(reads.test(sources)).toBe(true);
  });
});
