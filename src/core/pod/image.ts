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

/**
 * Asks the image's registry. Rejects with a message fit for a user; an error whose `isFinal` is false may pass (the
 * registry did not answer). Implemented in src/registry.
 */
export type ImageLookup = (image: string, credentials: ImageCredentials, signal: AbortSignal) => Promise<ImageConfig>;

/** The answer for one image. `retry`: the registry could not be reached now, as opposed to a refusal that stays. */
export type ImageFact = { kind: 'found'; config: ImageConfig } | { kind: 'failed'; message: string; retry: boolean };

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
