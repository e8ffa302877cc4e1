import { z } from 'zod';
import type { ServerAnswer, ServerRequest } from '../http/server.ts';
import type { PassThrough } from '../kube/pass-through.ts';
import { checkCsrf } from './proxy/rules.ts';
import { sessionCookie, tokenForm } from './proxy/session-cookie.ts';
import { json, RefusedError } from './refusal.ts';
import { prefixOf } from './site/page.ts';

/** Of a request to sign in. */
const LONGEST_BODY = 8 * 1024;
const ASK_MS = 10_000;
const given = z.strictObject({ token: z.string().regex(tokenForm) });
const reviewed = z.object({
  status: z.object({ userInfo: z.object({ username: z.string() }) }),
});

/**
 * Keeps a token that the API server knows in a cookie that scripts cannot read, until the browser is closed: pages have
 * no other way to send one with every request, watches and streams among them.
 * @throws RefusedError 400 for what is no token, 401 for one that the API server does not take
 */
export async function signIn(request: ServerRequest, passThrough: Pick<PassThrough, 'forward'>): Promise<ServerAnswer> {
  checkCsrf(request);
  const token = tokenIn(request.body);
  const user = await userOf(token, passThrough, request.signal);
  return withCookie(json(200, { user }), cookieFor(request, token));
}

/** Forgets the token. */
export function signOut(request: ServerRequest): ServerAnswer {
  checkCsrf(request);
  return withCookie(json(200, {}), `${cookieFor(request, '')}; Max-Age=0`);
}

function tokenIn(body: Buffer): string {
  const read = body.length > LONGEST_BODY ? undefined : given.safeParse(parsed(body));
  if (read?.success) return read.data.token;
  throw new RefusedError(
    400,
    'that is no token: send {"token": "..."} with one of at most 3,500 characters, such as "kubectl create token NAME" prints',
  );
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Who the API server says it is. */
async function userOf(token: string, passThrough: Pick<PassThrough, 'forward'>, signal: AbortSignal): Promise<string> {
  const answer = await passThrough.forward({
    method: 'POST',
    target: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    headers: ['authorization', `Bearer ${token}`, 'content-type', 'application/json'],
    body: Buffer.from('{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'),
    own: false,
    signal: AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]),
  });
  const text = await shortText(answer.body);
  if (answer.statusCode === 401)
    throw new RefusedError(401, 'the API server does not take this token: it may be over, or of another cluster');
  const review = answer.statusCode < 300 ? reviewed.safeParse(parsed(Buffer.from(text))) : undefined;
  if (review?.success) return review.data.status.userInfo.username;
  throw new RefusedError(502, `the API server did not say whose token this is (${answer.statusCode}); try again`);
}

async function shortText(body: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of body) if ((text += chunk.toString('utf8')).length > 64 * 1024) break;
  return text;
}

/** Strict: no other site's link or form brings it along. */
function cookieFor({ headers }: ServerRequest, token: string): string {
  const secure = headers['x-forwarded-proto'] === 'https' ? '; Secure' : '';
  return `${sessionCookie}=${token}; HttpOnly; SameSite=Strict; Path=${prefixOf(headers)}/${secure}`;
}

function withCookie(answer: ServerAnswer, cookie: string): ServerAnswer {
  return { ...answer, headers: { ...answer.headers, 'set-cookie': cookie } };
}
