import type { Page } from 'playwright-core';

/** Times and spans that a page tells in words. */
export interface ToldTimes {
  /** All of them. */
  found: string[];
  /** Those that do not have the time itself, with its year, on hover. */
  untitled: string[];
}

/** In the browser: each text of the page that tells how long ago something was, or how long it took. */
const script = `(() => {
  const form = /\\b(?:just now|\\d+ (?:second|minute|hour|day)s? ago|\\d+(?:\\.\\d+)? s|\\d+ m \\d\\d s|\\d+ h \\d\\d m|\\d+ d \\d+ h)\\b/;
  const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  const found = [];
  const untitled = [];
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = element.textContent.trim();
    // What a log says is its own; what a run usually takes, it took at no time.
    if (!form.test(walker.currentNode.data) || /^usually /.test(text) || element.closest('pre, .log-lines')) continue;
    found.push(text);
    if (!/\\b\\d{4}\\b/.test(element.closest('[title]')?.title ?? '')) untitled.push(text);
  }
  return { found, untitled };
})()`;

export function toldTimes(page: Page): Promise<ToldTimes> {
  return page.evaluate<ToldTimes>(script);
}
