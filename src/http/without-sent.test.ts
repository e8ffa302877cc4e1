import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withoutSent } from './without-sent.ts';

const token = 'hvs.CAESIJ-abc_123';
const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl';
const sent = { credentials: [`Bearer ${token}`, 'robot', 'p%40ss'], body: `{"kind":"hashedrekord","jwt":"${jwt}"}` };

describe('the words of a service', () => {
  it.each<[name: string, text: string, wanted: string]>([
    ['say what is wrong', 'permission denied: no such key', 'permission denied: no such key'],
    ['do not repeat a token', `token ${token} has expired`, 'token *** has expired'],
    ['nor one at the end of a sentence', `bad token ${token}.`, 'bad token ***'],
    ['nor one among other letters', `x-vault-token=${token}&v=1`, 'x-vault-token=***&v=1'],
    ['nor glued to a word', `prefix${token}suffix is bad`, '*** is bad'],
    ['nor half of one', 'bad token hvs.CAESIJ', 'bad token ***'],
    ['nor a name or a password', 'robot:p%40ss is refused', '***:*** is refused'],
    ['nor a token of the body', `cannot verify ${jwt}`, 'cannot verify ***'],
    ['may repeat a short word of the body', 'no such kind: hashedrekord', 'no such kind: hashedrekord'],
    ['are the same without anything sent', 'abc', 'abc'],
  ])('%s', (_name, text, wanted) => expect(withoutSent(text, sent)).toBe(wanted));

  it('never hold a credential, wherever it stands', () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9_.-]{8,40}$/);
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), (value, before, after) => {
        const text = withoutSent(`${before}${value}${after}`, { credentials: [`Bearer ${value}`], body: '' });
        expect(text).not.toContain(value);
      }),
    );
  });
});
