import { describe, expect, it } from 'vitest';
import { cosignCommands, imagesOf } from './cosign.ts';
import { shortened, shown } from './shown.ts';
import { agoText, spanBetween, spanText } from './span.ts';
import { startedByOf } from './started-by.ts';

describe('time spans', () => {
  it.each([
    [850, '0.9 s'],
    [9_940, '9.9 s'],
    [12_400, '12 s'],
    [184_000, '3 m 04 s'],
    [3_599_600, '1 h 00 m'],
    [2 * 3_600_000 + 7 * 60_000, '2 h 07 m'],
    [76 * 3_600_000, '3 d 4 h'],
    [undefined, ''],
    [-5, ''],
    [NaN, ''],
  ])('%s ms are "%s"', (milliseconds, text) => expect(spanText(milliseconds)).toBe(text));

  it('never run backwards, for clocks differ', () => {
    expect(spanBetween('2026-01-01T00:00:10Z', undefined, Date.parse('2026-01-01T00:00:00Z'))).toBe(0);
    expect(spanBetween(undefined, undefined, 0)).toBeUndefined();
    expect(spanBetween('no time', undefined, 0)).toBeUndefined();
  });

  it.each([
    [3, 'just now'],
    [-20, 'just now'],
    [45, '45 seconds ago'],
    [60, '1 minute ago'],
    [7_300, '2 hours ago'],
    [200_000, '2 days ago'],
  ])('%s s ago is "%s"', (seconds, text) => {
    expect(agoText('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:00:00Z') + seconds * 1000)).toBe(text);
  });
});

describe('what others wrote', () => {
  it.each([
    ['plain text, with ümlauts and 日本', 'plain text, with ümlauts and 日本'],
    ['a\u202eb', 'a<U+202E>b'],
    ['a\u200bb\u0000', 'a<U+200B>b<U+0000>'],
    ['two\nlines\tand a tab', 'two\nlines\tand a tab'],
  ])('%j is shown as %j', (text, seen) => expect(shown(text)).toBe(seen));

  it('is cut, with how much is left', () => {
    expect(shortened('abcdef', 4)).toEqual({ text: 'abcd', left: 2 });
  });
});

describe('the command that repeats a verification', () => {
  const digest = `sha256:${'ab'.repeat(32)}`;
  const command = (name: string) =>
    `cosign verify-attestation --key cosign.pub --insecure-ignore-tlog=true --type slsaprovenance1 ${name}@${digest}`;

  it.each([
    ['registry.example.com/shop/web', ['registry.example.com/shop/web']],
    ['localhost:5000/web:v1', ['localhost:5000/web']],
    ['web; rm -rf /', []],
    ['$(id)/x', []],
    ['-o/x', []],
    ['no-registry', []],
  ])('for %s', (name, names) => {
    expect(cosignCommands([{ name, digest }])).toEqual(names.map(command));
  });

  it('is there only for digests, and for what cosign knows', () => {
    expect(cosignCommands([{ name: 'a.b/c', digest: 'sha256:x' }])).toEqual([]);
    const of = (predicateType: string) => cosignCommands([{ name: 'a.b/c', digest }], { predicateType });
    expect(of('https://example.com/other')).toEqual([]);
    expect(of('https://slsa.dev/provenance/v0.2')[0]).toContain('slsaprovenance ');
  });

  it.each([
    ['none', undefined, '--insecure-ignore-tlog=true '],
    ['the public one', 'https://rekor.sigstore.dev/api/v1/log/entries?logIndex=7', ''],
    ['its own', 'https://rekor.example:8443/api/v1/log/entries?logIndex=7', '--rekor-url https://rekor.example:8443 '],
    ['one that is no address', '; rm -rf /', '--insecure-ignore-tlog=true '],
    ['one with a shell in it', 'https://$(id).example/', '--insecure-ignore-tlog=true '],
  ])('asks the log that the entry is in: %s', (_name, log, flag) => {
    const [found] = cosignCommands([{ name: 'a.b/c', digest }], log === undefined ? {} : { log });
    expect(found).toBe(`cosign verify-attestation --key cosign.pub ${flag}--type slsaprovenance1 a.b/c@${digest}`);
  });

  it('is about what results name as images', () => {
    const results = [
      { name: 'IMAGE_URL', value: 'a.b/c\n' },
      { name: 'IMAGE_DIGEST', value: digest },
      { name: 'web.IMAGE_URL', value: 'a.b/web' },
      { name: 'lost_IMAGE_URL', value: 'a.b/lost' },
      { name: 'web.IMAGE_DIGEST', value: digest },
    ];
    expect(imagesOf(results).map(({ name }) => name)).toEqual(['a.b/c', 'a.b/web']);
  });
});

describe('who started a run', () => {
  it('is read from what Triggers, Pipelines as Code and the dashboards write', () => {
    const labels = { 'triggers.tekton.dev/eventlistener': 'github', 'triggers.tekton.dev/trigger': 'push' };
    const annotations = {
      'pipelinesascode.tekton.dev/sha': 'abc',
      'tektite.dev/commit': 'other',
      'tektite.dev/person': 'ana',
    };
    expect(startedByOf({ labels, annotations })).toEqual({ trigger: 'github/push', commit: 'abc', person: 'ana' });
  });

  it('is a schedule and its time', () => {
    const labels = { 'triggers.tekton.dev/eventlistener': 'clock', 'triggers.tekton.dev/trigger': 'nightly' };
    const annotations = {
      'triggers.tektite.dev/event-type': 'schedule',
      'triggers.tektite.dev/scheduled-time': '2026-06-02T00:00:00Z',
    };
    expect(startedByOf({ labels, annotations })).toEqual({
      trigger: 'clock/nightly',
      event: 'schedule',
      scheduledTime: '2026-06-02T00:00:00Z',
    });
  });

  it("are the event of Triggers, by the sink's annotations", () => {
    const said = { 'event-type': 'push', repository: 'shop/web', revision: 'abc', branch: 'main', sender: 'ana' };
    const annotations = Object.fromEntries(
      Object.entries(said).map(([part, value]) => [`triggers.tektite.dev/${part}`, value]),
    );
    const { revision: commit, sender: person, 'event-type': event, ...rest } = said;
    expect(startedByOf({ annotations })).toEqual({ ...rest, commit, person, event });
  });
});
