import { z } from 'zod';
import type { InterceptorRequest } from './wire.ts';

const secretRef = z.object({ secretName: z.string().default(''), secretKey: z.string().default('') });
/** A key of a Secret in the trigger's namespace. */
export type SecretRef = z.infer<typeof secretRef>;

const eventTypes = z.array(z.string()).optional();
export const forgeParams = z.object({ secretRef: secretRef.optional(), eventTypes });

export const githubParams = forgeParams.extend({
  addChangedFiles: z
    .object({ enabled: z.boolean().default(false), personalAccessToken: secretRef.optional() })
    .optional(),
  githubOwners: z
    .object({
      enabled: z.boolean().default(false),
      personalAccessToken: secretRef.optional(),
      checkType: z.enum(['orgMembers', 'repoMembers', 'all', 'none', '']).optional(),
    })
    .optional(),
});
export type GithubParams = z.infer<typeof githubParams>;

export const slackParams = z.object({
  requestedFields: z.array(z.string()).optional(),
  secretRef: secretRef.optional(),
  unverified: z.enum(['allow', 'refuse']).default('refuse'),
});

export const celParams = z.object({
  filter: z.string().optional(),
  overlays: z.array(z.object({ key: z.string().default(''), expression: z.string().default('') })).optional(),
});

/** Params in the form that an interceptor takes, or what is wrong with them. */
export function readParams<T extends z.ZodType>(
  form: T,
  { interceptor_params: given = {} }: InterceptorRequest,
): { ok: true; value: z.infer<T> } | { ok: false; problem: string } {
  const read = form.safeParse(withoutNulls(given));
  if (read.success) return { ok: true, value: read.data };
  const [issue] = read.error.issues;
  return { ok: false, problem: `failed to parse interceptor params: ${issue?.path.join('.')}: ${issue?.message}` };
}

/** Go clients send null for what is left out. */
function withoutNulls(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null && value !== undefined));
}
