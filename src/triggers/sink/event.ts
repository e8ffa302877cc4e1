import { createHash } from 'node:crypto';
import type { ResourceObject } from '../resolve/template.ts';
import { headerValue, type Header } from '../resolve/header.ts';
import type { EventBody } from './event-body.ts';

/** An event as it came. */
export interface ReceivedEvent {
  id: string;
  url: string;
  header: Header;
  body: Buffer;
  /** The body, or a form made JSON. */
  content: EventBody;
  /** What came is a time of a Trigger's schedule. */
  scheduled?: { trigger: string; time: string };
}

/** Labels of what an event created; users and tkn select by them. */
const labelNames = {
  listener: 'triggers.tekton.dev/eventlistener',
  trigger: 'triggers.tekton.dev/trigger',
  event: 'triggers.tekton.dev/triggers-eventid',
} as const;

/** Annotations that say who did what where, as far as the event says it. */
export const eventAnnotations = {
  type: 'triggers.tektite.dev/event-type',
  delivery: 'triggers.tektite.dev/delivery-id',
  sender: 'triggers.tektite.dev/sender',
  repository: 'triggers.tektite.dev/repository',
  revision: 'triggers.tektite.dev/revision',
  branch: 'triggers.tektite.dev/branch',
  forge: 'triggers.tektite.dev/forge',
  time: 'triggers.tektite.dev/scheduled-time',
} as const;

/** What only this forge sends, the more particular first: Gitea also says what GitHub would. */
const forgeHeaders = {
  gitea: 'X-Gitea-Event',
  gitlab: 'X-Gitlab-Event',
  github: 'X-Github-Event',
  bitbucket: 'X-Event-Key',
  slack: 'X-Slack-Signature',
} as const;
const typeHeaders = ['X-Github-Event', 'X-Gitlab-Event', 'X-Event-Key', 'X-Gitea-Event', 'Ce-Type'];
const deliveryHeaders = [
  'X-Github-Delivery',
  'X-Gitlab-Event-Uuid',
  'X-Request-Uuid',
  'X-Request-Id',
  'X-Gitea-Delivery',
  'Ce-Id',
];
const places = {
  sender: ['sender.login', 'user_username', 'actor.name', 'actor.nickname', 'pusher.name'],
  repository: ['repository.full_name', 'project.path_with_namespace', 'repository.slug'],
  revision: [
    'after',
    'pull_request.head.sha',
    'checkout_sha',
    'object_attributes.last_commit.id',
    'push.changes.0.new.target.hash',
    'changes.0.toHash',
  ],
  branch: [
    'pull_request.head.ref',
    'object_attributes.source_branch',
    'pullrequest.source.branch.name',
    'ref',
    'changes.0.ref.id',
    'push.changes.0.new.name',
  ],
} as const;
const longestAnnotation = 256;

/** The id that the sender gave this delivery; a redelivery has the same. Undefined when it gave none. */
export function deliveryId(header: Header): string | undefined {
  return firstOf(deliveryHeaders.map((name) => headerValue(header, name)));
}

const signatureHeaders = ['X-Hub-Signature-256', 'X-Hub-Signature', 'X-Slack-Signature'];

/**
 * What two deliveries of one event have in common; undefined when nothing says so. A signature covers the body alone:
 * whoever sends a signed event again can give it another delivery id, but no other body.
 */
export function repetitionKey({ header, body }: Pick<ReceivedEvent, 'header' | 'body'>): readonly string[] | undefined {
  if (signatureHeaders.some((name) => headerValue(header, name) !== ''))
    return ['body', createHash('sha256').update(body).digest('hex')];
  const id = deliveryId(header);
  return id === undefined ? undefined : ['delivery', id];
}

/** Names what started an object: labels as upstream, and annotations of what the event says about itself. */
export function named(
  object: ResourceObject,
  event: Pick<ReceivedEvent, 'id' | 'header' | 'content' | 'scheduled'>,
  by: { listener: string; trigger: string },
): ResourceObject {
  const { metadata = {} } = object;
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: {
        ...(metadata['labels'] as Record<string, string> | undefined),
        [labelNames.listener]: by.listener,
        [labelNames.trigger]: by.trigger,
        [labelNames.event]: event.id,
      },
      annotations: { ...aboutEvent(event), ...(metadata['annotations'] as Record<string, string> | undefined) },
    },
  };
}

function aboutEvent({
  header,
  content: { json },
  scheduled,
}: Pick<ReceivedEvent, 'header' | 'content' | 'scheduled'>): Record<string, string> {
  const values = {
    time: scheduled?.time,
    type: scheduled ? 'schedule' : firstOf(typeHeaders.map((name) => headerValue(header, name))),
    delivery: deliveryId(header),
    sender: firstOf(places.sender.map((path) => at(json, path))),
    repository: firstOf(places.repository.map((path) => at(json, path))),
    revision: firstOf(places.revision.map((path) => at(json, path))),
    branch: branchOf(firstOf(places.branch.map((path) => at(json, path)))),
    forge: Object.entries(forgeHeaders).find(([, name]) => headerValue(header, name) !== '')?.[0],
  };
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) =>
      value === undefined
        ? []
        : [[eventAnnotations[key as keyof typeof values], value.slice(0, longestAnnotation)] as const],
    ),
  );
}

/** Of `refs/heads/main` it is `main`; a tag is none. */
function branchOf(ref: string | undefined): string | undefined {
  return ref?.startsWith('refs/') && !ref.startsWith('refs/heads/') ? undefined : ref?.replace(/^refs\/heads\//, '');
}

function at(json: unknown, path: string): string {
  const found = path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, name)
          ? (value as Record<string, unknown>)[name]
          : undefined,
      json,
    );
  return typeof found === 'string' ? found : '';
}

function firstOf(values: readonly string[]): string | undefined {
  return values.find((value) => value !== '');
}

/** Characters of names that the API server generates: no vowels, so no words. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
const suffixLength = 8;

/**
 * Gives an object with generateName a name that follows from what caused it: trying again after an answer that was
 * lost, in this process or another, finds the object that is there already.
 */
export function withName(object: ResourceObject, cause: readonly string[]): ResourceObject {
  const { metadata = {} } = object;
  const { name, generateName } = metadata as { name?: unknown; generateName?: unknown };
  if (name !== undefined || typeof generateName !== 'string') return object;
  const digest = createHash('sha256').update(JSON.stringify(cause)).digest();
  const suffix = Array.from(digest.subarray(0, suffixLength), (byte) => alphabet[byte % alphabet.length]).join('');
  return { ...object, metadata: { ...metadata, name: generateName.slice(0, 63 - suffixLength) + suffix } };
}
