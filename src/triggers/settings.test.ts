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
  logLevel: 'warn',
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
    settings.applyLevel();
  };
  return { settings, told, log, set };
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

  it('give its own log a level while it runs, and the one that it began with again', () => {
    const { log, set } = world();
    const levels = [{ 'loglevel.controller': 'debug' }, { 'loglevel.controller': 'loud' }, {}].map((data) => {
      set('config-logging-triggers', data as Record<string, string>);
      return log.level;
    });
    expect(levels).toEqual(['debug', 'warn', 'warn']);
  });

  it.each([
    ['config-logging-triggers', 'loglevel.eventlistener', 'loud', 'info is used'],
    ['config-logging-triggers', 'loglevel.controller', 'loud', "the chart's triggers.controller.logLevel is used"],
    ['config-defaults-triggers', 'default-run-as-user', 'root', '65532 is used'],
    ['config-defaults-triggers', 'default-run-as-non-root', 'maybe', 'true is used'],
    ['feature-flags-triggers', 'labels-exclusion-pattern', '(', 'no label is left out'],
  ])('tell once, on %s, that %s is wrong', (map, key, value, instead) => {
    const { settings, set, told } = world();
    set(map, { [key]: value });
    void settings.listeners;
    set('config-leader-election-triggers-controllers', {});
    expect(told).toEqual([expect.stringMatching(new RegExp(`^${map} InvalidConfiguration: ${key} is `))]);
    expect(told[0]).toContain(instead);
  });
});
