import { describe, expect, it } from 'vitest';
import { annotations } from '../annotations.ts';
import { parseChainsConfig } from '../config/parse.ts';
import type { Signature } from '../signing/signer.ts';
import { simpleSigningPayloadType, type Artifact } from '../types.ts';
import { needsJournal, planArtifacts, type WorkFacts } from './artifacts.ts';
import { payloadDigest, type JournalEntry } from './journal.ts';

const artifact: Artifact = {
  kind: 'oci',
  shortKey: 'd',
  fullKey: 'r@d',
  payload: { json: Buffer.from('payload'), payloadType: simpleSigningPayloadType, wrap: false, subjects: [] },
};
const signature: Signature = {
  signature: Buffer.from('s'),
  publicKeyPem: 'p',
  keyId: 'k',
  algorithm: 'a',
  scheme: 'ecdsa',
};
const logEntry = { url: 'u' } as unknown as JournalEntry['logEntry'];

function entry(more: Partial<JournalEntry> = {}): JournalEntry {
  return {
    kind: 'oci',
    shortKey: 'd',
    fullKey: 'r@d',
    digest: payloadDigest(artifact.payload.json),
    signer: 'test key',
    signature,
    stored: [],
    ...more,
  };
}

function plan(
  journal: JournalEntry[],
  more: Partial<Omit<WorkFacts, 'config'>> & { data?: Record<string, string> } = {},
) {
  const { data, ...rest } = more;
  const config = parseChainsConfig({ 'artifacts.oci.storage': 'oci,gcs', ...data }).config;
  const [work] = planArtifacts({
    artifacts: [artifact],
    journal,
    runAnnotations: {},
    config,
    afresh: false,
    now: new Date(),
    ...rest,
  });
  if (!work) throw new Error('no work');
  return {
    signed: work.signature !== undefined,
    todo: work.todo,
    stored: work.stored,
    log: work.needsLogEntry,
    timestamp: work.needsTimestamp,
    payload: Buffer.from(work.artifact.payload.json).toString(),
  };
}

const fresh: ReturnType<typeof plan> = {
  signed: false,
  todo: ['oci', 'gcs'],
  stored: [],
  log: false,
  timestamp: false,
  payload: 'payload',
};
const on = { data: { 'transparency.enabled': 'true' } };
const manual = { 'transparency.enabled': 'manual' };

describe('what is left to do for an artifact', () => {
  const rows: [
    name: string,
    journal: JournalEntry[],
    more: Parameters<typeof plan>[1],
    expected: Partial<ReturnType<typeof plan>>,
  ][] = [
    ['all of it at first', [], {}, fresh],
    ['nothing of what is stored', [entry({ stored: ['oci'] })], {}, { signed: true, todo: ['gcs'], stored: ['oci'] }],
    [
      'backends added since',
      [entry({ stored: ['oci', 'gcs'] })],
      { data: { 'artifacts.oci.storage': 'oci,gcs,archivista' } },
      { signed: true, todo: ['archivista'] },
    ],
    ['the log entry', [entry()], on, { signed: true, log: true }],
    ['no second log entry', [entry({ logEntry })], on, { signed: true, log: false }],
    ['a timestamp', [entry()], { data: { 'transparency.timestamp-url': 'https://t' } }, { timestamp: true }],
    [
      'no second timestamp',
      [entry({ timestamp: Buffer.from('t') })],
      { data: { 'transparency.timestamp-url': 'https://t' } },
      { timestamp: false },
    ],
    ['all anew when the payload comes out different', [entry({ digest: 'x', stored: ['oci'] })], {}, fresh],
    ['all anew when asked for and nobody has seen the signature', [entry()], { afresh: true }, fresh],
    [
      'the rest when asked for and somebody has',
      [entry({ stored: ['oci'] })],
      { afresh: true },
      { signed: true, todo: ['gcs'] },
    ],
    [
      'all anew when the certificate cannot be read',
      [entry({ signature: { ...signature, certificate: 'x' } })],
      {},
      fresh,
    ],
    [
      'the rest when its signature is logged, whatever the certificate',
      [entry({ signature: { ...signature, certificate: 'x' }, logEntry })],
      {},
      { signed: true },
    ],
    ['of another artifact: nothing', [entry({ fullKey: 'other@d', stored: ['oci'] })], {}, fresh],
    ['manual: not asked for', [], { data: manual }, { log: false }],
    [
      'manual: asked for',
      [],
      { data: manual, runAnnotations: { [annotations.transparencyUpload]: 'true' } },
      { log: true },
    ],
    [
      'manual: asked for with another word',
      [],
      { data: manual, runAnnotations: { [annotations.transparencyUpload]: 'yes' } },
      { log: false },
    ],
    [
      'manual: logged before',
      [],
      { data: manual, runAnnotations: { [annotations.transparencyUpload]: 'true', [annotations.transparency]: 'u' } },
      { log: false },
    ],
  ];
  it.each(rows)('%s', (_name, journal, more, expected) => {
    expect(plan(journal, more)).toMatchObject(expected);
  });
});

describe('signatures are written down first', () => {
  const work = (storage: string, data: Record<string, string> = {}) =>
    planArtifacts({
      artifacts: [artifact],
      journal: [],
      runAnnotations: {},
      config: parseChainsConfig({ 'artifacts.oci.storage': storage, ...data }).config,
      afresh: false,
      now: new Date(),
    });
  it.each([
    ['not for annotations of the run alone', 'tekton', {}, false],
    ['for a registry', 'oci', {}, true],
    ['for a registry beside annotations', 'tekton,oci', {}, true],
    ['for a log', 'tekton', { 'transparency.enabled': 'true' }, true],
    ['for a timestamp', 'tekton', { 'transparency.timestamp-url': 'https://t' }, true],
  ])('%s', (_name, storage, data, expected) => {
    expect(needsJournal(work(storage, data))).toBe(expected);
  });
});
