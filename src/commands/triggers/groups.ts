import type { Resource } from '../../resource.ts';
import type { Command, CommandGroup } from '../command.ts';
import { deleteObjectsCommand } from '../delete-objects.ts';
import {
  describeClusterTriggerBinding,
  describeEventListener,
  describeTriggerBinding,
  describeTriggerTemplate,
} from './describe.ts';
import { evalCommand } from './eval.ts';
import { clusterTriggerBindingKind, eventListenerKind, triggerBindingKind, triggerTemplateKind } from './kind.ts';
import { ageAlone, listenerColumns, listTriggersCommand } from './list.ts';
import { listenerLogs } from './logs.ts';

/** tkn writes these kinds small where it asks, and is longer about listeners that are not there. */
function deleteTriggersCommand({ resource, title }: { resource: Resource; title: string }): Command {
  const missing = (name: string) => (title === eventListenerKind.title ? `failed to get ${title} ${name}: ` : '');
  return deleteObjectsCommand({ resource, title, word: title.toLowerCase(), missing });
}

/** tkn's groups for the kinds of Triggers, and one of our own. */
export const triggersGroups: readonly CommandGroup[] = [
  {
    names: ['clustertriggerbinding', 'ctb', 'clustertriggerbindings'],
    summary: 'Manage ClusterTriggerBindings',
    commands: [
      deleteTriggersCommand(clusterTriggerBindingKind),
      describeClusterTriggerBinding,
      listTriggersCommand(clusterTriggerBindingKind, ageAlone),
    ],
  },
  {
    names: ['eventlistener', 'el', 'eventlisteners'],
    summary: 'Manage EventListeners',
    commands: [
      deleteTriggersCommand(eventListenerKind),
      describeEventListener,
      listTriggersCommand(eventListenerKind, listenerColumns),
      listenerLogs,
    ],
  },
  { names: ['trigger'], summary: 'Try out Triggers', commands: [evalCommand] },
  {
    names: ['triggerbinding', 'tb', 'triggerbindings'],
    summary: 'Manage TriggerBindings',
    commands: [
      deleteTriggersCommand(triggerBindingKind),
      describeTriggerBinding,
      listTriggersCommand(triggerBindingKind, ageAlone),
    ],
  },
  {
    names: ['triggertemplate', 'tt', 'triggertemplates'],
    summary: 'Manage TriggerTemplates',
    commands: [
      deleteTriggersCommand(triggerTemplateKind),
      describeTriggerTemplate,
      listTriggersCommand(triggerTemplateKind, ageAlone),
    ],
  },
];
