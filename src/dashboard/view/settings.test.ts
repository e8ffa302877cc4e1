import { describe, expect, it } from 'vitest';
import { settingsOf, settingsParts } from './settings.ts';

const places = { pipelinesNamespace: 'p', chainsNamespace: 'c', resolversNamespace: 'r' };
const map = (name: string, data?: unknown) => ({ metadata: { name }, data });

describe('the settings of a part', () => {
  it('are where the part is; Triggers are beside Pipelines where nothing else is said', () => {
    const whereIn = (given: Parameters<typeof settingsParts>[0]) =>
      Object.fromEntries(settingsParts(given).map(({ title, namespace }) => [title, namespace]));
    expect(whereIn(places)).toEqual({ Resolvers: 'r', Chains: 'c', Pipelines: 'p', Triggers: 'p' });
    expect(whereIn({ ...places, triggersNamespace: 't' })).toMatchObject({ Triggers: 't' });
  });

  it('are those of its ConfigMaps that are there, keys by name, without the example', () => {
    const all = [map('other', { a: 'b' }), map('second', { z: '1', a: '2', _example: 'long' }), map('first')];
    expect(settingsOf(all, ['first', 'missing', 'second'])).toEqual([
      { name: 'first', values: [] },
      {
        name: 'second',
        values: [
          { name: 'a', value: '2' },
          { name: 'z', value: '1' },
        ],
      },
    ]);
  });

  it.each([
    ['a token', 'signers.kms.auth.token', 'hvs.abc', 'set, and not shown here'],
    ['a password', 'proxy-Password', 'abc', 'set, and not shown here'],
    ['a private key', 'signer.private-key', 'abc', 'set, and not shown here'],
    ['the name of a Secret', 'api-token-secret-name', 'github', 'github'],
    ['where a token is', 'signers.kms.auth.token-path', '/etc/token', '/etc/token'],
    ['an address with a password', 'default-url', 'https://ana:abc@git.example/x', 'https://...@git.example/x'],
    ['a value that is no text', 'n', 3, '3'],
  ])('%s: %s', (_name, key, value, shown) => {
    expect(settingsOf([map('m', { [key]: value })], ['m'])[0]?.values).toEqual([{ name: key, value: shown }]);
  });
});
