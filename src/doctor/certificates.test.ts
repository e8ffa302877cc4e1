import { beforeAll, describe, expect, it } from 'vitest';
import { issueAuthority } from '../webhook/certificates/issue.ts';
import { certificateFindings, certificatesOf, trustOf } from './certificates.ts';
import { now } from './installation.fake.ts';
import type { Observed } from './observe.ts';

type Webhook = Observed['webhooks'][number];
const DAY_MS = 24 * 60 * 60_000;
const YEARS_MS = 3 * 365 * DAY_MS;
const made: Record<'fresh' | 'old' | 'ending' | 'ended', string> = { fresh: '', old: '', ending: '', ended: '' };

beforeAll(async () => {
  const issued = async (daysAgo: number) =>
    (await issueAuthority('tekton-pipelines-webhook', new Date(now.getTime() - daysAgo * DAY_MS), YEARS_MS)).cert;
  [made.fresh, made.old, made.ending, made.ended] = (await Promise.all([10, 700, 900, 1_100].map(issued))) as [
    string,
    string,
    string,
    string,
  ];
});

function webhook(name: string, ...bundles: string[]): Webhook {
  const webhooks = bundles.map((bundle, at) => ({
    name: `${at}`,
    clientConfig: { caBundle: Buffer.from(bundle).toString('base64') },
  }));
  return { metadata: { name }, webhooks } as unknown as Webhook;
}

describe('the authorities that are trusted', () => {
  it('are told once, with whom they are trusted for, and what ends first before the others', () => {
    const both = `${made.fresh}${made.old}`;
    const found = certificatesOf([webhook('a', both, both), webhook('b', made.fresh)].map(trustOf));
    expect(found).toMatchObject([
      { subject: 'CN=tekton-pipelines-webhook', webhooks: ['a'] },
      { subject: 'CN=tekton-pipelines-webhook', webhooks: ['a', 'b'] },
    ]);
    const days = (time: string | undefined) => Math.round((Date.parse(time ?? '') - now.getTime()) / DAY_MS);
    expect([days(found[1]?.notBefore), days(found[1]?.notAfter)]).toEqual([-10, 1_085]);
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['no certificate', 'x'.repeat(1_000)],
    ['what looks like one', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'],
    ['megabytes', '-----BEGIN CERTIFICATE-----\n'.repeat(100_000)],
  ])('in %s there are none', (_name, bundle) => expect(certificatesOf([trustOf(webhook('a', bundle))])).toEqual([]));
});

describe('what is wrong about them', () => {
  it.each<[string, () => string[], string[]]>([
    ['nothing', () => [made.fresh], []],
    ['nothing: the next one is trusted too', () => [`${made.fresh}${made.ended}`], []],
    ['nothing: the webhook will add the next one in time', () => [made.old], []],
    ['nothing: nothing is called', () => [], []],
    ['the next one is missing', () => [made.ending], ['warning: what it trusts ends at']],
    ['it has ended', () => [made.ended], ['problem: what it trusts ended at']],
    ['there is none', () => [''], ['problem: it trusts no certificate']],
  ])('%s', (_name, bundles, expected) => {
    const found = certificateFindings([trustOf(webhook('a', ...bundles()))], now);
    expect(found.map(({ severity, text }) => `${severity}: ${text}`)).toEqual(
      expected.map((text) => expect.stringContaining(text) as string),
    );
  });
});
