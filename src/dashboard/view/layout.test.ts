import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeHeight, nodeWidth } from './geometry.ts';
import { layoutOf, type Layout, type Outline } from './layout.ts';

const task = (name: string, ...dependencies: string[]) => ({ name, section: 'tasks' as const, dependencies });
const last = (name: string) => ({ name, section: 'finally' as const, dependencies: [] });

function overlaps({ places }: Layout): string[] {
  const all = Object.entries(places);
  return all.flatMap(([name, { x, y }], at) =>
    all
      .slice(at + 1)
      .filter(([, other]) => Math.abs(other.x - x) < nodeWidth && Math.abs(other.y - y) < nodeHeight)
      .map(([other]) => `${name} ${other}`),
  );
}

/** Any graph: each task may come after tasks before it. */
const outlines: fc.Arbitrary<Outline> = fc
  .array(fc.tuple(fc.array(fc.nat(100), { maxLength: 3 }), fc.boolean()), { minLength: 1, maxLength: 25 })
  .map((rows) =>
    rows.map(([parents, isLast], at) =>
      isLast ? last(`f${at}`) : task(`t${at}`, ...new Set(at === 0 ? [] : parents.map((parent) => `t${parent % at}`))),
    ),
  );

describe('the picture of a pipeline', () => {
  it('has room for every task, and none lies on another', () => {
    fc.assert(
      fc.property(outlines, (outline) => {
        const layout = layoutOf(outline);
        expect(Object.keys(layout.places).sort()).toEqual(outline.map(({ name }) => name).sort());
        expect(overlaps(layout)).toEqual([]);
        for (const { x, y } of Object.values(layout.places)) {
          expect(x).toBeGreaterThanOrEqual(0);
          expect(y).toBeGreaterThanOrEqual(0);
          expect(x + nodeWidth).toBeLessThanOrEqual(layout.width + 1);
          expect(y + nodeHeight).toBeLessThanOrEqual(layout.height + 1);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('leads down a chain of 50', () => {
    const chain = Array.from({ length: 50 }, (_, at) => task(`t${at}`, ...(at === 0 ? [] : [`t${at - 1}`])));
    const { places, edges } = layoutOf(chain);
    const tops = chain.map(({ name }) => places[name]?.y ?? 0);
    expect(tops).toEqual(tops.toSorted((left, right) => left - right));
    expect(edges).toHaveLength(49);
    for (const { path } of edges) expect(path).toMatch(/^M[\d.-]+ [\d.-]+[QL]/);
  });

  it('of many tasks beside each other goes down as well', () => {
    const { width, height } = layoutOf([
      task('first'),
      ...Array.from({ length: 40 }, (_, at) => task(`t${at}`, 'first')),
    ]);
    expect(height).toBeGreaterThan(width);
  });

  it.each([
    { what: 'too many tasks', tasks: Array.from({ length: 2_000 }, (_, at) => task(`t${at}`)) },
    {
      what: 'too many edges',
      tasks: Array.from({ length: 200 }, (_, at) =>
        task(`t${at}`, ...Array.from({ length: at }, (_each, to) => `t${to}`)),
      ),
    },
  ])('of $what has rows in place of edges', ({ tasks }) => {
    const { places, edges } = layoutOf(tasks);
    expect([Object.keys(places).length, edges]).toEqual([tasks.length, []]);
  });

  it('has room for tasks with names that JavaScript knows', () => {
    const layout = layoutOf([task('constructor'), task('toString', 'constructor'), task('hasOwnProperty', 'toString')]);
    expect(layout.edges.map(({ from, to }) => `${from} ${to}`)).toEqual([
      'constructor toString',
      'toString hasOwnProperty',
    ]);
    expect(overlaps(layout)).toEqual([]);
  });

  it.each([
    ['before others', [{ ...task('a'), height: 272 }, task('b', 'a'), task('c', 'a')], 'a', 'b'],
    ['of finally', [task('a'), { ...last('y'), height: 272 }, last('z')], 'y', 'z'],
    [
      'of too many to draw',
      [{ ...task('t'), height: 272 }, ...Array.from({ length: 700 }, (_, at) => task(`t${at}`))],
      't',
      't1',
    ],
  ])('has room for a task that is unfolded, %s', (_name, outline, tall, below) => {
    const { places, height } = layoutOf(outline);
    expect((places[tall]?.y ?? 0) + 272).toBeLessThanOrEqual(Math.min(height, places[below]?.y ?? 0));
  });

  it('has finally below the rest', () => {
    const { places, finallyAt = 0 } = layoutOf([task('a'), last('z')]);
    expect(places['a']?.y).toBeLessThan(finallyAt);
    expect(places['z']?.y).toBeGreaterThan(finallyAt);
  });
});
