import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';

const SHOWN_MS = 30_000;

interface BrowserProcess {
  type: string;
  id: number;
}

/**
 * What the largest tab holds, in megabytes: memory that it shares with nobody and what is swapped, and pipes to the
 * browser. Workers live in the process of their tab.
 */
export async function tabMegabytes(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = (await session.send('SystemInfo.getProcessInfo')) as { processInfo: BrowserProcess[] };
  await session.detach();
  const tabs = processInfo.filter(({ type }) => type === 'renderer');
  if (tabs.length === 0) throw new Error('the browser has no tab');
  return Math.max(...(await Promise.all(tabs.map(({ id }) => heldBy(id)))));
}

async function heldBy(pid: number): Promise<number> {
  // Spare tabs come and go.
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0);
  return (kilobytes('RssAnon') + kilobytes('RssShmem') + kilobytes('VmSwap')) / 1024;
}

/** The most that a tab held while `work` was done. */
export async function peakMegabytes(browser: Browser, work: () => Promise<void>): Promise<number> {
  let peak = await tabMegabytes(browser);
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      peak = Math.max(peak, await tabMegabytes(browser));
      await sleep(100);
    }
  })();
  try {
    await work();
  } finally {
    isOver = true;
    await watching;
  }
  return Math.max(peak, await tabMegabytes(browser));
}

/** In the page: when what a selector names was painted first, in milliseconds since the page was asked for. */
const watchFor = (selector: string) => {
  const place = globalThis as unknown as {
    document: { querySelector(selector: string): unknown };
    requestAnimationFrame(callback: () => void): void;
    shownAfter?: number;
  };
  const look = () => {
    // The frame after the one that had it.
    if (place.document.querySelector(selector) !== null)
      place.requestAnimationFrame(() => (place.shownAfter = performance.now()));
    else place.requestAnimationFrame(look);
  };
  look();
};

/**
 * Milliseconds from the moment at which an address was asked for until what `selector` names was on the screen: the
 * best of `times`, for a machine that does other things as well makes only slower.
 */
export async function shownAfter(page: Page, address: string, selector: string, times = 3): Promise<number> {
  const measured: number[] = [];
  await page.addInitScript(watchFor, selector);
  for (let round = 0; round < times; round += 1) {
    await page.goto(address, { waitUntil: 'commit' });
    measured.push(await waitFor(page, selector));
    await page.goto('about:blank');
  }
  return Math.min(...measured);
}

/** Asked from outside: the page's policy lets no text be run in it. */
async function waitFor(page: Page, selector: string): Promise<number> {
  for (const give = Date.now() + SHOWN_MS; Date.now() < give; await sleep(50)) {
    const after = await page.evaluate<number | undefined>('globalThis.shownAfter');
    if (after !== undefined) return after;
  }
  throw new Error(`${page.url()} has no ${selector} after ${SHOWN_MS / 1_000} s`);
}

/** Scrolls to the end of a list that loads as one goes. Returns what was between frames. */
export async function scrolled(page: Page, selector: string, isAtEnd: () => Promise<boolean>): Promise<Frames> {
  await page.evaluate(watchFrames);
  for (const give = Date.now() + 60_000; !(await isAtEnd());) {
    if (Date.now() > give) throw new Error(`the end of ${selector} was not reached in 60 s`);
    await page.locator(selector).evaluate((element: { scrollTop: number }) => (element.scrollTop += 4_000));
  }
  const gaps = await page.evaluate<number[]>('globalThis.frameGaps');
  const sorted = gaps.toSorted((left, right) => left - right);
  return { middle: sorted[Math.floor(sorted.length / 2)] ?? 0, worst: sorted.at(-1) ?? 0 };
}

/** Milliseconds between frames. */
export interface Frames {
  middle: number;
  worst: number;
}

const watchFrames = () => {
  const place = globalThis as unknown as { requestAnimationFrame(callback: () => void): void; frameGaps: number[] };
  place.frameGaps = [];
  let last = performance.now();
  const frame = () => {
    const now = performance.now();
    place.frameGaps.push(now - last);
    last = now;
    place.requestAnimationFrame(frame);
  };
  place.requestAnimationFrame(frame);
};
