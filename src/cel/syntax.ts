import type { parse } from '@bufbuild/cel';

export type Expr = ReturnType<typeof parse>['expr'];

/** Names that stand for types, and the first parts of those of messages (google.protobuf.Timestamp). */
const typeNames = new Set([
  ...['bool', 'bytes', 'double', 'int', 'list', 'map', 'null_type', 'string', 'type', 'uint'],
  ...['google', 'cel', 'optional_type'],
]);

export interface Undeclared {
  name: string;
  /** Id of the expression, by which the parser knows its position. */
  id: bigint;
}

interface Visit {
  expr: Expr | undefined;
  /** Variables of the comprehensions around it. */
  scope: ReadonlySet<string>;
}

/** The first name that is neither declared nor a type's nor a comprehension's variable. */
export function undeclaredName(root: Expr, declared: ReadonlySet<string>): Undeclared | undefined {
  const open: Visit[] = [{ expr: root, scope: declared }];
  for (let visit = open.pop(); visit !== undefined; visit = open.pop()) {
    const { expr, scope } = visit;
    if (expr === undefined) continue;
    const { exprKind, id } = expr;
    if (exprKind.case === 'identExpr') {
      const name = exprKind.value.name.replace(/^\./, '');
      if (!scope.has(name) && !typeNames.has(name)) return { name, id };
    }
    // The last comes first off the stack: errors are told in the order of the text.
    open.push(...parts(expr, scope).reverse());
  }
  return undefined;
}

type Call = Extract<Expr['exprKind'], { case: 'callExpr' }>['value'];
type Comprehension = Extract<Expr['exprKind'], { case: 'comprehensionExpr' }>['value'];

/** All loops of an expression. */
export function comprehensions(root: Expr): Comprehension[] {
  const found: Comprehension[] = [];
  const open: (Expr | undefined)[] = [root];
  for (let expr = open.pop(); expr !== undefined || open.length > 0; expr = open.pop()) {
    if (expr === undefined) continue;
    if (expr.exprKind.case === 'comprehensionExpr') found.push(expr.exprKind.value);
    open.push(...parts(expr, new Set()).map((part) => part.expr));
  }
  return found;
}

/**
 * Makes functions of methods of a namespace: `base64.decode(x)` is the function of that name, called on nothing. A
 * variable of the same name hides the namespace.
 */
export function joinNamespaces(root: Expr, namespaces: ReadonlySet<string>): void {
  const open: Visit[] = [{ expr: root, scope: new Set() }];
  for (let visit = open.pop(); visit !== undefined || open.length > 0; visit = open.pop()) {
    const { expr, scope } = visit ?? { expr: undefined, scope: new Set<string>() };
    if (expr === undefined) continue;
    if (expr.exprKind.case === 'callExpr') {
      const call = expr.exprKind.value;
      const name = targetName(call);
      if (name !== undefined && namespaces.has(name) && !scope.has(name)) {
        call.function = `${name}.${call.function}`;
        delete call.target;
      }
    }
    open.push(...parts(expr, scope));
  }
}

/** What a method is called on, when that is a bare name. */
function targetName({ target }: Call): string | undefined {
  return target?.exprKind.case === 'identExpr' ? target.exprKind.value.name : undefined;
}

function parts({ exprKind }: Expr, scope: ReadonlySet<string>): Visit[] {
  const here = (exprs: readonly (Expr | undefined)[]): Visit[] => exprs.map((expr) => ({ expr, scope }));
  switch (exprKind.case) {
    case 'selectExpr':
      return here([exprKind.value.operand]);
    case 'callExpr':
      return here([exprKind.value.target, ...exprKind.value.args]);
    case 'listExpr':
      return here(exprKind.value.elements);
    case 'structExpr':
      return here(
        exprKind.value.entries.flatMap(({ keyKind, value }) =>
          keyKind.case === 'mapKey' ? [keyKind.value, value] : [value],
        ),
      );
    case 'comprehensionExpr': {
      const { iterRange, accuInit, loopCondition, loopStep, result, iterVar, iterVar2, accuVar } = exprKind.value;
      const inner = new Set([...scope, iterVar, iterVar2, accuVar]);
      return [
        ...here([iterRange, accuInit]),
        ...[loopCondition, loopStep, result].map((expr) => ({ expr, scope: inner })),
      ];
    }
    case 'constExpr':
    case 'identExpr':
    case undefined:
      return [];
    default: {
      const never: never = exprKind;
      return never;
    }
  }
}
