import { beforeEach } from 'vitest';
import { beginFirstTry, beginSecondTry } from './test-client.ts';

/** Before the hooks of any file: a row that is tried again begins with what it found at first. */
beforeEach(async ({ task }) => {
  if ((task.result?.retryCount ?? 0) === 0) beginFirstTry();
  else await beginSecondTry();
});
