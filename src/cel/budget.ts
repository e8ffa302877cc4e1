import { celEnv, celError, celFunc, CelScalar, isCelList, isCelMap, type CelFunc } from '@bufbuild/cel';
import { comprehensions, type Expr } from './syntax.ts';

/**
 * What one evaluation may cost: a call of a function or operator is 1, and more for what it is given (below); a turn of
 * a loop is 1. That comes to some 50 ms at most, and lists of some 1,000 elements through map and filter.
 */
const longestCost = 30_000;
/** Characters, elements, and characters of a text times the weight of a regular expression, that cost 1. */
const unit = { characters: 16, elements: 128, matching: 8 };
/** Characters of a string, bytes or elements of a list that an expression may make. */
const largestValue = 1_000_000;

/** The call that every turn of a loop makes: true while something is left. No user can write this name. */
const turn = '@turn';

/** Makes every loop of an expression pay for its turns. */
export function meterLoops(root: Expr): void {
  for (const loop of comprehensions(root)) {
    const { loopCondition } = loop;
    if (loopCondition)
      loop.loopCondition = call('_&&_', loopCondition.id, [call(turn, loopCondition.id, []), loopCondition]);
  }
}

function call(name: string, id: bigint, args: Expr[]): Expr {
  return {
    $typeName: 'cel.expr.Expr',
    id,
    exprKind: { case: 'callExpr', value: { $typeName: 'cel.expr.Expr.Call', function: name, args } },
  };
}

/** Counts what an evaluation costs, and refuses what would be too much. */
export class Budget {
  #left = longestCost;

  /** Makes room for the next evaluation. */
  reset(): void {
    this.#left = longestCost;
  }

  /** Takes the price of a call; false when there is not enough left. */
  private spend(args: readonly unknown[], isPattern: boolean): boolean {
    this.#left -= 1 + (isPattern ? matchingCost(args) : sum(args.map(costOf)));
    return this.#left >= 0;
  }

  /** The standard functions and operators, each paying before it is called. */
  functions(more: readonly CelFunc[] = []): CelFunc[] {
    const loop = celFunc(turn, [], CelScalar.BOOL, () => true);
    return [...celEnv({ funcs: [...more, loop] }).funcs].map((func) => this.paying(func));
  }

  private paying(func: CelFunc): CelFunc {
    const isPattern = func.name === 'matches';
    return Object.create(func, {
      call: {
        value: (id: number, target: CelArgument, args: CelArgument[]): ReturnType<CelFunc['call']> => {
          if (!this.spend(target === undefined ? args : [target, ...args], isPattern))
            return celError(`it takes more than ${longestCost} operations`, id);
          const result = func.call(id, target, args as Parameters<CelFunc['call']>[2]);
          return sizeOf(result) > largestValue
            ? celError(`it makes a value of more than ${largestValue} characters or elements`, id)
            : result;
        },
      },
    }) as CelFunc;
  }
}

type CelArgument = Parameters<CelFunc['call']>[1];

function costOf(value: unknown): number {
  return Math.floor(sizeOf(value) / (isCelList(value) || isCelMap(value) ? unit.elements : unit.characters));
}

/** Longer regular expressions take the library too long to read. */
const longestPattern = 1_000;

/** The pattern is the last argument. Its weight is its length, times its largest repetition: `{100}` is written out. */
function matchingCost(args: readonly unknown[]): number {
  const pattern = args.at(-1);
  if (typeof pattern !== 'string') return 0;
  if (pattern.length > longestPattern) return Infinity;
  const repetitions = [...pattern.matchAll(/\{(\d{0,4})(?:,(\d{0,4}))?\}/g)].map(([, least, most]) =>
    Number(most || least || 1),
  );
  const weight = pattern.length * Math.max(1, ...repetitions);
  return Math.ceil((weight * Math.max(1, sizeOf(args[0]))) / unit.matching);
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  return isCelList(value) || isCelMap(value) ? value.size : 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
