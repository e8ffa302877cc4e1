import type { ByteBudget } from './byte-budget.ts';
import { HttpError, shownHost } from './http-error.ts';

/**
 * Reads a body of at most `limit` bytes, counted against the budget chunk by chunk.
 * @throws HttpError 413 when it is larger; a retryable one when the budget is used up by others.
 */
export async function readAtMost(
  body: AsyncIterable<Uint8Array>,
  limit: number,
  url: URL,
  budget?: ByteBudget,
): Promise<Buffer> {
  const host = shownHost(url);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    // Final, as asking again brings as much.
    if (size > limit)
      throw new HttpError({ host, status: 413, retryable: false }, `${host} answers with more than ${limit} bytes`);
    const taken = budget?.take(chunk.length);
    if (taken === 'spent')
      throw new HttpError(
        { host, status: 413, retryable: false },
        `${host} answers with more than ${budget?.limit} bytes in all`,
      );
    if (taken === 'shared')
      throw new HttpError({ host, status: 0, retryable: true }, `${host}: too much is being read from others just now`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
