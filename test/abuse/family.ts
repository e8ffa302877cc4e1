/** Input of one shape in any size, and what is done with it. The input is made before the clock starts. */
export interface Family {
  name: string;
  /** A size that takes some milliseconds. */
  size: number;
  prepare: (size: number) => () => unknown;
}

export const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
export const named = (prefix: string, count: number): string[] => range(count).map((index) => `${prefix}${index}`);

/** A parser over text of any length. What it refuses counts as read. */
export function texts(
  name: string,
  size: number,
  text: (size: number) => string,
  read: (text: string) => unknown,
): Family {
  const prepare = (n: number) => {
    const flat = Buffer.from(text(n)).toString();
    return () => {
      try {
        return read(flat);
      } catch (error) {
        return error;
      }
    };
  };
  return { name, size, prepare };
}
