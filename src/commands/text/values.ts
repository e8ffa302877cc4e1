import type { Condition } from '../../api/meta.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import { nothing } from './age.ts';
import type { Style } from './colour.ts';

/** A param's value as Go prints it: "text", "[a b]", "map[key:value]". */
export function paramText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map(paramText).join(' ')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${entries.map(([key, item]) => `${key}:${paramText(item)}`).join(' ')}]`;
  }
  return JSON.stringify(value) ?? '';
}

/** A TaskRun's result: without its last newline; arrays joined, objects as JSON. */
export function resultText(value: unknown): string {
  if (typeof value === 'string') return value.replace(/\n$/, '');
  if (Array.isArray(value)) return value.map(String).join(', ');
  return JSON.stringify(value) ?? '';
}

/** What a workspace is bound to, in tkn's words. */
export function workspaceText(binding: WorkspaceBinding): string {
  if (binding.volumeClaimTemplate) return 'VolumeClaimTemplate';
  if (binding.persistentVolumeClaim)
    return `PersistentVolumeClaim (claimName=${binding.persistentVolumeClaim.claimName})`;
  if (binding.emptyDir) return `EmptyDir (emptyDir=${binding.emptyDir.medium ?? ''})`;
  if (binding.configMap) return `ConfigMap (config=${nameAndItems(binding.configMap.name, binding.configMap.items)})`;
  if (binding.secret) return `Secret (secret=${nameAndItems(binding.secret.secretName, binding.secret.items)})`;
  if (binding.projected) return 'Projected';
  if (binding.csi) return `CSI (Driver=${binding.csi.driver})`;
  return '';
}

function nameAndItems(name: string | undefined, items: unknown[] | undefined): string {
  const shown = ((items as { key?: string; path?: string }[] | undefined) ?? []).map(
    (item) => `,item=${item.key ?? ''}=${item.path ?? ''}`,
  );
  return `${name ?? ''}${shown.join('')}`;
}

/** Reasons that say more than the condition's status; tkn shows the word in place of it. */
const WORDS: Readonly<Record<string, string>> = {
  PipelineRunCancelled: 'Cancelled',
  TaskRunCancelled: 'Cancelled',
  PipelineRunStopping: 'Failed',
  TaskRunStopping: 'Failed',
  CreateContainerConfigError: 'Pending',
  ExceededNodeResources: 'Pending',
  ExceededResourceQuota: 'Pending',
};

/**
 * A run's status in a word, with the reason when that says more: "Succeeded", "Failed(TaskRunTimeout)",
 * "Cancelled(TaskRunCancelled)", "Running". Reads the first condition, whatever its type, as tkn does.
 */
export function statusText(conditions: Condition[] | undefined, style: Style): string {
  const condition = conditions?.[0];
  if (!condition) return nothing;
  const status = { True: 'Succeeded', False: 'Failed', Unknown: 'Running' }[condition.status];
  const reason = condition.reason ?? '';
  if (reason === 'PipelineRunPending') return style.status('Pending');
  if (reason === 'Cancelled') return style.status(reason);
  return isPlain(reason, status) ? style.status(status) : `${style.status(WORDS[reason] ?? status)}(${reason})`;
}

/** Whether a reason says no more than the status. */
function isPlain(reason: string, status: string): boolean {
  return reason === '' || reason === status || (reason === 'Completed' && status === 'Succeeded');
}
