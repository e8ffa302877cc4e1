import { describe, expect, it } from 'vitest';
import { Store } from '../kube/store.ts';
import type { ConfigMap } from '../kube/resources.ts';
import { createLogger } from '../log.ts';
import { TriggersSettings } from './settings.ts';

const systemNamespace = 'tekton-pipelines';
const start = {
  systemNamespace,
  sinkImage: 'example.com/t:1',
  pullPolicy: 'Always',
  events: 'disable',
} as const;

function world() {
  const maps = new Store<ConfigMap>();
  const told: string[] = [];
  const log = createLogger({ name: 'triggers', level: 'warn', destination: { write: () => undefined } });
  const events = {
    event: (object: { metadata: { name?: string } }, _type: string, reason: string, message: string) =>
      void told.push(`${object.metadata.name} ${reason}: ${message}`),
  };
  const settings = new TriggersSettings(start, maps, { log, events });
  let version = 0;
  const set = (name: string, data: Record<string, string>) => {
    version += 1;
    maps.upsert({ metadata: { name, namespace: systemNamespace, resourceVersion: String(version) }, data });
  };
  return { settings, told, set };
}

describe('the settings of the controller of Triggers', () => {
  it('give listeners what flags and ConfigMaps say', () => {
    const { settings, set, told } = world();
    set('config-defaults-triggers', { 'default-service-account': 'robot', 'default-fs-group': '' });
    set('config-logging-triggers', { 'loglevel.eventlistener': 'dpanic' });
    expect(settings.listeners).toMatchObject({
      image: 'example.com/t:1',
      pullPolicy: 'Always',
      defaultServiceAccount: 'robot',
      runAsUser: 65532,
      logLevel: 'fatal',
    });
    expect([settings.listeners.fsGroup, told]).toEqual([undefined, []]);
  });

  it("leave a level that is none to whoever reads it for the controller's log: it is told once", () => {
    const { settings, set, told } = world();
    set('config-logging-triggers', { 'loglevel.eventlistener': 'loud', 'zap-logger-config': '{"level":"warn"}' });
    expect([settings.listeners.logLevel, told]).toEqual(['warn', []]);
  });

  it.each([
    ['config-defaults-triggers', 'default-run-as-user', 'root', '65532 is used'],
    ['config-defaults-triggers', 'default-run-as-non-root', 'maybe', 'true is used'],
    ['feature-flags-triggers', 'labels-exclusion-pattern', '(', 'no label is left out'],
  ])('tell once, on %s, that %s is wrong', (map, key, value, instead) => {
    const { settings, set, told } = world();
    set(map, { [key]: value });
    void settings.listeners;
    void settings.listeners;
    expect(told).toEqual([expect.stringMatching(new RegExp(`^${map} InvalidConfiguration: ${key} is `))]);
    expect(told[0]).toContain(instead);
  });
});
