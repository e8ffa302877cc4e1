import { describe, expect, it } from 'vitest';
import { callerOf } from './caller.ts';

const token = ['Authorization', 'Bearer t'];

describe('who calls', () => {
  it.each<[name: string, sent: string[], own: boolean, headers: string[]]>([
    ['nobody: the dashboard itself', ['Host', 'x', 'Cookie', 'a=b'], true, []],
    ['a token', token, false, ['authorization', 'Bearer t']],
    ['the first of two tokens', [...token, 'authorization', 'Bearer other'], false, ['authorization', 'Bearer t']],
    [
      'a token and whom it stands for, group by group',
      [...token, 'Impersonate-User', 'ann', 'Impersonate-Group', 'a', 'Impersonate-Group', 'b,c'],
      false,
      ['authorization', 'Bearer t', 'impersonate-user', 'ann', 'impersonate-group', 'a', 'impersonate-group', 'b,c'],
    ],
    [
      'a token as protocol of a WebSocket',
      ['Sec-WebSocket-Protocol', 'v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.dA'],
      false,
      [],
    ],
    ['who signed in', ['Cookie', 'a=b; tektite-session=abc.def-1_2'], false, ['authorization', 'Bearer abc.def-1_2']],
    ['a token before the session', [...token, 'Cookie', 'tektite-session=abc'], false, ['authorization', 'Bearer t']],
    [
      "a WebSocket's token before the session",
      ['Cookie', 'tektite-session=abc', 'Sec-WebSocket-Protocol', 'base64url.bearer.authorization.k8s.io.dA'],
      false,
      [],
    ],
    ['a session that is no token', ['Cookie', 'tektite-session=a b'], true, []],
    ['a session that is too long', ['Cookie', `tektite-session=${'a'.repeat(3_501)}`], true, []],
    ['a cookie of another name', ['Cookie', 'x-tektite-session=abc'], true, []],
  ])('%s', (_name, sent, own, headers) => {
    expect(callerOf(sent)).toMatchObject({ own, headers });
  });

  it.each<[name: string, sent: string[]]>([
    ['nobody', ['Host', 'x']],
    ['a session that is no token', ['Cookie', 'tektite-session=a b']],
    ['a protocol of a WebSocket that is no token', ['Sec-WebSocket-Protocol', 'v4.channel.k8s.io']],
  ])('gets no rights of the dashboard where credentials are required: %s', (_name, sent) => {
    expect(callerOf(sent)).toMatchObject({ own: true });
    expect(() => callerOf(sent, true)).toThrow(
      expect.objectContaining({
        status: 401,
        message: expect.stringMatching(/^the dashboard lends nobody its own/) as string,
      }),
    );
    expect(callerOf([...sent, ...token], true)).toMatchObject({ own: false });
  });

  it('impersonation without credentials is refused: it would run with the rights of the dashboard', () => {
    expect(() => callerOf(['Impersonate-User', 'system:admin'])).toThrow('only with a token of whoever impersonates');
  });

  it('keys differ as callers do, and hold nothing of the token', () => {
    const sent = [token, ['Authorization', 'Bearer u'], [...token, 'Impersonate-User', 'ann'], []];
    const keys = sent.map((each) => callerOf(each).key);
    expect(new Set(keys).size).toBe(4);
    expect(keys.join()).not.toContain('Bearer');
  });
});
