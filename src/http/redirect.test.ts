import { describe, expect, it } from 'vitest';
import { HttpError, LeavesTlsError } from './http-error.ts';
import { redirectOf, type Hop } from './redirect.ts';

const asked = new URL('https://a.test/x?y=1');
const hop = (more: Partial<Hop> = {}): Hop => ({ url: asked, method: 'GET', body: undefined, hops: 0, ...more });
const answer = (status: number, location?: string) => ({ status, headers: { location } });
const post = { method: 'POST', body: 'secret' } as const;

describe('where an answer leads', () => {
  it.each<[string, ReturnType<typeof answer>, Partial<Hop> | undefined, Partial<Hop>?]>([
    ['200: nowhere', answer(200), undefined],
    ['200 with a location: nowhere', answer(200, '/z'), undefined],
    ['300, which leaves the choice to people: nowhere', answer(300, '/z'), undefined],
    ['304: nowhere', answer(304, '/z'), undefined],
    ['302 without a location: nowhere', answer(302), undefined],
    ['an absolute one', answer(302, 'https://b.test/z'), { url: new URL('https://b.test/z'), hops: 1 }],
    ['a path', answer(301, '/z'), { url: new URL('https://a.test/z'), hops: 1 }],
    ['a relative one', answer(308, 'z'), { url: new URL('https://a.test/z'), hops: 1 }],
    ['to the same host without its scheme', answer(307, '//a.test/z'), { url: new URL('https://a.test/z'), hops: 1 }],
    [
      'with a user in it: that goes',
      answer(307, 'https://u:p@b.test/z'),
      { url: new URL('https://b.test/z'), hops: 1 },
    ],
    ['the fifth', answer(302, '/z'), { url: new URL('https://a.test/z'), hops: 5 }, { hops: 4 }],
    ['POST by 301: read, without the body', answer(301, '/z'), { method: 'GET', body: undefined }, post],
    ['POST by 302: read, without the body', answer(302, '/z'), { method: 'GET', body: undefined }, post],
    ['POST by 303: read, without the body', answer(303, '/z'), { method: 'GET', body: undefined }, post],
    ['POST by 307: sent again', answer(307, '/z'), post, post],
    ['POST by 308: sent again', answer(308, '/z'), post, post],
    ['PUT by 302: sent again', answer(302, '/z'), { method: 'PUT', body: 'b' }, { method: 'PUT', body: 'b' }],
    [
      'PUT by 303: read, without the body',
      answer(303, '/z'),
      { method: 'GET', body: undefined },
      { method: 'PUT', body: 'b' },
    ],
    ['DELETE by 303: read', answer(303, '/z'), { method: 'GET' }, { method: 'DELETE' }],
    ['HEAD by 303: asked for the same', answer(303, '/z'), { method: 'HEAD' }, { method: 'HEAD' }],
  ])('%s', (_name, given, wanted, from) => {
    const next = redirectOf(given, hop(from), { url: asked });
    if (wanted === undefined) expect(next).toBeUndefined();
    else expect(next).toMatchObject(wanted);
  });

  it.each<[string, string, Partial<Hop>, object, string]>([
    ['the sixth', '/z', { hops: 5 }, {}, 'a.test redirects without end'],
    ['to no URL', 'https://[', {}, {}, 'a.test redirects to what is no HTTP URL'],
    ['to a file', 'file:///etc/passwd', {}, {}, 'a.test redirects to what is no HTTP URL'],
    ['to data', 'data:text/plain,x', {}, {}, 'a.test redirects to what is no HTTP URL'],
    [
      'with a secret to another host',
      'https://b.test/z',
      post,
      { secret: true },
      'a.test wants credentials sent on to b.test',
    ],
    [
      'with a secret to another port',
      'https://a.test:8443/z',
      post,
      { secret: true },
      'a.test wants credentials sent on to a.test:8443',
    ],
    [
      'from TLS to plain HTTP',
      'http://a.test/z',
      {},
      {},
      'a.test redirects from TLS to http://a.test, which is not followed; it must redirect to https',
    ],
  ])('is refused: %s', (_name, location, from, more, message) => {
    const follow = () => redirectOf(answer(307, location), hop(from), { url: asked, ...more });
    expect(follow).toThrow(HttpError);
    expect(follow).toThrow(message);
  });

  it.each<[string, string, string, object, boolean]>([
    ['from TLS to TLS', 'https://a.test', 'https://b.test/', {}, true],
    ['from plain HTTP to TLS', 'http://a.test', 'https://b.test/', {}, true],
    ['from plain HTTP to plain HTTP', 'http://a.test', 'http://b.test/', {}, true],
    ['from TLS to plain HTTP', 'https://a.test', 'http://b.test/', {}, false],
    ['from TLS to plain HTTP where that is allowed', 'https://a.test', 'http://b.test/', { insecure: true }, true],
  ])('%s', (_name, from, location, more, isFollowed) => {
    const url = new URL(from);
    const follow = () => redirectOf(answer(302, location), hop({ url }), { url, ...more })?.url.href;
    if (isFollowed) expect(follow()).toBe(location);
    else expect(follow).toThrow(LeavesTlsError);
  });

  it('a secret that is no longer sent may go anywhere', () => {
    const next = redirectOf(answer(303, 'https://b.test/z'), hop(post), { url: asked, secret: true });
    expect(next).toMatchObject({ method: 'GET', body: undefined });
  });
});
