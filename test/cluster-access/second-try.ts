import { beforeEach } from 'vitest';
import { beginFirstTry, beginSecondTry, forget, isTriedAgain } from './test-client.ts';

/**
 * Before the hooks of any file: a row that is tried again begins with what it found at first. Of rows that run beside
 * each other it is not known which made what.
 */
beforeEach(async ({ task }) => {
  if (task.concurrent) forget();
  else if (isTriedAgain(task)) await beginSecondTry();
  else beginFirstTry();
});
