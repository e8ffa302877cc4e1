/** What a registry says of an image whose step gives neither command nor script. */
export interface ImageConfig {
  /** Digest of the manifest or index that the reference names: `sha256:…`. */
  digest: string;
  /** The image's own entrypoint by platform (`linux/amd64`, `linux/arm/v7`); without one, its CMD. */
  commands: Record<string, string[]>;
  /** CMD by platform where the image has an entrypoint too: appended when the step gives no args. */
  defaultArgs?: Record<string, string[]>;
}

/** Who asks: credentials come from the service account's and the pod's pull secrets. */
export interface ImageCredentials {
  namespace: string;
  serviceAccountName: string;
  imagePullSecrets: string[];
}

/** What one run asks of one image. */
export interface ImageQuestion {
  image: string;
  credentials: ImageCredentials;
  /** `key` is namespace/name: what is reconciled again once the answer is there. */
  run: { key: string; uid: string };
}

/**
 * The answer for one image. `retry`: the registry could not be reached now, as opposed to a refusal that stays.
 * `pending`: the registry is being asked; the run is reconciled again once it has answered.
 */
export type ImageFact =
  { kind: 'found'; config: ImageConfig } | { kind: 'failed'; message: string; retry: boolean } | { kind: 'pending' };

/**
 * Asks what an image runs by itself, and waits for the answer a moment at most. Failures are facts, with a message fit
 * for a user; it rejects only with the signal's reason.
 */
export type ImageLookup = (question: ImageQuestion, signal: AbortSignal) => Promise<ImageFact>;

/** `TEKTON_PLATFORM_COMMANDS`: the entrypoint binary picks the argv of its own platform. */
export function platformCommands(config: ImageConfig, hasArgs: boolean): Record<string, string[]> {
  const commands: Record<string, string[]> = {};
  for (const platform of Object.keys(config.commands).sort()) {
    const own = config.commands[platform] ?? [];
    commands[platform] = hasArgs ? own : [...own, ...(config.defaultArgs?.[platform] ?? [])];
  }
  return commands;
}

/** The reference with its digest, so that what runs is what was looked up. A tag is dropped, as upstream does. */
export function pinned(image: string, digest: string): string {
  if (image.includes('@')) return image;
  const slash = image.lastIndexOf('/');
  const colon = image.indexOf(':', slash + 1);
  return `${colon === -1 ? image : image.slice(0, colon)}@${digest}`;
}
