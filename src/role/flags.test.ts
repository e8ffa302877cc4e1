import { describe, expect, it } from 'vitest';
import { hostFlag } from './flags.ts';

describe('a host in a flag', () => {
  it.each([
    ['auth.example.com', 'auth.example.com'],
    ['Auth.Example.COM', 'auth.example.com'],
    ['10.0.0.7', '10.0.0.7'],
    ['[fd00::1]', '[fd00::1]'],
  ])('is taken: %s', (text, host) => expect(hostFlag(text)).toBe(host));

  it.each(['', 'https://auth.example.com', 'auth.example.com:443', 'auth.example.com/token', 'user@host', 'a b'])(
    'is refused: %j',
    (text) => expect(() => hostFlag(text)).toThrow('write a host without scheme and port'),
  );
});
