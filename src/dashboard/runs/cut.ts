/**
 * At most this many characters of a text, as a string of its own: a slice would hold on to the whole, which may be a
 * megabyte, for as long as the index does. Half a character becomes U+FFFD.
 */
export function cut(text: unknown, most: number): string {
  if (typeof text !== 'string') return '';
  const short = text.length > most ? Buffer.from(text.slice(0, most - 1), 'utf8').toString('utf8') + '…' : text;
  return short.toWellFormed();
}
