/** The JSON form of TransparencyLogEntry in a bundle (sigstore_rekor.proto): base64 bytes, numbers as text. */
export interface BundleLogEntry {
  logIndex: string;
  logId: { keyId: string };
  kindVersion: { kind: string; version: string };
  integratedTime?: string;
  inclusionPromise?: { signedEntryTimestamp: string };
  inclusionProof?: {
    logIndex: string;
    rootHash: string;
    treeSize: string;
    hashes?: string[];
    checkpoint?: { envelope: string };
  };
  canonicalizedBody: string;
}

/** One entry in a transparency log. Plain data: it can be kept as JSON and used again by a later pass. */
export interface LogEntry {
  /** For the annotation chains.tekton.dev/transparency. */
  url: string;
  logIndex: number;
  /** Hex of the log's key hash. */
  logId: string;
  /** Rekor v1's name of the entry; not set for v2, which has none. */
  uuid?: string;
  /** Unix seconds; 0 for v2, where a timestamp authority says the time. */
  integratedTime: number;
  /** Base64 of the canonical entry. */
  body: string;
  /** Base64 of the signed entry timestamp; only v1. */
  inclusionPromise?: string;
  tlogEntry: BundleLogEntry;
}
