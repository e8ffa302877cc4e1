import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { installedBrowser, type ChromiumProgram } from '../../hack/verify/browsers.ts';

/** Where pictures of pages are left that were not as they should be. */
export const picturesFolder = path.resolve(import.meta.dirname, '../../dist/pictures');

/** For what a page shows at once where the machine has nothing else to do. */
const WAIT_MS = 20_000;

/** Starts Debian's Chromium, installed first when it is not there. */
export async function startChromium(program: ChromiumProgram = 'chromium'): Promise<Browser> {
  const executablePath = await installedBrowser(program);
  // As root, in a container or on a test machine, Chromium has no sandbox of its own.
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--force-color-profile=srgb'];
  return chromium.launch({ executablePath, args }).catch((error: unknown) => {
    throw new Error(
      `Chromium did not start: run "${program} --headless --no-sandbox --dump-dom about:blank" to see why`,
      { cause: error },
    );
  });
}

/** A page, and all that went wrong in it: errors, refusals of its policy, requests to elsewhere. */
export interface WatchedPage {
  page: Page;
  context: BrowserContext;
  wrong: string[];
}

/** Opens a window of the dashboard at `address`, which is all that it may ask. */
export async function openPage(
  browser: Browser,
  address: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  // What turns costs a machine without a graphics card more than the page itself.
  const still = { viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' } as const;
  const context = await browser.newContext({ ...still, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const wrong: string[] = [];
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // What the server refuses, the browser writes there as well.
    const isRefusal = /Failed to load resource|WebSocket connection/.test(message.text());
    if (message.type() === 'error' && !isRefusal) wrong.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(address) && !request.url().startsWith('data:')) wrong.push(`asked ${request.url()}`);
  });
  page.on('dialog', (dialog) => {
    wrong.push(`dialog: ${dialog.message()}`);
    dialog.dismiss().catch(() => undefined); // gone with its page: it is told all the same
  });
  return { page, context, wrong };
}

/** Runs a check, and leaves a picture of the page when it fails. */
export async function pictured<T>(page: Page, name: string, check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    const file = path.join(picturesFolder, `${name.replaceAll(/[^\w-]+/g, '-')}.png`);
    await mkdir(picturesFolder, { recursive: true });
    await page.screenshot({ path: file }).catch(() => undefined);
    throw new Error(`${(error as Error).message}\n(a picture of the page: ${file})`, { cause: error });
  }
}
