import type { TaskSpec } from '../../../api/pipeline/v1/task.ts';
import type { WorkspaceDeclaration } from '../../../api/pipeline/v1/workspace.ts';
import { variables } from '../../../api/variables/reference.ts';
import { textsIn } from '../../../api/variables/scan.ts';
import { advice, names, type Advice } from './wording.ts';

/** Workspaces of a task. */
export function workspaceAdvice(task: TaskSpec, path: string): Advice[] {
  const { workspaces = [], steps, sidecars, stepTemplate, volumes } = task;
  const text = JSON.stringify([steps, sidecars, stepTemplate, volumes]);
  return [
    ...workspaces.flatMap((workspace, index) => ofOne(workspace, text, `${path}.workspaces[${index}]`)),
    ...unknownVariables(task, path),
  ];
}

/** Its files may be found in many ways: whoever names it somewhere is believed. */
function ofOne({ name, mountPath, optional }: WorkspaceDeclaration, text: string, at: string): Advice[] {
  if (!names(text, name) && (mountPath === undefined || !text.includes(mountPath)))
    return [advice('unused-workspace', at, `workspace "${name}" is not used`)];
  const reads = (part: string) => [`workspaces.${name}.${part}`, `workspaces["${name}"].${part}`].some(isIn(text));
  if (!optional || !reads('path') || reads('bound')) return [];
  const message = `where workspace "${name}" is not bound its path is empty; look at $(workspaces.${name}.bound) first`;
  return [advice('unchecked-workspace', at, message)];
}

function isIn(text: string): (part: string) => boolean {
  return (part) => text.includes(JSON.stringify(part).slice(1, -1));
}

const PROPERTIES = ['path', 'bound', 'claim', 'volume'];

/** A task within a pipeline sees the pipeline's workspaces too: only a Task of its own is looked at. */
function unknownVariables({ workspaces = [], steps = [] }: TaskSpec, path: string): Advice[] {
  if (path !== 'spec') return [];
  const declared = new Set(workspaces.map(({ name }) => name));
  return steps.flatMap((step, index) => {
    const { script, command, args, env, workingDir } = step;
    const used = textsIn([script, command, args, env, workingDir]).flatMap((text) => variables(text, 'workspaces'));
    const unknown = new Set(
      used.flatMap(({ path: [name = '', property = '', ...more] }) =>
        more.length === 0 && PROPERTIES.includes(property) && !declared.has(name) ? [name] : [],
      ),
    );
    return [...unknown].map((name) =>
      advice(
        'unknown-workspace-variable',
        `${path}.steps[${index}]`,
        `the task declares no workspace "${name}": its variables stay as they are written`,
      ),
    );
  });
}
