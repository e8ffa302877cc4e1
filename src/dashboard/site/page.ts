import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { ServerAnswer, ServerRequest } from '../../http/server.ts';
import { RefusedError } from '../refusal.ts';
import type { Site, SiteFile } from './files.ts';

/** Nothing of another origin, no script or style in the page itself, and in nobody's frame. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "manifest-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': policy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Where a proxy in front has put the dashboard. */
const prefixForm = /^(?:\/[\w.~-]+)*\/?$/;
const LONGEST_PREFIX = 200;

/**
 * A file of the page, or the page itself for every address that is one of its own.
 * @param site undefined while there is no built page
 * @throws RefusedError 404 for files that are not there
 */
export function pageAnswer(
  { method, path, headers }: Pick<ServerRequest, 'method' | 'path' | 'headers'>,
  site: Site | undefined,
): ServerAnswer {
  if (method !== 'GET' && method !== 'HEAD') throw new RefusedError(405, `${method} is for /api and /apis`);
  const index = site?.get('index.html');
  if (site === undefined || index === undefined) return notBuilt();
  const file = site.get(path.slice(1));
  if (file !== undefined && file !== index) return fileAnswer(file, headers);
  if (/^\/assets\/|\.(?:js|css|map)$/.test(path))
    throw new RefusedError(404, 'this build of the page has no such file: reload the page');
  return indexAnswer(index, headers);
}

function notBuilt(): ServerAnswer {
  return {
    status: 503,
    headers: { ...pageHeaders, 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
    body: 'the page is not built: npm run build:page\n',
  };
}

function fileAnswer(file: SiteFile, headers: IncomingHttpHeaders): ServerAnswer {
  const [encoding, body] = encoded(file, String(headers['accept-encoding'] ?? ''));
  return {
    status: 200,
    headers: {
      ...pageHeaders,
      'content-type': file.type,
      'cache-control': file.isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
      'content-length': String(body.length),
      ...(encoding ? { 'content-encoding': encoding } : {}),
      vary: 'accept-encoding',
    },
    body,
  };
}

function encoded(file: SiteFile, accepted: string): [encoding: string | undefined, body: Buffer] {
  const offers = accepted.split(',').map((offer) => offer.trim());
  const takes = (name: string) => offers.some((offer) => new RegExp(`^${name}(?:;q=(?!0(?:\\.0*)?$).*)?$`).test(offer));
  if (file.brotli && takes('br')) return ['br', file.brotli];
  if (file.gzip && takes('gzip')) return ['gzip', file.gzip];
  return [undefined, file.bytes];
}

/** With a base, so that what it names by relative addresses is found from each of its pages, and under a prefix. */
function indexAnswer(index: SiteFile, headers: IncomingHttpHeaders): ServerAnswer {
  const html = index.bytes.toString('utf8').replace(/<base [^>]*>/, '');
  const base = `<base href="${prefixOf(headers)}/">`;
  const body = html.replace(/<head[^>]*>/, (head) => `${head}${base}`);
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  const caching = { etag, 'cache-control': 'no-cache', vary: 'x-forwarded-prefix' };
  if (headers['if-none-match'] === etag) return { status: 304, headers: { ...pageHeaders, ...caching } };
  return { status: 200, headers: { ...pageHeaders, ...caching, 'content-type': index.type }, body };
}

/** Where a proxy in front has put the dashboard, without the last slash; empty: nowhere, or not told in good form. */
export function prefixOf(headers: IncomingHttpHeaders): string {
  const prefix = String(headers['x-forwarded-prefix'] ?? '');
  return prefix.length <= LONGEST_PREFIX && prefixForm.test(prefix) ? prefix.replace(/\/$/, '') : '';
}
