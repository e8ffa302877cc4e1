import type { CreationBackOff } from '../api/config/config-back-off.ts';
import type { ConcurrencyRule } from '../api/config/config-concurrency.ts';
import type { SpireConfig } from '../api/config/config-spire.ts';
import type { Defaults } from '../api/config/config-defaults.ts';
import type { FeatureFlags } from '../api/config/feature-flags.ts';

/** What an operator configured, read live from ConfigMaps and once from flags; one snapshot serves one reconcile. */
export interface Settings {
  flags: FeatureFlags;
  defaults: Defaults;
  /** How many PipelineRuns may run at the same time. */
  concurrency?: readonly ConcurrencyRule[];
  /** How creations wait that a webhook did not answer in time; absent: as after other trouble. */
  creationBackOff?: CreationBackOff | undefined;
  /** Counts while enforce-nonfalsifiability is "spire". */
  spire: SpireConfig;
  images: {
    /** Holds /ko-app/entrypoint: the init container of every pod. */
    entrypoint: string;
    /** Replaces the image of sidecars that must stop. */
    nop: string;
  };
  /** Written to the annotation pipeline.tekton.dev/release: as upstream seven hex digits of a commit, not a version. */
  release: string;
}
