import { describe, expect, it } from 'vitest';
import type { EventListener, Trigger } from '../../api/triggers/objects.ts';
import type { EventListenerSpec, LabelSelector } from '../../api/triggers/spec.ts';
import {
  hasLabels,
  scheduledTriggers,
  selectOne,
  selectTriggers,
  type Selected,
  type SelectedTrigger,
  type TriggerLookup,
} from './select.ts';

const template = { ref: 'made' };
const yearly = { 'triggers.tektite.dev/schedule': '0 0 1 1 *' };

function trigger(namespace: string, name: string, more: Trigger['metadata'] = {}): Trigger {
  return { metadata: { namespace, name, uid: `${namespace}-${name}`, ...more }, spec: { template } };
}

const all = [
  trigger('ours', 'main', { labels: { team: 'blue' } }),
  trigger('ours', 'other', { labels: { team: 'red' } }),
  trigger('ours', 'timed', { labels: { team: 'blue' }, annotations: yearly }),
  trigger('theirs', 'main', { labels: { team: 'blue' } }),
  trigger('far', 'main'),
];
const lookup: TriggerLookup = {
  find: (namespace, name) => all.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
  values: () => all,
};
const listener = (spec: EventListenerSpec): EventListener => ({ metadata: { namespace: 'ours', name: 'l' }, spec });
const blue = { matchLabels: { team: 'blue' } };

/** The triggers by their places, groups with theirs, and what is missing. */
function shown({ triggers, groups, missing }: Selected) {
  const places = (of: readonly SelectedTrigger[]) => of.map(({ namespace, name }) => `${namespace}/${name}`);
  return {
    ...(triggers.length > 0 ? { triggers: places(triggers) } : {}),
    ...(groups.length > 0 ? { groups: groups.map((group) => [group.name, ...places(group.triggers)]) } : {}),
    ...(missing.length > 0 ? { missing: missing.map(({ name, problem }) => `${name}: ${problem}`) } : {}),
  };
}

describe('an event at a listener', () => {
  it.each<[string, EventListenerSpec, ReturnType<typeof shown>]>([
    ['that selects nothing is for nobody', {}, {}],
    [
      'is for the triggers that stand in it',
      { triggers: [{ name: 'a', template }, { template }] },
      { triggers: ['ours/a', 'ours/'] },
    ],
    ['is for those that it names', { triggers: [{ triggerRef: 'main' }] }, { triggers: ['ours/main'] }],
    [
      'is for what stands in it, though it names another',
      { triggers: [{ name: 'a', template, triggerRef: 'main' }] },
      { triggers: ['ours/a'] },
    ],
    [
      'says which of them are not there, and is for the others',
      {
        triggers: [
          { triggerRef: 'gone' },
          { name: 'mine', triggerRef: 'away' },
          { name: 'empty' },
          { triggerRef: 'main' },
        ],
      },
      {
        triggers: ['ours/main'],
        missing: [
          'gone: Trigger ours/gone is not there',
          'mine: Trigger ours/away is not there',
          'empty: spec.triggers[2] has neither template nor triggerRef',
        ],
      },
    ],
    [
      'is not for one of another namespace of that name',
      { triggers: [{ triggerRef: 'theirs' }] },
      { missing: ['theirs: Trigger ours/theirs is not there'] },
    ],
    ['is not for one with a schedule that it names', { triggers: [{ triggerRef: 'timed' }] }, {}],
    ['is for those with its labels in its own namespace', { labelSelector: blue }, { triggers: ['ours/main'] }],
    ['is for all of its own namespace', { labelSelector: {} }, { triggers: ['ours/main', 'ours/other'] }],
    ['is for all of a namespace', { namespaceSelector: { matchNames: ['theirs'] } }, { triggers: ['theirs/main'] }],
    [
      'is for all of all namespaces',
      { namespaceSelector: { matchNames: ['*'] } },
      { triggers: ['ours/main', 'ours/other', 'theirs/main', 'far/main'] },
    ],
    [
      'is for those with its labels in the namespaces that it names',
      { namespaceSelector: { matchNames: ['ours', 'theirs', 'far'] }, labelSelector: blue },
      { triggers: ['ours/main', 'theirs/main'] },
    ],
    ['is for nobody by a list of no namespaces', { namespaceSelector: { matchNames: [] } }, {}],
    [
      'is for what it selects and what stands in it',
      { labelSelector: blue, triggers: [{ name: 'a', template }] },
      { triggers: ['ours/main', 'ours/a'] },
    ],
    [
      'is for groups, each with what it selects',
      {
        triggerGroups: [
          { name: 'blue', triggerSelector: { labelSelector: blue } },
          { name: 'none', triggerSelector: { namespaceSelector: { matchNames: ['nowhere'] } } },
          { name: 'nothing said' },
        ],
      },
      { groups: [['blue', 'ours/main'], ['none'], ['nothing said']] },
    ],
  ])('%s', (_name, spec, wanted) => expect(shown(selectTriggers(listener(spec), lookup))).toEqual(wanted));
});

describe('of the triggers with a schedule a listener has', () => {
  it.each<[string, EventListenerSpec, string[]]>([
    ['none', {}, []],
    ['the one that it names', { triggers: [{ triggerRef: 'timed' }, { triggerRef: 'main' }] }, ['ours-timed']],
    ['none that it names beside a template', { triggers: [{ triggerRef: 'timed', template }] }, []],
    ['the one that it selects', { labelSelector: blue }, ['ours-timed']],
    ['the one that a group selects', { triggerGroups: [{ triggerSelector: { labelSelector: blue } }] }, ['ours-timed']],
    [
      'each once',
      { labelSelector: blue, triggers: [{ triggerRef: 'timed' }, { triggerRef: 'timed' }] },
      ['ours-timed'],
    ],
    ['none with other labels', { labelSelector: { matchLabels: { team: 'red' } } }, []],
  ])('%s', (_name, spec, uids) =>
    expect(scheduledTriggers(listener(spec), lookup).map(({ metadata }) => metadata.uid)).toEqual(uids),
  );
});

describe('a listener selects one trigger', () => {
  const [, , timed] = all as [Trigger, Trigger, Trigger];
  const interceptors = [{ ref: { name: 'cel' } }];
  it.each<[string, EventListenerSpec, ReturnType<typeof shown>]>([
    ['not at all', {}, {}],
    ['by its name', { triggers: [{ triggerRef: 'timed' }] }, { triggers: ['ours/timed'] }],
    ['not by its name beside a template', { triggers: [{ triggerRef: 'timed', template }] }, {}],
    ['not by the name of another', { triggers: [{ triggerRef: 'main' }] }, {}],
    ['by its labels', { labelSelector: blue }, { triggers: ['ours/timed'] }],
    [
      'by name and labels, once',
      { labelSelector: blue, triggers: [{ triggerRef: 'timed' }] },
      { triggers: ['ours/timed'] },
    ],
    ['not by other labels', { labelSelector: { matchLabels: { team: 'red' } } }, {}],
    [
      'by each of the groups that do',
      {
        triggerGroups: [
          { name: 'a', interceptors, triggerSelector: { labelSelector: blue } },
          { name: 'b', triggerSelector: { labelSelector: { matchLabels: { team: 'red' } } } },
          { name: 'c', triggerSelector: { namespaceSelector: { matchNames: ['ours'] } } },
        ],
      },
      {
        groups: [
          ['a', 'ours/timed'],
          ['c', 'ours/timed'],
        ],
      },
    ],
  ])('%s', (_name, spec, wanted) => expect(shown(selectOne(listener(spec), lookup, timed))).toEqual(wanted));

  it('and not one that was made anew under its name', () => {
    const before = { ...timed, metadata: { ...timed.metadata, uid: 'older' } };
    expect(shown(selectOne(listener({ triggers: [{ triggerRef: 'timed' }] }), lookup, before))).toEqual({});
  });
});

describe('labels', () => {
  const labels = { team: 'blue', tier: '' };
  const expression = (key: string, operator: string, ...values: string[]): LabelSelector => ({
    matchExpressions: [{ key, operator, ...(values.length > 0 ? { values } : {}) }],
  });
  it.each<[string, LabelSelector | undefined, boolean]>([
    ['no selector', undefined, true],
    ['an empty one', {}, true],
    ['an equal value', { matchLabels: { team: 'blue' } }, true],
    ['another value', { matchLabels: { team: 'red' } }, false],
    ['one equal, one not', { matchLabels: { team: 'blue', tier: 'x' } }, false],
    ['an empty value', { matchLabels: { tier: '' } }, true],
    ['a label that is not there', { matchLabels: { gone: '' } }, false],
    ['in a list', expression('team', 'In', 'red', 'blue'), true],
    ['in another list', expression('team', 'In', 'red'), false],
    ['a missing one in a list', expression('gone', 'In', 'x'), false],
    ['in no list', expression('team', 'In'), false],
    ['not in a list', expression('team', 'NotIn', 'red'), true],
    ['not in a list that has it', expression('team', 'NotIn', 'red', 'blue'), false],
    ['a missing one not in a list', expression('gone', 'NotIn', 'x'), true],
    ['is there', expression('tier', 'Exists'), true],
    ['is there, and is not', expression('gone', 'Exists'), false],
    ['is not there', expression('gone', 'DoesNotExist'), true],
    ['is not there, and is', expression('tier', 'DoesNotExist'), false],
    ['a name that every object of JavaScript has', expression('constructor', 'Exists'), false],
    ['an operator that is none', expression('team', 'Like', 'blue'), false],
    [
      'equal, and an expression that does not fit',
      { matchLabels: { team: 'blue' }, ...expression('gone', 'Exists') },
      false,
    ],
    ['an expression, and another value', { matchLabels: { team: 'red' }, ...expression('tier', 'Exists') }, false],
  ])('%s', (_name, selector, fits) => expect(hasLabels(labels, selector)).toBe(fits));
});
