/** The cookie with the token of whoever signed in at the page. */
export const sessionCookie = 'tektite-session';

/** What a bearer token consists of (RFC 6750), and a length that a cookie can have. */
export const tokenForm = /^[A-Za-z0-9._~+/-]{1,3500}={0,2}$/;

/** The token in a request's cookies; undefined without one, and for what is none. */
export function sessionIn(cookies: string | undefined): string | undefined {
  const found = (cookies ?? '')
    .split(';')
    .map((cookie) => cookie.trim())
    .find((cookie) => cookie.startsWith(`${sessionCookie}=`));
  const token = found?.slice(sessionCookie.length + 1) ?? '';
  return tokenForm.test(token) ? token : undefined;
}
