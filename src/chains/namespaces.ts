import { z } from 'zod';
import { parse } from 'yaml';
import { messageOf } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../json-object.ts';

/** Which key signs the runs of a namespace, where it is not the one for all. */
export type SigningKeyChoice =
  | { kind: 'kms'; ref: string }
  /** A Secret in the namespace of Chains, with x509.pem, or cosign.key and cosign.password. */
  | { kind: 'secret'; name: string };

/** What may be signed for the runs of a namespace, and with what. */
export interface NamespacePolicy {
  /** Patterns of `repositoryMatches`; undefined: all of them. */
  repositories?: readonly string[] | undefined;
  key?: SigningKeyChoice | undefined;
}

/** `signing.namespaces`: a policy or what is wrong with it, by namespace; "*" is for those that are not listed. */
export type NamespacePolicies = ReadonlyMap<string, NamespacePolicy | { broken: string }>;

const entrySchema = z.strictObject({
  repositories: z.array(z.string()).optional(),
  kmsref: z.string().min(1).optional(),
  secret: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/)
    .optional(),
});

const anyOther = '*';

/**
 * Reads the setting: YAML that maps namespaces to `repositories` and either `kmsref` or `secret`. What cannot be
 * understood lets nothing be signed where it would have counted; each fault is in `faults`, without its value.
 */
export function parseNamespacePolicies(text: string | undefined): { policies: NamespacePolicies; faults: string[] } {
  if (text === undefined || text.trim() === '') return { policies: new Map(), faults: [] };
  const whole = readYaml(text);
  if (typeof whole === 'string') return { policies: new Map([[anyOther, { broken: whole }]]), faults: [whole] };
  const policies = new Map(Object.entries(whole).map(([namespace, entry]) => [namespace, policyFrom(entry)] as const));
  const faults = [...policies].flatMap(([namespace, policy]) =>
    'broken' in policy ? [`${namespace}: ${policy.broken}`] : [],
  );
  return { policies, faults };
}

/** The policy for runs of this namespace. */
export function policyFor(policies: NamespacePolicies, namespace: string): NamespacePolicy | { broken: string } {
  // "*" is no namespace's name.
  return policies.get(namespace) ?? policies.get(anyOther) ?? {};
}

/**
 * Whether a repository (as ImageSubject names it) is one of a pattern: `host/path` itself, `host/path/*` for what is
 * directly below, `host/path/**` for all below; `**` alone is everything.
 */
export function repositoryMatches(pattern: string, repository: string): boolean {
  if (pattern === '**') return true;
  const { base, depth } = split(pattern);
  const name = normal(base);
  if (name === undefined) return false;
  if (depth === 'itself') return repository === name;
  if (!repository.startsWith(`${name}/`)) return false;
  return depth === 'all' || !repository.slice(name.length + 1).includes('/');
}

function readYaml(text: string): JsonObject | string {
  try {
    const value: unknown = parse(text, { maxAliasCount: 0 });
    if (isJsonObject(value)) return value;
    return 'must be a map from namespaces to what may be signed there';
  } catch (error) {
    // The first line says what and where; the others repeat the text.
    return `is not YAML: ${messageOf(error).split('\n')[0]}`;
  }
}

function policyFrom(entry: unknown): NamespacePolicy | { broken: string } {
  const parsed = entrySchema.safeParse(entry);
  if (!parsed.success)
    return {
      broken: parsed.error.issues
        .slice(0, 3)
        .map((issue) => `${issue.path.join('.') || 'the entry'}: ${issue.message}`)
        .join('; '),
    };
  const { repositories, kmsref, secret } = parsed.data;
  if (kmsref !== undefined && secret !== undefined) return { broken: 'has both kmsref and secret; use one' };
  const wrong = repositories?.find((pattern) => !isPattern(pattern));
  if (wrong !== undefined)
    return {
      broken: `repositories: ${JSON.stringify(wrong)} is not a repository; write HOST/PATH, with /* or /** at its end for those below it, or ** for all`,
    };
  return { repositories, key: keyOf(kmsref, secret) };
}

function keyOf(kmsref: string | undefined, secret: string | undefined): SigningKeyChoice | undefined {
  if (kmsref !== undefined) return { kind: 'kms', ref: kmsref };
  return secret === undefined ? undefined : { kind: 'secret', name: secret };
}

function isPattern(pattern: string): boolean {
  return pattern === '**' || normal(split(pattern).base) !== undefined;
}

function split(pattern: string): { base: string; depth: 'itself' | 'one' | 'all' } {
  if (pattern.endsWith('/**')) return { base: pattern.slice(0, -3), depth: 'all' };
  if (pattern.endsWith('/*')) return { base: pattern.slice(0, -2), depth: 'one' };
  return { base: pattern, depth: 'itself' };
}

/** A repository or a host as subjects are named: `docker.io/a/b` is `index.docker.io/a/b`. */
function normal(base: string): string | undefined {
  const [host = '', ...path] = base.split('/');
  // Without a dot or a port the first part would be a path on Docker Hub, which is not meant.
  if (!/[.:]/.test(host)) return undefined;
  if (path.length === 0) return /^[A-Za-z0-9.-]+(:\d+)?$/.test(host) ? hubNamed(host) : undefined;
  if (path.some((part) => !/^[a-z0-9_.-]+$/.test(part))) return undefined;
  return `${hubNamed(host)}/${path.join('/')}`;
}

function hubNamed(host: string): string {
  return host === 'docker.io' ? 'index.docker.io' : host;
}
