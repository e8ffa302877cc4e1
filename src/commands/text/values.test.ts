import { describe, expect, it } from 'vitest';
import type { Condition } from '../../api/meta.ts';
import type { WorkspaceBinding } from '../../api/pipeline/v1/workspace.ts';
import { styleOf } from './colour.ts';
import { paramText, resultText, statusText, workspaceText } from './values.ts';

const plain = styleOf(false);

describe('statusText', () => {
  it.each<[Condition['status'], string | undefined, string]>([
    ['True', 'Succeeded', 'Succeeded'],
    ['True', undefined, 'Succeeded'],
    ['True', 'Completed', 'Succeeded'],
    ['False', 'Failed', 'Failed'],
    ['False', 'TaskRunTimeout', 'Failed(TaskRunTimeout)'],
    ['False', 'Cancelled', 'Cancelled'],
    ['False', 'Completed', 'Failed(Completed)'],
    ['False', 'TaskRunCancelled', 'Cancelled(TaskRunCancelled)'],
    ['False', 'PipelineRunCancelled', 'Cancelled(PipelineRunCancelled)'],
    ['Unknown', 'Running', 'Running'],
    ['Unknown', 'Started', 'Running(Started)'],
    ['Unknown', 'PipelineRunStopping', 'Failed(PipelineRunStopping)'],
    ['Unknown', 'ExceededNodeResources', 'Pending(ExceededNodeResources)'],
    ['Unknown', 'CreateContainerConfigError', 'Pending(CreateContainerConfigError)'],
    ['Unknown', 'PipelineRunPending', 'Pending'],
  ])('%s with reason %s', (status, reason, expected) => {
    expect(statusText([{ type: 'Succeeded', status, reason }], plain)).toBe(expected);
  });

  it('reads the first condition, whatever its type', () => {
    expect(
      statusText(
        [
          { type: 'Other', status: 'False' },
          { type: 'Succeeded', status: 'True' },
        ],
        plain,
      ),
    ).toBe('Failed');
  });

  it('shows nothing for a run without conditions', () => {
    expect(statusText([], plain)).toBe('---');
    expect(statusText(undefined, plain)).toBe('---');
  });

  it('colours the word and not the reason', () => {
    expect(statusText([{ type: 'Succeeded', status: 'False', reason: 'TaskRunTimeout' }], styleOf(true))).toBe(
      '\u001b[91mFailed\u001b[39m(TaskRunTimeout)',
    );
  });
});

describe('values', () => {
  it.each([
    ['a text', 'x y', 'x y', 'x y'],
    ['a text with a newline', 'x\n', 'x\n', 'x'],
    ['an array', ['a', 'b'], '[a b]', 'a, b'],
    ['an object', { b: '2', a: '1' }, 'map[a:1 b:2]', '{"b":"2","a":"1"}'],
    ['a number', 3, '3', '3'],
  ])('%s', (_name, value, asParam, asResult) => {
    expect(paramText(value)).toBe(asParam);
    expect(resultText(value)).toBe(asResult);
  });
});

describe('workspaceText', () => {
  it.each<[string, Omit<WorkspaceBinding, 'name'>]>([
    ['VolumeClaimTemplate', { volumeClaimTemplate: {} }],
    ['PersistentVolumeClaim (claimName=c)', { persistentVolumeClaim: { claimName: 'c' } }],
    ['EmptyDir (emptyDir=)', { emptyDir: {} }],
    ['EmptyDir (emptyDir=Memory)', { emptyDir: { medium: 'Memory' } }],
    ['ConfigMap (config=m,item=k=p)', { configMap: { name: 'm', items: [{ key: 'k', path: 'p' }] } }],
    ['Secret (secret=s)', { secret: { secretName: 's' } }],
    ['CSI (Driver=d)', { csi: { driver: 'd' } }],
  ])('%s', (expected, binding) => {
    expect(workspaceText({ name: 'w', ...binding })).toBe(expected);
  });
});
