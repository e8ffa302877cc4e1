import { describe, expect, it } from 'vitest';
import { withoutUserinfo } from './redact.ts';

describe('text without the passwords of its URLs', () => {
  it.each([
    ['https://user:hunter2@db/x', 'https://***@db/x'],
    ['at mongodb://admin:p@ss@db:27017, then https://a@b', 'at mongodb://***@db:27017, then https://***@b'],
    ['"https://u:p@h" and https://plain/@scope', '"https://***@h" and https://plain/@scope'],
    ['someone@example.com', 'someone@example.com'],
  ])('%s', (text, expected) => {
    expect(withoutUserinfo(text)).toBe(expected);
  });

  it.each([['://'], ['a'], ['://a'], ['@'], ['://@']])('costs no more than its length: %s', (part) => {
    const text = part.repeat(300_000);
    const before = process.cpuUsage();
    withoutUserinfo(text);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(500);
  });
});
