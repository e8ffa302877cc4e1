import type { TracingConfig } from '../../api/config/config-tracing.ts';

/** Where spans go, and how. */
export interface Destination {
  protocol: TracingConfig['protocol'];
  endpoint: string;
  samplingRatio: number;
  /** PEM, beside the usual ones. */
  certificates: readonly string[];
  /** Asked for each batch. Rejects when they cannot be read. */
  headers: () => Promise<Record<string, string>>;
  /** Told what became of each batch. */
  onExport: (spans: number, error: Error | undefined) => void;
}
