import { createHash } from 'node:crypto';
import type { Trigger } from '../../api/triggers/objects.ts';
import type { TriggerSchedule } from '../../api/triggers/schedule.ts';
import { timestamp } from '../../core/condition.ts';
import type { ReceivedEvent } from '../sink/event.ts';
import { EventBody } from '../sink/event-body.ts';

/** A time as an event: the same for every replica, and at every try. */
export function scheduleEvent(
  { metadata }: Pick<Trigger, 'metadata'>,
  { schedule, timeZone }: TriggerSchedule,
  due: Date,
): ReceivedEvent {
  const time = timestamp(due);
  const body = Buffer.from(JSON.stringify({ schedule, timeZone, scheduledTime: time }));
  return {
    id: uuidOf(['schedule', metadata.uid ?? '', time]),
    url: '/',
    header: { 'Content-Type': ['application/json'] },
    body,
    content: EventBody.of(body),
    scheduled: { trigger: metadata.uid ?? '', time },
  };
}

/** A UUID of version 8, whose bits are anybody's own, made of a digest. */
function uuidOf(parts: readonly string[]): string {
  const bytes = createHash('sha256').update(JSON.stringify(parts)).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
