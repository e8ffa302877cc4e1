export { textOf } from './request-error.ts';

/** Where the page is, without the last slash: empty, or the prefix that a proxy in front gave it. */
export const basePath = new URL('.', document.baseURI).pathname.replace(/\/$/, '');

/** An answer that is a refusal, in the words of who refused. */
export class RefusedError extends Error {
  override name = 'RefusedError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Who does not know who asks: the server or the API server, which both say so in words, or a proxy in front. */
export type Unauthorized = 'server' | 'proxy';

/** Event of the window whose detail is Unauthorized. */
export const unauthorized = 'tektite-unauthorized';

/** The whole address of something that the server has, such as `v1/runs`. */
export function addressOf(path: string): string {
  return new URL(path, document.baseURI).href;
}

/** Path of objects: `apis/tekton.dev/v1/namespaces/ns/pipelineruns`. Each part is one segment, whatever it holds. */
export function pathOf(root: string, ...segments: readonly string[]): string {
  return [root, ...segments.map(encodeURIComponent)].join('/');
}

/** Reads JSON. @throws RefusedError with what the server or the API server said. */
export async function readJson<T>(path: string, signal: AbortSignal): Promise<T> {
  const answer = await fetch(addressOf(path), { signal, headers: { accept: 'application/json' } });
  if (!answer.ok) throw await refusalOf(answer);
  return (await answer.json()) as T;
}

/** What an answer that is no success says. */
export async function refusalOf(answer: Response): Promise<RefusedError> {
  const message = messageIn((await answer.text().catch(() => '')).slice(0, 10_000));
  const detail: Unauthorized = message === undefined ? 'proxy' : 'server';
  if (answer.status === 401) dispatchEvent(new CustomEvent(unauthorized, { detail }));
  return new RefusedError(answer.status, message ?? `the server answered ${answer.status}`);
}

function messageIn(text: string): string | undefined {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === 'string' && message !== '' ? message : undefined;
  } catch {
    return undefined;
  }
}
