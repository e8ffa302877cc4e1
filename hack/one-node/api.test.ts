import { expect, it } from 'vitest';
import { untilJudged, type Answer } from './api.ts';

const late = new Error('The operation was aborted due to timeout');
const ok = { status: 200, body: '' };
const refused = { status: 403, body: 'who are you?' };
const busy = { status: 500, body: 'etcdserver: request timed out' };

it.each<{ name: string; answers: (Answer | Error)[]; asked: number; last: Answer | Error }>([
  { name: 'a good answer', answers: [ok], asked: 1, last: ok },
  { name: 'a refusal, which is an answer', answers: [refused], asked: 1, last: refused },
  { name: 'no answer at first', answers: [late, ok], asked: 2, last: ok },
  { name: 'a server that is not able to', answers: [busy, ok], asked: 2, last: ok },
  { name: 'never an answer', answers: [], asked: 10, last: late },
  { name: 'a server that never is able to', answers: Array.from({ length: 10 }, () => busy), asked: 10, last: busy },
])('a call that may be made twice: $name', async ({ answers, asked, last }) => {
  let next = 0;
  const ask = () => {
    const answer = answers[next++] ?? late;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  await expect(untilJudged(ask, 1).catch((error: unknown) => error)).resolves.toBe(last);
  expect(next).toBe(asked);
});
