import type { ParamSpec } from '../../../api/pipeline/v1/params.ts';
import { advice, type Advice } from './wording.ts';

interface Described {
  name?: string | undefined;
  description?: string | undefined;
}

/** What a Task, Pipeline or StepAction tells those who use it. */
interface Definition {
  description?: string | undefined;
  params?: readonly ParamSpec[] | undefined;
  results?: readonly Described[] | undefined;
  workspaces?: readonly Described[] | undefined;
}

const LISTS = [
  ['params', 'param', 'param-description'],
  ['results', 'result', 'result-description'],
  ['workspaces', 'workspace', 'workspace-description'],
] as const;

/** Of definitions that have a name of their own: others are read where they are written. */
export function namingAdvice(kind: string, definition: Definition): Advice[] {
  return [
    ...(definition.description
      ? []
      : [advice('no-description', 'spec', `nobody can see what this ${kind} is for; set spec.description`)]),
    ...LISTS.flatMap(([list, what, rule]) =>
      (definition[list] ?? []).flatMap(({ name, description }, index) => {
        if (!name) return [];
        const at = `spec.${list}[${index}]`;
        return [
          ...(description ? [] : [advice(rule, at, `say in a description what ${what} "${name}" is`)]),
          // Names of results are what Chains and others look for.
          ...(list === 'results' ? [] : kebabAdvice(name, at)),
        ];
      }),
    ),
  ];
}

const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

function kebabAdvice(name: string, at: string): Advice[] {
  if (KEBAB.test(name)) return [];
  const better = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .toLowerCase();
  return [advice('kebab-case', `${at}.name`, `"${name}" is not in kebab-case; write "${better}"`)];
}
