import { plainText } from './log-text.ts';

export type LineTest = (text: string) => boolean;

const LONGEST_SEARCH = 500;

/**
 * What a line has to hold, read from what somebody typed: text without regard to case, or a regular expression.
 * @throws Error that says what is wrong with the expression
 */
export function lineTest(search: string, isExpression: boolean): LineTest {
  if (search.length > LONGEST_SEARCH) throw new Error(`longer than ${LONGEST_SEARCH} characters: search for less`);
  if (isExpression) {
    const expression = new RegExp(search, 'iu');
    return (text) => expression.test(plainText(text));
  }
  const wanted = search.toLowerCase();
  return (text) => plainText(text).toLowerCase().includes(wanted);
}
