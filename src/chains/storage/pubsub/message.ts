import type { StoreRequest } from '../backend.ts';
import { signatureContent } from '../content.ts';

/** As upstream publishes it: the signature as body, and again beside the payload as metadata. */
export interface Message {
  /**
   * Names the artifact: whoever wants each only once, or lets Kafka compact the topic, goes by it. Upstream has none.
   */
  key: string;
  body: Uint8Array;
  /** payload: base64 of the payload; signature: the body once more. */
  metadata: { payload: Uint8Array; signature: Uint8Array };
}

/** Where messages go. */
export interface Topic {
  publish(message: Message, signal: AbortSignal): Promise<void>;
}

export function messageOf({ artifact, signature }: StoreRequest): Message {
  const body = signatureContent(signature);
  return {
    key: artifact.fullKey,
    body,
    metadata: { payload: Buffer.from(Buffer.from(artifact.payload.json).toString('base64')), signature: body },
  };
}
