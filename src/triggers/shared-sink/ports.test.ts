import { describe, expect, it } from 'vitest';
import { heldPorts, portOf, portRange, servedText, serves, withoutPort, withPort, type PortHolder } from './ports.ts';

const holder = (name: string, namespace = 'ci'): PortHolder => ({
  namespace,
  name,
  uid: `uid-${name}`,
  account: 'robot',
});
const line = (of: object) => JSON.stringify(of);
const { first, last } = portRange;

describe('ports', () => {
  it('are given one after the other, and each listener keeps its own', () => {
    const a = withPort({}, holder('a'));
    const b = withPort(a?.data ?? {}, holder('b'));
    const again = withPort(b?.data ?? {}, { ...holder('a'), account: 'other' });
    expect([a?.port, b?.port, again?.port]).toEqual([first, first + 1, first]);
    expect(portOf(again?.data, 'ci', 'a')?.holder.account).toBe('other');
    expect(heldPorts(again?.data).length).toBe(2);
  });

  it('that were given back are given again as late as can be: proxies may still lead there', () => {
    const { data = {} } = withPort({}, holder('a')) ?? {};
    const without = withoutPort(data, 'ci', 'a') ?? {};
    expect([portOf(without, 'ci', 'a'), withPort(without, holder('b'))?.port]).toEqual([undefined, first + 1]);
    const end = withPort({ next: String(last) }, holder('z'));
    expect([end?.port, withPort(end?.data ?? {}, holder('b'))?.port]).toEqual([last, first]);
  });

  it('that are all given are none', () => {
    const full: Record<string, string> = {};
    for (let port = first; port <= last; port++) full[port] = line(holder(`l${port}`));
    expect(withPort(full, holder('one-more'))).toBeUndefined();
    expect(withPort(full, holder(`l${first + 7}`))?.port).toBe(first + 7);
    const { [String(first + 5)]: _gone, ...others } = full;
    expect(withPort(others, holder('one-more'))?.port).toBe(first + 5);
  });

  it('of a listener that has none are not given back', () => {
    expect(withoutPort({ [first]: line(holder('a', 'other')) }, 'ci', 'a')).toBeUndefined();
  });

  it.each<[string, string, string]>([
    ['no JSON', String(first), 'x'],
    ['null', String(first), 'null'],
    ['a name with a colon', String(first), line({ ...holder('a'), account: 'kube-system:admin' })],
    ['an account that is no text', String(first), line({ ...holder('a'), account: 7 })],
    ['an empty account', String(first), line({ ...holder('a'), account: '' })],
    ['no uid', String(first), line({ ...holder('a'), uid: undefined })],
    ['a line break in a namespace', String(first), line({ ...holder('a'), namespace: 'ci\nx' })],
    ['a port below', String(first - 1), line(holder('a'))],
    ['a port above', String(last + 1), line(holder('a'))],
    ['no port', 'next', line(holder('a'))],
  ])('%s is nobody’s, and nobody gets it', (_name, key, text) => {
    const data = { [key]: text };
    expect(heldPorts(data)).toEqual([]);
    expect(withPort(data, holder('b'))?.data[key] ?? 'next').toBe(key === 'next' ? String(first + 1) : text);
  });
});

describe('what a pod says that it serves', () => {
  const said = servedText(new Map([[first, 'uid-a']]));
  it.each<[string, string | undefined, number, string, boolean]>([
    ['this listener', said, first, 'uid-a', true],
    ['another listener', said, first, 'uid-b', false],
    ['at another port', said, first + 1, 'uid-a', false],
    ['nothing', undefined, first, 'uid-a', false],
    ['no JSON', '{', first, 'uid-a', false],
    ['a list', '["uid-a"]', 0, 'uid-b', false],
  ])('%s', (_name, text, port, uid, wanted) => {
    expect(serves(text, port, uid)).toBe(wanted);
  });
});
