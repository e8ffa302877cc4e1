/** Between which values a number may be, the ends included. */
interface Bounds {
  minimum?: number;
  maximum?: number;
}

/** The bounds of JavaScript's safe integers and of int32 are zod's, not the user's; int32 has a format instead. */
export function integerBounds(node: Readonly<Record<string, unknown>>): Bounds & { format?: 'int32' } {
  const { minimum, maximum } = bounds(node);
  const isInt32 = minimum === -(2 ** 31) || maximum === 2 ** 31 - 1;
  return {
    ...(isInt32 && node['format'] === undefined ? { format: 'int32' } : {}),
    ...(minimum === undefined || minimum === Number.MIN_SAFE_INTEGER || minimum === -(2 ** 31) ? {} : { minimum }),
    ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER || maximum === 2 ** 31 - 1 ? {} : { maximum }),
  };
}

/** Of a schema for numbers, as zod gives it. */
export function bounds(node: Readonly<Record<string, unknown>>): Bounds {
  const { minimum, maximum } = node as Bounds;
  return { ...(minimum === undefined ? {} : { minimum }), ...(maximum === undefined ? {} : { maximum }) };
}
