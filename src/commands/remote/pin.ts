import { InvalidImageError, parseImageReference } from '../../registry/reference.ts';
import { RegistryError } from '../../registry/registry-error.ts';
import { InvalidRequest, ResolutionError, type ResolvedDefinition } from '../../resolvers/resolver.ts';
import { ResolutionTimeout } from '../../resolvers/executor.ts';
import type { Found, Place, WrittenReference } from './documents.ts';
import type { LocalResolvers } from './local.ts';

/** A change of a file. */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

/** What becomes of something that a file names. */
export type Pinned =
  | { kind: 'pinned'; line: number; what: string; edit: Edit }
  /** It means the same for ever already. */
  | { kind: 'fixed'; line: number }
  /** It cannot be written so, and why. */
  | { kind: 'left'; line: number; what: string; why: string };

/** What something means today, as an edit. A failure to find out is an answer. */
export async function pin(found: Found, resolvers: LocalResolvers, signal: AbortSignal): Promise<Pinned> {
  const left = (why: string): Pinned => ({ kind: 'left', line: found.line, what: nameOf(found), why });
  if (textsOf(found).some((text) => text.includes('$('))) return left('it holds a variable');
  try {
    return found.kind === 'image'
      ? await pinImage(found.image, resolvers, signal)
      : await pinReference(found, resolvers, signal);
  } catch (error) {
    signal.throwIfAborted();
    const told = [ResolutionError, ResolutionTimeout, InvalidRequest, RegistryError, InvalidImageError];
    if (told.some((type) => error instanceof type)) return left((error as Error).message);
    throw error;
  }
}

/** The text with all edits in it. */
export function edited(text: string, edits: readonly Edit[]): string {
  return edits
    .toSorted((left, right) => right.start - left.start)
    .reduce((result, { start, end, text: put }) => result.slice(0, start) + put + result.slice(end), text);
}

function textsOf(found: Found): string[] {
  return found.kind === 'image' ? [found.image.value] : [...found.params.values()].map(({ value }) => value);
}

export function nameOf(found: Found): string {
  if (found.kind === 'image') return `image ${found.image.value}`;
  const named = ['url', 'bundle', 'repo', 'name'].map((name) => found.params.get(name)?.value).find(Boolean);
  return `${found.resolver} ${named ?? ''}`.trim();
}

async function pinImage(image: Place, resolvers: LocalResolvers, signal: AbortSignal): Promise<Pinned> {
  if (parseImageReference(image.value).digest !== undefined) return { kind: 'fixed', line: image.line };
  const digest = await resolvers.imageDigest(image.value, signal);
  if (digest === undefined) throw new ResolutionError('its registry does not have it');
  return replaced(image, `${image.value}@${digest}`);
}

async function pinReference(
  reference: WrittenReference,
  resolvers: LocalResolvers,
  signal: AbortSignal,
): Promise<Pinned> {
  const { params, line } = reference;
  const resolved = await resolvers.resolve(
    reference.resolver,
    [...params].map(([name, { value }]) => ({ name, value })),
    signal,
  );
  switch (reference.resolver) {
    case 'git':
      return withParam(reference, 'revision', Object.values(resolved.refSource.digest ?? {})[0] ?? '');
    case 'http':
      return params.has('digest') ? { kind: 'fixed', line } : withParam(reference, 'digest', digestOf(resolved));
    case 'bundles':
      return pinBundle(params.get('bundle'), digestOf(resolved), line);
    default:
      return {
        kind: 'left',
        line,
        what: nameOf(reference),
        why: `resolver ${reference.resolver} knows no digests; what it gives today is ${digestOf(resolved)}`,
      };
  }
}

function pinBundle(bundle: Place | undefined, digest: string, line: number): Pinned {
  if (bundle === undefined || parseImageReference(bundle.value).digest !== undefined) return { kind: 'fixed', line };
  return replaced(bundle, `${bundle.value}@${digest}`);
}

export function digestOf({ refSource }: ResolvedDefinition): string {
  const [algorithm = '', hex = ''] = Object.entries(refSource.digest ?? {})[0] ?? [];
  return `${algorithm}:${hex}`;
}

function withParam(reference: WrittenReference, name: string, value: string): Pinned {
  const { params, room, line } = reference;
  const place = params.get(name);
  if (place?.value === value) return { kind: 'fixed', line };
  if (place !== undefined) return replaced(place, value);
  const what = `${name} ${value}`;
  if (room === undefined)
    return { kind: 'left', line, what: nameOf(reference), why: `add param ${name} with the value ${value} by hand` };
  const text = `\n${room.indent}name: ${name}\n${room.indent.replace('-', ' ')}value: ${value}`;
  return { kind: 'pinned', line, what, edit: { start: room.at, end: room.at, text } };
}

function replaced({ start, end, line }: Place, text: string): Pinned {
  return { kind: 'pinned', line, what: text, edit: { start, end, text } };
}
