import type { Instance, Mode } from './instance.ts';

/** Where parts find the system's commands: not the caller's PATH, or another shell's would restart them. */
export const PART_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** How to start a part. */
export interface Launch {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Configuration to write first, by absolute path. A changed text restarts the part. */
  readonly files?: Readonly<Record<string, string>>;
  /** Folders to make first. */
  readonly folders?: readonly string[];
}

/** One process of the cluster. */
export interface Part {
  readonly name: string;
  readonly modes: readonly Mode[];
  /** Parts that must be healthy before this one starts. */
  readonly after: readonly string[];
  /** Binaries that must be built before `launch`. */
  readonly binaries: readonly string[];
  /** `binary` gives the path of one of `binaries`. */
  launch(instance: Instance, binary: (name: string) => string): Launch;
  /** Undefined when the part does its work; else what is wrong, for a person. */
  health(instance: Instance): Promise<string | undefined>;
  /** Work that needs this part healthy; done at every `up`, so it must be idempotent and quick. */
  onHealthy?(instance: Instance, binary: (name: string) => string): Promise<void>;
}
