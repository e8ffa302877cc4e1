import { RE2JS } from 're2js';

/** Longer expressions, and more text, take too long. */
const longest = { expression: 1_000, text: 100_000 };

/** Replaces what a regular expression of Go (RE2) finds; `$1` and `${name}` stand for groups, `$$` for a dollar. */
export function translated(text: string, expression: string, replacement: string): string {
  if (expression.length > longest.expression || text.length > longest.text)
    throw new Error(
      `translate: the expression has more than ${longest.expression} characters, or the text more than ${longest.text}`,
    );
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(expression);
  } catch {
    throw new Error(`translate: ${JSON.stringify(expression)} is no regular expression of RE2`);
  }
  const matcher = compiled.matcher(text);
  let made = '';
  let from = 0;
  while (matcher.find()) {
    made += text.slice(from, matcher.start()) + expanded(replacement, matcher);
    from = matcher.end();
    if (made.length > longest.text * 10) throw new Error('translate: the result is too long');
  }
  return made + text.slice(from);
}

interface Groups {
  groupCount(): number;
  group(which: number | string): string | null;
}

/** Go's rule: the longest name after the dollar; a group that is not there is empty. */
function expanded(replacement: string, groups: Groups): string {
  return replacement.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (whole, plain?: string, braced?: string) => {
    const name = plain ?? braced;
    if (name === undefined) return whole === '$$' ? '$' : whole;
    if (/^\d+$/.test(name)) return Number(name) <= groups.groupCount() ? (groups.group(Number(name)) ?? '') : '';
    try {
      return groups.group(name) ?? '';
    } catch {
      return '';
    }
  });
}
