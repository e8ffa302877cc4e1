import { describe, expect, it } from 'vitest';
import type { ConfigMap } from '../../kube/resources.ts';
import type { Change } from '../../kube/store.ts';
import { portsMapName, servedMapName } from './names.ts';
import { toldByMap } from './news.ts';
import { servedText } from './ports.ts';

const holder = (name: string) => JSON.stringify({ namespace: 'ci', name, uid: `u-${name}`, account: 'robot' });
const map = (name: string, data: Record<string, string>): ConfigMap => ({ metadata: { name }, data });
const ports = map(portsMapName, { 20000: holder('a'), 20001: holder('b') });
const says = (...names: string[]) =>
  map(servedMapName, { pod: servedText(new Map(names.map((name) => [name === 'a' ? 20_000 : 20_001, `u-${name}`]))) });
const change = (object: ConfigMap, more: Partial<Change<ConfigMap>> = {}): Change<ConfigMap> => ({
  type: 'updated',
  key: `x/${object.metadata.name}`,
  object,
  old: undefined,
  origin: 'watch',
  ...more,
});

describe('a change of a ConfigMap is news for', () => {
  it.each<[string, Change<ConfigMap>, string[]]>([
    ['the listener that a pod begins to serve', change(says('a', 'b'), { old: says('a') }), ['ci/b']],
    ['the listener that a pod serves no more', change(says('b'), { old: says('a', 'b') }), ['ci/a']],
    ['nobody where a pod says the same', change(says('a'), { old: says('a') }), []],
    ['all that have ports at the start', change(ports, { type: 'added', origin: 'list' }), ['ci/a', 'ci/b']],
    ['all that have ports for who leads them anew', change(ports, { origin: 'resync' }), ['ci/a', 'ci/b']],
    ['nobody where a port is given', change(ports, { old: map(portsMapName, {}) }), []],
    ['all where nothing is said any more', change(says('a'), { type: 'deleted' }), ['ci/a', 'ci/b']],
    ['nobody of another ConfigMap', change(map('config-defaults-triggers', {}), { type: 'added' }), []],
  ])('%s', (_name, given, wanted) => {
    expect(toldByMap(given, ports)).toEqual(wanted);
  });
});
