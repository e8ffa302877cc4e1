import { lineTest, type LineTest } from '../../view/log-search.ts';
import { LogStore } from '../../view/log-store.ts';
import { textOf } from '../api/request-error.ts';
import type { FromLog, LogSource, LogState, ToLog } from './messages.ts';

/** Holds one log: reads it, keeps its bytes, and gives out the lines that somebody looks at. */
const TELL_MS = 100;
/** What comes faster than anybody reads is told more seldom: each time, all lines in sight are others. */
const FLOOD_BYTES = 256 * 1024;
const FLOOD_MS = 500;
const AGAIN_MS = 2_000;
const MOST_FOUND = 20_000;
/** Lines are looked through in such portions, so that what is asked meanwhile is answered. */
const PORTION = 5_000;

let store = new LogStore({ isStamped: true });
let told: LogState | undefined;
let telling: ReturnType<typeof setTimeout> | undefined;
let isOver = false;
/** So many bytes had come between the last two times that it was told. */
let lately = 0;
let toldAt = 0;
let lastSearch = 0;
const state = { isOpen: true, isOld: false, isGone: false, problem: undefined as string | undefined };

const say = (message: FromLog) => postMessage(message);

self.onmessage = ({ data }: MessageEvent<ToLog>) => {
  switch (data.type) {
    case 'open':
      void open(data.source);
      return;
    case 'over':
      isOver = true;
      return;
    case 'lines':
      say({ type: 'lines', block: data.block, lines: linesOf(data.from, data.to) });
      return;
    case 'search':
      void search(data);
      return;
    default:
      data satisfies never;
  }
};

function linesOf(from: number, to: number) {
  const end = Math.min(to, store.lines);
  return Array.from({ length: Math.max(0, end - from) }, (_, at) => store.line(from + at));
}

async function open(source: LogSource): Promise<void> {
  try {
    await readAll(source);
  } catch (error) {
    state.problem = textOf(error);
  }
  store.end();
  state.isOpen = false;
  tell();
}

/** A stream that ends while its container runs was cut off on the way: it goes on where it was. */
async function readAll({ address, fallback }: LogSource): Promise<void> {
  for (;;) {
    const last = store.lines === 0 ? undefined : store.line(store.lines - 1).time;
    const answer = await fetch(last === undefined ? address : `${address}&sinceTime=${encodeURIComponent(last)}`);
    if (answer.status === 404 && store.lines === 0) return readOld(fallback);
    if (!answer.ok) throw await refusal(answer);
    await readInto(answer, last).catch((error: unknown) => {
      if (isOver) throw error;
    });
    if (isOver || store.isCut) return;
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

async function readOld(address: string | undefined): Promise<void> {
  const answer = address === undefined ? undefined : await fetch(address);
  state.isGone = answer === undefined || answer.status === 404;
  if (answer === undefined || state.isGone) return;
  store = new LogStore({ isStamped: false });
  state.isOld = true;
  if (!answer.ok) throw await refusal(answer);
  await readInto(answer, undefined);
}

/** @param after Lines up to this time are there already: `sinceTime` counts in whole seconds. */
async function readInto(answer: Response, after: string | undefined): Promise<void> {
  const reader = answer.body?.getReader();
  if (reader === undefined) return;
  const skip = after === undefined ? undefined : new Skip(after);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const rest = skip === undefined ? value : skip.rest(value);
    if (rest.length > 0) store.append(rest);
    tellSoon();
    if (store.isCut) return void reader.cancel();
  }
}

/** Leaves out the lines that are there already. */
class Skip {
  readonly #after: string;
  #waiting = new Uint8Array();
  #isPast = false;

  constructor(after: string) {
    this.#after = after;
  }

  rest(chunk: Uint8Array): Uint8Array {
    if (this.#isPast) return chunk;
    const all = new Uint8Array(this.#waiting.length + chunk.length);
    all.set(this.#waiting);
    all.set(chunk, this.#waiting.length);
    for (let from = 0; ;) {
      const newline = all.indexOf(0x0a, from);
      if (newline < 0) {
        this.#waiting = all.subarray(from);
        return new Uint8Array();
      }
      const [time = ''] = new TextDecoder().decode(all.subarray(from, Math.min(newline, from + 40))).split(' ', 1);
      if (time > this.#after) {
        this.#isPast = true;
        return all.subarray(from);
      }
      from = newline + 1;
    }
  }
}

async function refusal(answer: Response): Promise<Error> {
  const text = (await answer.text()).slice(0, 10_000);
  try {
    return new Error((JSON.parse(text) as { message: string }).message);
  } catch {
    return new Error(`the server answered ${answer.status}`);
  }
}

function tellSoon(): void {
  const isFlood = lately > FLOOD_BYTES;
  telling ??= setTimeout(tell, Math.max(TELL_MS, isFlood ? toldAt + FLOOD_MS - performance.now() : 0));
}

/** The same list is not sent again and again. */
function groupsToTell(before: LogState['groups'], now: LogState['groups']): LogState['groups'] {
  const isSame = before.length === now.length && before.at(-1)?.end === now.at(-1)?.end;
  return isSame ? before : now.map((group) => ({ ...group }));
}

function tell(): void {
  clearTimeout(telling);
  telling = undefined;
  const { lines, bytes, groups, isCut } = store;
  lately = bytes - (told?.bytes ?? 0);
  toldAt = performance.now();
  const { problem, ...rest } = state;
  told = {
    lines,
    bytes,
    groups: groupsToTell(told?.groups ?? [], groups),
    isCut,
    ...rest,
    ...(problem === undefined ? {} : { problem }),
  };
  say({ type: 'state', state: told });
}

async function search({ id, text, isExpression }: { id: number; text: string; isExpression: boolean }): Promise<void> {
  lastSearch = id;
  if (text === '') return say({ type: 'found', id, lines: [], isCut: false, isDone: true });
  let matches: LineTest;
  try {
    matches = lineTest(text, isExpression);
  } catch (error) {
    return say({ type: 'found', id, lines: [], isCut: false, isDone: true, problem: textOf(error) });
  }
  const found: number[] = [];
  for (let at = 0; at < store.lines && found.length < MOST_FOUND; at += 1) {
    if (matches(store.line(at).text)) found.push(at);
    if (at % PORTION !== PORTION - 1) continue;
    await new Promise((resolve) => setTimeout(resolve));
    if (lastSearch !== id) return;
  }
  say({ type: 'found', id, lines: found, isCut: found.length >= MOST_FOUND, isDone: true });
}
